import { expect, test } from 'vitest'
import { MemoryStore } from '../../src/credential/memory-store.ts'
import { createCredentialPool, type StoredRecord } from '../../src/index.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { settled } from '../support/settled.ts'
import { numbered } from './account.ts'

/** A store whose reads end when they are told to. */
class SlowStore extends MemoryStore {
  readonly reading: (() => void)[] = []

  override async read(key: string): Promise<StoredRecord | undefined> {
    await new Promise<void>((resolve) => this.reading.push(resolve))
    return super.read(key)
  }
}

function world() {
  const [clock, store] = [new ManualClock(), new SlowStore()]
  const issue = async () => numbered(1)
  const pool = createCredentialPool({ source: { issue }, store, clock, deadline: 1_000 })
  const wants = Array.from({ length: 200 }, (_, n) => pool.get(`account-${n}`).accessToken())
  return { clock, store, wants }
}

test('[S11] given a store that reads slowly, when many accounts are wanted at once, then 64 are read at a time, and the wait starts no deadline', async () => {
  const { clock, store, wants } = world()
  const all = Promise.all(wants)
  let read = 0
  while (read < wants.length) {
    await settled()
    const some = store.reading.splice(0)
    expect(some.length).toBeLessThanOrEqual(64)
    read += some.length
    await clock.advance(900)
    for (const end of some) end()
  }
  expect(new Set(await all)).toEqual(new Set(['access-1']))
})

test('[C15, S11] given reads that never end, when a deadline has passed, then the other reads have their turn', async () => {
  const { clock, store, wants } = world()
  const outcomes = Promise.allSettled(wants)
  await settled()
  expect(store.reading).toHaveLength(64)
  store.reading.splice(0)
  await clock.advance(1_000)
  const over = new AbortController()
  void outcomes.then(() => over.abort())
  while (!over.signal.aborted) {
    for (const end of store.reading.splice(0)) end()
    await settled()
  }
  const failed = (await outcomes).filter(({ status }) => status === 'rejected')
  expect(failed).toHaveLength(64)
})
