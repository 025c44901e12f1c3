import { expect, test } from 'vitest'
import { type AccessToken, memoryStore, type Source } from '../../src/index.ts'
import { Gate } from '../support/gate.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { settled } from '../support/settled.ts'
import { Account, GatedStore, numbered, processOf, storeWith } from './account.ts'

test("[S10] given a user's store that does not respond, then a login and a logout end, the next login is stored, and a late write does not replace it", async () => {
  const [clock, store] = [new ManualClock(), new GatedStore()]
  const { token } = processOf(new Account(), store, clock)
  store.replacements.hold(1)
  const failed = token.login(numbered(1)).catch((error: unknown) => error)
  await settled()
  const next = token.login(numbered(2))
  await clock.advance(30_000)
  expect(await failed).toMatchObject({ code: 'store_failed' })
  await next
  store.replacements.release()
  await settled()
  expect((await store.read('default'))?.token).toMatchObject(numbered(2))

  store.reads.hold(1)
  const logout = token.logout().catch((error: unknown) => error)
  await settled()
  await clock.advance(30_000)
  expect(await logout).toMatchObject({ code: 'store_failed' })
})

test("[S10] given a user's store that does not respond, then check() reports that", async () => {
  const [clock, store] = [new ManualClock(), await storeWith(new GatedStore(), numbered(1))]
  const { token } = processOf(new Account(), store, clock)
  await token.snapshot()
  store.reads.hold(1)
  const checked = token.check()
  await settled()
  await clock.advance(30_000)
  expect(await checked).toMatchObject({
    ok: false,
    findings: [{ code: 'store_failed' }, { code: 'token_good' }],
  })
})

test('[S10] given a seed function that hangs under the lock, when the flight is given up, then the lock is released', async () => {
  const [clock, account] = [new ManualClock(), new Account()]
  const store = await storeWith(memoryStore(), numbered(1, { expiresAt: clock.now() - 1 }))
  let asked = 0
  const hanging: Source = {
    issue: (context) => account.issue(context),
    seed: async () => (++asked === 2 ? new Promise<never>(() => undefined) : undefined),
  }
  const one = processOf(hanging, store, clock)
  const called = one.token.snapshot().catch((error: unknown) => error)
  await clock.advance(5 * 30_000)
  expect(await called).toMatchObject({ code: 'refresh_timeout' })
  const other = processOf(account, store, clock)
  const [given] = await Promise.all([other.token.accessToken(), clock.advance(1_000)])
  expect(given).toBe('access-2')
})

test('[C15] given an expired token and a refresh that hangs, then accessToken() fails with refresh_timeout', async () => {
  const [clock, account] = [new ManualClock(), new Account()]
  account.expiresAt = () => clock.now() + 10_000
  const { token } = processOf(account, memoryStore(), clock)
  await token.accessToken()
  const gate = new Gate()
  gate.hold(1)
  account.during = () => gate.pass()
  await clock.advance(10_000)
  const called = token.accessToken().catch((error: unknown) => error)
  await clock.advance(30_000)
  expect(await called).toMatchObject({ code: 'refresh_timeout' })
  expect(await token.accessToken().catch((error: unknown) => error)).toMatchObject({
    code: 'refresh_timeout',
  })
  gate.release()
})

test('[K13] given a token that arrives after a later refresh has stored another one, then its refresh token is not redeemed', async () => {
  const [clock, store] = [new ManualClock(), await storeWith(memoryStore(), numbered(1))]
  const redeemed: (string | undefined)[] = []
  const gate = new Gate()
  gate.hold(1)
  const source: Source = {
    issue: async ({ current }): Promise<AccessToken> => {
      const nth = redeemed.push(current?.refreshToken)
      await gate.pass()
      return numbered(nth * 10)
    },
  }
  const { token } = processOf(source, store, clock)
  const first = await token.snapshot()
  token.refresh(first).catch(() => undefined)
  await clock.advance(5 * 30_000 + 5_000)
  const second = await token.refresh(first)
  gate.release()
  await settled()
  expect(token.peek()?.value).toMatchObject(numbered(20))
  token.accepted(second)
  await token.refresh(second)
  expect(redeemed).toEqual(['redeem-1', 'redeem-1', 'redeem-20'])
})

test('[K10] given a refresh that waits for a login to be stored, when a person logs in again, then the earlier login does not take its place', async () => {
  const [clock, store] = [new ManualClock(), new GatedStore()]
  const { token } = processOf(new Account(), store, clock)
  store.replacements.hold(2)
  const first = token.login(numbered(1))
  await settled()
  token.refresh({ generation: 1 }).catch(() => undefined)
  await settled()
  const second = token.login(numbered(2))
  await settled()
  token.refresh({ generation: 2 }).catch(() => undefined)
  await settled()
  store.replacements.release(1)
  await Promise.all([first, settled()])
  store.replacements.release()
  await second
  await settled()
  expect(token.peek()?.value.accessToken).not.toBe('access-1')
})

test("[S10] given a user's store whose findings() throws, then callers get tokens, and check() reports success", async () => {
  const [clock, store] = [new ManualClock(), await storeWith(memoryStore(), numbered(1))]
  const findings = (): never => {
    throw new Error('not today')
  }
  const { token } = processOf(new Account(), Object.assign(store, { findings }), clock)
  expect(await token.accessToken()).toBe('access-1')
  expect(await token.check()).toMatchObject({ ok: true, findings: [{ code: 'token_good' }] })
})

test("[S10] given a user's store that never calls the change for an unsaved token, when it recovers, then the token is stored, and the next refresh succeeds", async () => {
  const [clock, account] = [new ManualClock(), new Account()]
  account.expiresAt = () => clock.now() + 60_000
  const store = await storeWith(memoryStore(), numbered(1, { expiresAt: clock.now() - 1 }))
  const update = store.update.bind(store)
  let state: 'fails' | 'hangs' | 'well' = 'fails'
  store.update = async (key, change, options) => {
    if (state === 'hangs') return new Promise<never>(() => undefined)
    if (state === 'well') return update(key, change, options)
    await change(await store.read(key), { signal: new AbortController().signal, abandoned: false })
    throw new Error('the connection is lost')
  }
  const { token } = processOf(account, store, clock)
  expect(await token.accessToken()).toBe('access-2')
  state = 'hangs'
  await clock.advance(10_000)
  state = 'well'
  await clock.advance(40_000)
  expect([token.status().isUnsaved, (await store.read('default'))?.token?.accessToken]).toEqual([
    false,
    'access-2',
  ])
  await clock.advance(20_000)
  expect(await token.accessToken()).toBe('access-3')
})
