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
  test('[C10] given a process that begins, and a store that holds the rejected token, then it gives another, and the next process takes that one', async () => {
    const { token, next, account } = await world()
    expect(await token.accessToken({ rejected: 'access-1' })).toBe('access-2')
    expect(await next().token.accessToken({ rejected: 'access-1' })).toBe('access-2')
    expect(account.redemptions).toBe(1)
  })

  test('[C3] given the rejected token in force, when many callers tell it, then all get the same other one', async () => {
    const { token, account } = await world(3_600_000)
    expect(await token.accessToken()).toBe('access-1')
    const given = await Promise.all(
      Array.from({ length: 20 }, () => token.accessToken({ rejected: 'access-1' })),
    )
    expect([new Set(given), account.redemptions]).toEqual([new Set(['access-2']), 1])
  })

  test('[C2] given another token in force by now, then that one is given, and nothing is refreshed', async () => {
    const { token, account } = await world()
    await token.accessToken({ rejected: 'access-1' })
    expect(await token.accessToken({ rejected: 'access-1' })).toBe('access-2')
    expect(account.redemptions).toBe(1)
  })
})

describe('accessToken({ minTtl })', () => {
  test('[C9] given a token that lives longer, then it is given; one that lives less is refreshed first', async () => {
    const { token, account } = await world(100_000)
    expect(await token.accessToken({ minTtl: 100_000 })).toBe('access-1')
    expect(await token.accessToken({ minTtl: 100_001 })).toBe('access-2')
    expect(account.redemptions).toBe(1)
  })

  test('[C9] given tokens that arrive with less, then the same is given without another refresh', async () => {
    const { token, account, clock } = await world(1_000)
    account.expiresAt = () => clock.now() + 50_000
    expect(await token.accessToken({ minTtl: 60_000 })).toBe('access-2')
    expect(await token.accessToken({ minTtl: 60_000 })).toBe('access-2')
    expect(account.redemptions).toBe(1)
  })

  test('[C9] given no token, or a rejected one, and tokens that arrive with less, then one request is enough; a token of the store is refreshed', async () => {
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

  test('[C9] given a token that is still good and a refresh that fails, then that token is given', async () => {
    const { token, account } = await world(100_000)
    account.failures.push(new RefreshError('source_refused', 'The server refused.'))
    expect(await token.accessToken({ minTtl: 200_000 })).toBe('access-1')
  })
})

test('[C4] given a signal that aborts, then the caller is told its reason, and the refresh goes on for the others', async () => {
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
])('[E1] accessToken(%o): a clear error', async (options, name) => {
  const { token } = await world()
  await expect(token.accessToken(options as never)).rejects.toMatchObject({
    code: 'invalid_option',
    message: expect.stringContaining(name) as unknown,
  })
})
