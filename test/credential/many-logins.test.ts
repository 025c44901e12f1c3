import { describe, expect, test } from 'vitest'
import { MemoryStore } from '../../src/credential/memory-store.ts'
import { createCredentialPool } from '../../src/index.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { settled } from '../support/settled.ts'
import { numbered } from './account.ts'

const ACCOUNTS = 200

/** A store that writes each login when it is told to. */
class SlowStore extends MemoryStore {
  readonly writing: (() => void)[] = []

  override replace: MemoryStore['replace'] = async (key, change) => {
    await new Promise<void>((resolve) => this.writing.push(resolve))
    return super.replace(key, change)
  }
}

function world() {
  const [clock, store] = [new ManualClock(), new SlowStore()]
  const issue = async () => numbered(0)
  const pool = createCredentialPool({ source: { issue }, store, clock, deadline: 1_000, exitGrace: 0 })
  const accounts = Array.from({ length: ACCOUNTS }, (_, n) => pool.get(`account-${n}`))
  const logins = Promise.allSettled(accounts.map((account, n) => account.login(numbered(n))))
  const failed = async (): Promise<number> =>
    (await logins).filter(({ status }) => status === 'rejected').length
  const stored = async (): Promise<number> => {
    const records = await Promise.all(accounts.map((_, n) => store.read(`account-${n}`)))
    return records.filter((record, n) => record?.token?.accessToken === `access-${n}`).length
  }
  return { clock, store, pool, failed, stored }
}

describe('many accounts that log in at once', () => {
  test('[S11] given a store that writes slowly, then 64 logins are written at a time, and all succeed, though all together take longer than a deadline', async () => {
    const { clock, store, failed, stored } = world()
    for (let written = 0; written < ACCOUNTS;) {
      await settled()
      const some = store.writing.splice(0)
      expect(some.length).toBeLessThanOrEqual(64)
      written += some.length
      await clock.advance(300)
      for (const end of some) end()
    }
    expect(await failed()).toBe(0)
    expect(await stored()).toBe(ACCOUNTS)
  })

  test('[S11, K17] given a store that writes nothing for a deadline, then each login fails after at most two deadlines, and all are stored once the store writes', async () => {
    const { clock, store, pool, failed, stored } = world()
    await settled()
    expect(store.writing).toHaveLength(64)
    await clock.advance(1_000)
    await clock.advance(1_000)
    expect(await failed()).toBe(ACCOUNTS)
    const flushed = pool.flush({ timeout: 60_000 })
    const over = new AbortController()
    void flushed.then(() => over.abort())
    while (!over.signal.aborted) {
      for (const end of store.writing.splice(0)) end()
      await clock.advance(100)
    }
    expect(await stored()).toBe(ACCOUNTS)
  })
})
