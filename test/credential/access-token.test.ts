import { describe, expect, test } from 'vitest'
import { createCredential, memoryStore, RefreshError, type Source } from '../../src/index.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { Account, numbered, type Process, processOf, storeWith } from './account.ts'

interface World extends Process {
  readonly clock: ManualClock
  readonly account: Account
  /** Another process that begins. */
  readonly next: () => Process
}

/** @param left ms that the stored token lives */
async function world(left?: number): Promise<World> {
  const [clock, account] = [new ManualClock(), new Account()]
  const expiresAt = left === undefined ? undefined : clock.now() + left
  const store = await storeWith(memoryStore(), numbered(1, { expiresAt }))
  const next = (): Process => processOf(account, store, clock)
  return { clock, account, next, ...next() }
}

describe('accessToken({ rejected })', () => {
  test('[C10] given a new process whose store holds the rejected token, then it refreshes, and the next process adopts the new token', async () => {
    const { token, next, account } = await world()
    expect(await token.accessToken({ rejected: 'access-1' })).toBe('access-2')
    expect(await next().token.accessToken({ rejected: 'access-1' })).toBe('access-2')
    expect(account.redemptions).toBe(1)
  })

  test('[C3] given the rejected token in force, when many callers report it, then one refresh runs, and all get the same new token', async () => {
    const { token, account } = await world(3_600_000)
    expect(await token.accessToken()).toBe('access-1')
    const given = await Promise.all(
      Array.from({ length: 20 }, () => token.accessToken({ rejected: 'access-1' })),
    )
    expect([new Set(given), account.redemptions]).toEqual([new Set(['access-2']), 1])
  })

  test('[C2] given a newer token in force, when the older one is reported, then the caller gets the newer one, and no refresh runs', async () => {
    const { token, account } = await world()
    await token.accessToken({ rejected: 'access-1' })
    expect(await token.accessToken({ rejected: 'access-1' })).toBe('access-2')
    expect(account.redemptions).toBe(1)
  })
})

describe('accessToken({ minTtl })', () => {
  test('[C9] given a token that lives long enough, then the caller gets it; a shorter one is refreshed first', async () => {
    const { token, account } = await world(100_000)
    expect(await token.accessToken({ minTtl: 100_000 })).toBe('access-1')
    expect(await token.accessToken({ minTtl: 100_001 })).toBe('access-2')
    expect(account.redemptions).toBe(1)
  })

  test('[C9] given a source whose tokens live shorter than minTtl, then callers get the same token without another refresh', async () => {
    const { token, account, clock } = await world(1_000)
    account.expiresAt = () => clock.now() + 50_000
    expect(await token.accessToken({ minTtl: 60_000 })).toBe('access-2')
    expect(await token.accessToken({ minTtl: 60_000 })).toBe('access-2')
    expect(account.redemptions).toBe(1)
  })

  test('[C9] given a new process whose source’s tokens live shorter than minTtl, then one request is enough; a token from the store is refreshed once', async () => {
    const clock = new ManualClock()
    const source = (): Source => ({
      issue: async () => ({ accessToken: `issued-${++asked}`, expiresAt: clock.now() + 50_000 }),
    })
    let asked = 0
    const store = memoryStore()
    const first = createCredential({ source: source(), store, clock })
    expect(await first.accessToken({ minTtl: 60_000 })).toBe('issued-1')
    expect(await first.accessToken({ minTtl: 60_000, rejected: 'issued-1' })).toBe('issued-2')
    expect(asked).toBe(2)
    const second = createCredential({ source: source(), store, clock })
    expect(await second.accessToken({ minTtl: 60_000 })).toBe('issued-3')
  })

  test('[C9] given a valid token that lives shorter than minTtl, when the refresh fails, then the caller gets the valid token', async () => {
    const { token, account } = await world(100_000)
    account.failures.push(new RefreshError('source_refused', 'The server refused.'))
    expect(await token.accessToken({ minTtl: 200_000 })).toBe('access-1')
  })
})

test('[C4] given callers that wait, when one aborts, then it gets its signal’s reason, and the refresh goes on for the others', async () => {
  const { token, account } = await world()
  let end = (): void => undefined
  account.during = () => new Promise<void>((resolve) => (end = resolve))
  const reason = new Error('left')
  const controller = new AbortController()
  const left = token.accessToken({ rejected: 'access-1', signal: controller.signal })
  const stays = token.accessToken({ rejected: 'access-1' })
  controller.abort(reason)
  await expect(left).rejects.toBe(reason)
  while (account.redemptions === 0) await Promise.resolve()
  await Promise.resolve()
  end()
  expect(await stays).toBe('access-2')
})

test.each([
  [{ minTtl: -1 }, 'minTtl'],
  [{ rejected: 5 }, 'rejected'],
  [{ background: 'later' }, 'background'],
  [{ ttl: 1 }, 'ttl'],
])('[E1] accessToken(%o) rejects with a clear error', async (options, name) => {
  const { token } = await world()
  await expect(token.accessToken(options as never)).rejects.toMatchObject({
    code: 'invalid_option',
    message: expect.stringContaining(name) as unknown,
  })
})
