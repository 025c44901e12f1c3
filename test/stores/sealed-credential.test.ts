import { expect, test, vi } from 'vitest'
import { memoryStore, type Store } from '../../src/index.ts'
import { fileStore } from '../../src/stores/file/index.ts'
import { adoptUnsealed, sealedStore } from '../../src/stores/sealed/index.ts'
import { Account, numbered, processOf, storeWith } from '../credential/account.ts'
import { temporaryFolder } from '../support/folder.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { newKey, sealedWith } from './sealing.ts'

const [older, newer, stranger] = [newKey('2025-11'), newKey('2026-11'), newKey('2024-11')]
const invalid = (message: RegExp): unknown =>
  expect.objectContaining({ code: 'store_invalid', message: expect.stringMatching(message) })

test('[S8, S2] given processes with the keys in either order, then they share an account with one redemption for each expiry', async () => {
  const path = await temporaryFolder()
  const [account, clock] = [new Account(), new ManualClock()]
  await storeWith(sealedStore(fileStore({ path }), [older]), numbered(1))
  const orders = [
    [newer, older],
    [older, newer],
  ]
  const processes = [...orders, ...orders].map((keys) =>
    processOf(account, sealedStore(fileStore({ path }), keys), clock),
  )
  const seals = new Set<unknown>()
  for (let expiry = 1; expiry <= 10; expiry++) {
    const held = await Promise.all(processes.map(({ token }) => token.snapshot()))
    // Another one wins each time.
    processes.push(...processes.splice(0, 1))
    held.push(...held.splice(0, 1))
    const fresh = await Promise.all(
      processes.map(({ token }, n) => token.refresh(held[n] ?? { generation: 0 })),
    )
    expect(fresh.map(({ value }) => value.accessToken)).toEqual(fresh.map(() => `access-${expiry + 1}`))
    for (const [n, { token }] of processes.entries()) token.accepted(fresh[n] ?? { generation: 0 })
    expect(account.redemptions).toBe(expiry)
    seals.add(await sealedWith(fileStore({ path }), 'default'))
  }
  expect(seals).toEqual(new Set(['2025-11', '2026-11']))
})

test('[S8, S6] given a process with the wrong key, then it redeems and overwrites nothing, and its error says why; other processes go on', async () => {
  const [account, clock, inner] = [new Account(), new ManualClock(), memoryStore()]
  const right = processOf(account, await storeWith(sealedStore(inner, [newer]), numbered(1)), clock)
  const wrong = processOf(account, sealedStore(inner, [{ ...stranger, id: '2026-11' }]), clock)
  const before = await inner.read('default')
  const message = /record of "default" cannot be opened with the key "2026-11".*Mend the secret, or log out/u
  await expect(wrong.token.snapshot()).rejects.toEqual(invalid(message))
  expect(wrong.token.status()).toMatchObject({ state: 'empty', failure: { code: 'store_invalid' } })
  expect([account.redemptions, await inner.read('default')]).toEqual([0, before])
  expect((await right.token.refresh(await right.token.snapshot())).value).toMatchObject(numbered(2))
})

test('[S8] given a record that cannot be opened, when a person logs in, then the error says what to do, and the login succeeds after that', async () => {
  const [account, clock, inner] = [new Account(), new ManualClock(), memoryStore()]
  await storeWith(sealedStore(inner, [older]), numbered(1))
  const { token } = processOf(account, sealedStore(inner, [newer]), clock)
  await expect(token.login(numbered(7))).rejects.toEqual(
    invalid(/needs the key "2025-11".*log out and log in/u),
  )
  // It is in force here, and nowhere else.
  expect((await token.snapshot()).value).toEqual(numbered(7))
  expect(token.status()).toMatchObject({ state: 'valid', isUnsaved: true })
  await token.logout()
  expect(await inner.read('default')).toEqual({ token: undefined, session: 1, revision: 2 })
  await token.login(numbered(7))
  expect(token.status()).toMatchObject({ state: 'valid', isUnsaved: false })
  const other = processOf(account, sealedStore(inner, [newer]), clock)
  expect((await other.token.snapshot()).value).toMatchObject(numbered(7))
  await clock.advance(60_000)
  expect([(await inner.read('default'))?.revision, clock.armed]).toEqual([3, 0])
})

