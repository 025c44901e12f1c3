import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { createCredential, memoryStore, RefreshError, type Source, type Store } from '../../src/index.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { settled } from '../support/settled.ts'
import { Account, FlakyStore, numbered, processOf, storeWith } from './account.ts'

const code = (expected: string): unknown => expect.objectContaining({ code: expected })

test('[K8] given tokens from the store, the source and another process, then the events `loaded`, `issued` and `adopted` distinguish them', async () => {
  const [account, clock] = [new Account(), new ManualClock()]
  const store = await storeWith(memoryStore(), numbered(1))
  const [one, other] = [processOf(account, store, clock), processOf(account, store, clock)]
  const first = await one.token.snapshot()
  expect(first.value.accessToken).toBe('access-1')
  const held = await other.token.snapshot()
  await one.token.refresh(first)
  const adopted = await other.token.refresh(held)
  expect(adopted.value).toMatchObject(numbered(2))
  expect(one.types()).toEqual(['loaded', 'issued', 'persisted'])
  expect(other.types()).toEqual(['loaded', 'adopted'])
  expect(account.redemptions).toBe(1)
})

test('[C1, C3] given processes that share a store, when many of their callers are rejected, then one redemption is made', async () => {
  const [account, clock] = [new Account(), new ManualClock()]
  const store = await storeWith(memoryStore(), numbered(1))
  const processes = Array.from({ length: 8 }, () => processOf(account, store, clock))
  const all = await Promise.all(
    processes.flatMap(({ token }) =>
      Array.from({ length: 20 }, async () => token.refresh(await token.snapshot())),
    ),
  )
  expect(new Set(all.map(({ value }) => value.accessToken))).toEqual(new Set(['access-2']))
  expect(account.redemptions).toBe(1)
})

test('[K2] given a response that leaves members out, then the new token keeps them from the one before', async () => {
  const before = numbered(1, {
    scope: 'a b',
    tokenType: 'DPoP',
    extra: { account: '7', region: 'eu' },
    expiresAt: 5,
  })
  const store = await storeWith(memoryStore(), before)
  const source: Source = { issue: async () => ({ accessToken: 'new', extra: { region: 'us' } }) }
  const { token } = processOf(source, store, new ManualClock(0))
  const fresh = await token.refresh(await token.snapshot())
  expect(fresh.value).toEqual({
    accessToken: 'new',
    refreshToken: 'redeem-1',
    scope: 'a b',
    tokenType: 'DPoP',
    extra: { account: '7', region: 'us' },
    expiresAt: undefined,
  })
  expect((await store.read('default'))?.token).toEqual(fresh.value)
})

test.each([
  ['nothing', undefined],
  ['a string', 'access'],
  ['an empty token', { accessToken: '' }],
  ['a token that is no text', { accessToken: 7 }],
])(
  'given a source that returns %s, then the refresh fails with a clear error, and nothing is written',
  async (_, given) => {
    const store = await storeWith(memoryStore(), numbered(1))
    const source = { issue: async () => given } as unknown as Source
    const { token } = processOf(source, store, new ManualClock())
    await expect(token.refresh(await token.snapshot())).rejects.toEqual(code('invalid_value'))
    expect((await store.read('default'))?.revision).toBe(1)
  },
)

test('given a token with unusable members, then its other members are kept', async () => {
  const source = {
    issue: async () => ({
      accessToken: 'a',
      expiresAt: Number.NaN,
      refreshToken: 7,
      scope: '',
      extra: [1],
    }),
  } as unknown as Source
  const { value, expiresAt } = await createCredential({ source }).snapshot()
  expect([value.accessToken, value.refreshToken, value.scope, value.extra, expiresAt]).toEqual([
    'a',
    undefined,
    undefined,
    undefined,
    undefined,
  ])
})

test.each(['rejected', 'expiring'] as const)(
  '[K11] given a token that is %s, when the source gives the same token again, then the refresh fails with `unchanged`, and the generation stays',
  async (cause) => {
    const clock = new ManualClock(0)
    const expiresAt = cause === 'expiring' ? 10_000 : undefined
    let asked = 0
    const source: Source = {
      issue: async () => {
        asked++
        return { accessToken: 'access-1', expiresAt }
      },
    }
    const store = await storeWith(memoryStore(), { accessToken: 'access-1', expiresAt })
    const { token, events } = processOf(source, store, clock)
    const held = await token.snapshot()
    if (cause === 'expiring') {
      clock.jump(10_000)
      expect(await token.snapshot()).toBe(held)
    } else {
      await expect(token.refresh(held)).rejects.toEqual(code('unchanged'))
      await expect(token.refresh(held)).rejects.toEqual(code('refresh_suspended'))
    }
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'refresh_failed', error: code('unchanged') }),
    )
    expect([asked, token.peek()?.generation]).toEqual([1, 1])
    expect((await store.read('default'))?.revision).toBe(1)
  },
)

test('[K11] given a source that gives the same token with a later expiry, then that is a new generation', async () => {
  const clock = new ManualClock(0)
  const source: Source = { issue: async () => ({ accessToken: 'same', expiresAt: clock.now() + 10_000 }) }
  const { token } = processOf(source, memoryStore(), clock)
  await token.snapshot()
  clock.jump(10_000)
  expect(await token.snapshot()).toMatchObject({ generation: 2, expiresAt: 20_000 })
})

