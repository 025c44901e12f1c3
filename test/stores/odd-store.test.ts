import { expect, test } from 'vitest'
import { memoryStore, type Store, type StoredRecord } from '../../src/index.ts'
import { Account, numbered, processOf, storeWith } from '../credential/account.ts'
import { ManualClock } from '../support/manual-clock.ts'

/** What a store of a user's own gives, whatever its type says. */
const given = (what: unknown): StoredRecord => what as StoredRecord

for (const [name, record] of Object.entries({
  'no object': 'a string',
  'no revision': { token: { accessToken: 'stored' } },
  'NaN for a revision': { token: { accessToken: 'stored' }, revision: Number.NaN },
  'a text for a revision': { token: { accessToken: 'stored' }, revision: '7' },
  'a revision beyond 2^53': { token: { accessToken: 'stored' }, revision: 2 ** 53 },
  'a text for a token': { token: 'stored', revision: 7 },
  'a number for an access token': { token: { accessToken: 5 }, revision: 7 },
})) {
  test(`[S6] given a user's store that reads ${name}, when a caller wants a token, then no request is sent, and the error says what is wrong`, async () => {
    const account = new Account()
    const store = memoryStore()
    store.read = async () => given(record)
    const { token } = processOf(account, store, new ManualClock())
    await expect(token.accessToken()).rejects.toMatchObject({
      code: 'store_invalid',
      message: expect.stringMatching(/^The store gave what is no record: .+\. Mend the store/u),
    })
    expect(account.redemptions).toBe(0)
    expect(await token.check()).toMatchObject({ ok: false })
  })
}

test("[S2] given a user's store that returns null instead of undefined, then the source issues a token", async () => {
  const store = memoryStore()
  store.read = async () => given(null)
  const { token } = processOf(new Account(), store, new ManualClock())
  expect(await token.accessToken()).toBe('access-2')
})

test("[S6] given a user's store that locks a record with an invalid revision, when a caller wants a token, then nothing is redeemed", async () => {
  const account = new Account()
  const store: Store = await storeWith(memoryStore(), numbered(1, { expiresAt: 1 }))
  const update = store.update.bind(store)
  store.update = (key, change, options) =>
    update(key, (current, context) => change(given({ ...current, revision: '1' }), context), options)
  const { token } = processOf(account, store, new ManualClock())
  await expect(token.accessToken()).rejects.toMatchObject({ code: 'store_invalid' })
  expect(account.redemptions).toBe(0)
})

test("[K13] given a user's store that repeats its transaction, then the refresh token is redeemed once, and the new token is stored", async () => {
  const account = new Account()
  const store = await storeWith(memoryStore(), numbered(1, { expiresAt: 1 }))
  const update = store.update.bind(store)
  store.update = (key, change, options) =>
    update(
      key,
      async (current, context) => {
        await change(current, context)
        return change(current, context)
      },
      options,
    )
  const { token } = processOf(account, store, new ManualClock())
  expect(await token.accessToken()).toBe('access-2')
  expect(account.redemptions).toBe(1)
  expect((await store.read('default'))?.token?.accessToken).toBe('access-2')
})

test("[K13, S9] given a user's store that repeats its transaction after a login, then the login stays", async () => {
  const account = new Account()
  const store = await storeWith(memoryStore(), numbered(1, { expiresAt: 1 }))
  const login = { token: numbered(50), session: 1, revision: 60 }
  let repeated: unknown = 'not repeated'
  store.update = async (_key, change) => {
    const context = { signal: new AbortController().signal, abandoned: false }
    await change(await store.read('default'), context)
    repeated = await change(login, context)
    return login
  }
  const { token } = processOf(account, store, new ManualClock())
  await token.accessToken()
  expect([repeated, account.redemptions]).toEqual([undefined, 1])
})

test("[S7] given a user's store whose update() throws at once or returns nothing, then the error says that the store is wrong", async () => {
  for (const [odd, code] of [
    [
      () => {
        throw new Error('no connection')
      },
      'store_failed',
    ],
    [() => undefined, 'store_invalid'],
  ] as const) {
    const store = memoryStore()
    Reflect.set(store, 'update', odd)
    const { token } = processOf(new Account(), store, new ManualClock())
    await expect(token.accessToken()).rejects.toMatchObject({ code })
  }
})

test('[C11] given an account that is logged out, when it is checked, then the finding says so', async () => {
  const { token } = processOf(new Account(), memoryStore(), new ManualClock())
  await token.login(numbered(1))
  await token.logout()
  const { findings } = await token.check()
  expect(findings).toMatchObject([
    { code: 'credential_missing', message: expect.stringMatching(/logged out/u) },
  ])
})

test('[K4] given a login that could not be stored, when the store forgot the earlier sessions and has another login, then the other login stays', async () => {
  const [clock, store] = [new ManualClock(), memoryStore()]
  const { token } = processOf(new Account(), store, clock)
  await token.login(numbered(1))
  await token.login(numbered(2))
  const replace = store.replace.bind(store)
  store.replace = () => Promise.reject(new Error('away'))
  await expect(token.login(numbered(3))).rejects.toMatchObject({ code: 'store_failed' })
  await replace('default', () => ({ token: numbered(60), session: 1 }))
  store.replace = replace
  await clock.advance(10_000)
  expect((await store.read('default'))?.token).toMatchObject(numbered(60))
})