test('[S8, K4] given a record that cannot be opened yet, when a person logs in, then the login is stored once the key arrives', async () => {
  const [clock, inner] = [new ManualClock(), memoryStore()]
  await storeWith(sealedStore(inner, [older]), numbered(1))
  let keys = [newer]
  const { token } = processOf(
    'store-only',
    sealedStore(inner, () => keys, { clock }),
    clock,
  )
  await expect(token.login(numbered(7))).rejects.toEqual(invalid(/needs the key "2025-11"/u))
  keys = [newer, older]
  clock.jump(10_000)
  await expect(token.refresh(await token.snapshot())).rejects.toMatchObject({ code: 'unchanged' })
  expect([token.status().isUnsaved, await sealedWith(inner, 'default')]).toEqual([false, '2026-11'])
})

test('[S8, K4] given keys that cannot be fetched, then nothing is redeemed, and a valid token is used; refreshes go on once there are keys', async () => {
  const [account, clock, inner] = [new Account(), new ManualClock(), memoryStore()]
  await storeWith(sealedStore(inner, [newer]), numbered(1))
  let isDown = false
  const keys = async () => {
    if (isDown) throw new Error('the service is down')
    return [newer]
  }
  const { token } = processOf(account, sealedStore(inner, keys, { clock }), clock)
  isDown = true
  await expect(token.snapshot()).rejects.toMatchObject({ code: 'store_failed' })
  isDown = false
  await clock.advance(1_000)
  const first = await token.snapshot()
  isDown = true
  // It has the keys by now.
  expect((await token.refresh(first)).value).toMatchObject(numbered(2))
  const late = processOf(account, sealedStore(inner, keys, { clock }), clock)
  await expect(late.token.snapshot()).rejects.toMatchObject({ code: 'store_failed' })
  expect(account.redemptions).toBe(1)
})

test('[S8] given keys that cannot be fetched, then a source that spends nothing refreshes without the store, if whenStoreIsDown allows it', async () => {
  const [clock, inner] = [new ManualClock(), memoryStore()]
  let isDown = true
  const keys = async () => {
    if (isDown) throw new Error('the service is down')
    return [newer]
  }
  const source = { spendsRefreshToken: false, issue: async () => ({ accessToken: 'free' }) }
  const { token } = processOf(source, sealedStore(inner, keys, { clock }), clock)
  expect((await token.snapshot()).value).toMatchObject({ accessToken: 'free' })
  expect(token.status().isUnsaved).toBe(true)
  isDown = false
  await clock.advance(1_000)
  // Sealing takes real time.
  await vi.waitFor(() => expect(token.status().isUnsaved).toBe(false), 10_000)
  expect(await sealedWith(inner, 'default')).toBe('2026-11')
})

test('[S8] given an unsealed account and adoptUnsealed, then its token is used, and its next refresh seals it', async () => {
  const [account, clock] = [new Account(), new ManualClock()]
  const inner = await storeWith(memoryStore(), numbered(1))
  const strict = processOf(account, sealedStore(inner, [newer]), clock)
  await expect(strict.token.snapshot()).rejects.toEqual(invalid(/"default" is not sealed/u))
  const open = (store: Store): ReturnType<typeof processOf> => processOf(account, store, clock)
  const { token } = open(sealedStore(inner, [newer], { [adoptUnsealed]: true }))
  const held = await token.snapshot()
  expect(held.value).toEqual(numbered(1))
  expect((await token.refresh(held)).value).toMatchObject(numbered(2))
  expect((await open(sealedStore(inner, [newer])).token.snapshot()).value).toMatchObject(numbered(2))
  expect(account.redemptions).toBe(1)
})