test('[K11, K10] given a source that gives the same access token with a new refresh token, then the refresh fails with `unchanged`, and the new refresh token is stored', async () => {
  const store = await storeWith(memoryStore(), numbered(1))
  const asked: (string | undefined)[] = []
  const source: Source = {
    issue: async ({ current }) => {
      asked.push(current?.refreshToken)
      return asked.length === 1 ? { accessToken: 'access-1', refreshToken: 'redeem-2' } : numbered(3)
    },
  }
  const clock = new ManualClock()
  const { token } = processOf(source, store, clock)
  const held = await token.snapshot()
  await expect(token.refresh(held)).rejects.toEqual(code('unchanged'))
  expect((await store.read('default'))?.token?.refreshToken).toBe('redeem-2')
  await clock.advance(1_000)
  expect((await token.refresh(held)).value).toMatchObject(numbered(3))
  expect(asked).toEqual(['redeem-1', 'redeem-2'])
})

test('[C9, C10] given a token, then it is refreshed ahead of its expiry, or earlier when it is rejected', async () => {
  const [account, clock] = [new Account(), new ManualClock(0)]
  account.expiresAt = () => clock.now() + 3_600_000
  const store = await storeWith(memoryStore(), numbered(1, { expiresAt: 3_600_000 }))
  const { token } = processOf(account, store, clock)
  const held = await token.snapshot()
  clock.jump(3_599_000)
  expect(await token.snapshot()).toBe(held)
  await settled()
  const ahead = await token.snapshot()
  expect([ahead.generation, account.redemptions]).toEqual([2, 1])
  expect((await token.refresh(ahead)).generation).toBe(3)
})

test('given an expired token in the store, when a process starts, then it refreshes that token', async () => {
  const [account, clock] = [new Account(), new ManualClock(100)]
  const store = await storeWith(memoryStore(), numbered(1, { expiresAt: 100 }))
  const { token } = processOf(account, store, clock)
  expect((await token.snapshot()).value).toMatchObject(numbered(2))
  expect(account.asked[0]?.current).toMatchObject(numbered(1))
})

test('given a rejection with a challenge, then the source gets the challenge and a signal', async () => {
  const account = new Account()
  const { token } = processOf(account, memoryStore(), new ManualClock())
  await token.refresh(await token.snapshot(), { challenge: 'Bearer error="insufficient_claims"' })
  expect(account.asked.map(({ challenge }) => challenge)).toEqual([
    undefined,
    'Bearer error="insufficient_claims"',
  ])
  expect(account.asked[1]?.signal.aborted).toBe(false)
})

test('[C7] given a terminal failure, when a person logs in in another process, then this one finds the login, with at most one look per cooldown', async () => {
  const [account, clock] = [new Account(), new ManualClock()]
  const store = await storeWith(new FlakyStore(), numbered(0))
  const [one, other] = [processOf(account, store, clock), processOf(account, store, clock)]
  const held = await one.token.snapshot()
  await expect(one.token.refresh(held)).rejects.toEqual(code('reauthentication_required'))
  expect(one.token.status()).toMatchObject({ state: 'reauthentication_required' })
  await expect(one.token.refresh(held)).rejects.toEqual(code('reauthentication_required'))
  await other.token.login(numbered(1))
  await clock.advance(1_000)
  expect((await one.token.refresh(held)).value).toMatchObject(numbered(1))
  expect(one.token.status()).toMatchObject({ state: 'valid', failure: undefined })
  expect(account.redemptions).toBe(1)
})

test('[K10] given a redemption that is refused because another process was faster, then the other process’s token is adopted', async () => {
  const store = await storeWith(memoryStore(), numbered(1))
  let isLost = false
  const source: Source = {
    issue: async () => {
      isLost = true
      throw new RefreshError('reauthentication_required', 'That refresh token was spent.')
    },
  }
  // A store whose lock did not hold: while we ask, another holder has written.
  const careless: Store = {
    read: async (key) => (isLost ? { token: numbered(2), revision: 99 } : store.read(key)),
    update: (key, change) => store.update(key, change),
    replace: (key, change) => store.replace(key, change),
    delete: (key) => store.delete(key),
  }
  const { token } = processOf(source, careless, new ManualClock())
  expect((await token.refresh(await token.snapshot())).value).toMatchObject(numbered(2))
})

test('[Z1] given a token, then its inspection, JSON, status and events contain no part of it', async () => {
  const [account, clock] = [new Account(), new ManualClock()]
  const store = await storeWith(new FlakyStore(), numbered(1, { extra: { secret: 'redeem-extra' } }))
  const { token, events } = processOf(account, store, clock)
  token.accepted(await token.refresh(await token.snapshot()))
  store.failsTo = 'write'
  await token.refresh(await token.snapshot())
  store.writes.length = 0
  const shown = [
    inspect(token, { depth: 9, showHidden: true }),
    JSON.stringify([token, token.status(), events]),
    inspect(events, { depth: 9 }),
    inspect(store, { depth: 9 }),
  ]
  expect(shown.join()).not.toMatch(/access-|redeem-/)
})

test.each([
  ['no options', undefined],
  ['no source', {}],
  ['a source that is none', { source: { refresh: () => undefined } }],
  ['a store that is none', { source: new Account(), store: {} }],
  ['an empty key', { source: new Account(), key: '' }],
  ['an option that does not exist', { source: new Account(), initial: {} }],
])('%s: a clear error', (_, options) => {
  expect(() => createCredential(options as never)).toThrow(code('invalid_option'))
})
