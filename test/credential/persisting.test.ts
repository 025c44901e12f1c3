import { expect, test, vi } from 'vitest'
import { MemoryStore } from '../../src/credential/memory-store.ts'
import {
  type AccessToken,
  RefreshError,
  type Source,
  type Store,
  type StoreContext,
} from '../../src/index.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { settled } from '../support/settled.ts'
import { Account, FlakyStore, numbered, processOf, storeWith } from './account.ts'

const code = (expected: string): unknown => expect.objectContaining({ code: expected })

async function started(): Promise<{
  account: Account
  clock: ManualClock
  store: FlakyStore
  process: ReturnType<typeof processOf>
}> {
  const [account, clock] = [new Account(), new ManualClock()]
  const store = await storeWith(new FlakyStore(), numbered(1))
  const process = processOf(account, store, clock)
  await process.token.snapshot()
  store.writes.length = 0
  return { account, clock, store, process }
}

test('[K4] given a new token, then it is stored before callers get it', async () => {
  const { store, process } = await started()
  const { token } = process
  let stored: unknown
  const handedOut = token.refresh(await token.snapshot()).then(async ({ value }) => {
    stored = (await store.read('default'))?.token
    return value
  })
  expect(stored).toBeUndefined()
  expect(await handedOut).toEqual(stored)
})

test('[K4] given a token that cannot be stored, then callers use it, an event reports it, and it is written at the next chance', async () => {
  const { clock, store, process } = await started()
  const { token, types } = process
  store.failsTo = 'write'
  const fresh = await token.refresh(await token.snapshot())
  expect(fresh.value).toMatchObject(numbered(2))
  expect(token.status()).toMatchObject({ state: 'valid', isUnsaved: true })
  await clock.advance(1_000)
  await clock.advance(2_000)
  expect((await store.read('default'))?.token).toMatchObject(numbered(1))
  store.failsTo = 'nothing'
  await clock.advance(4_000)
  expect((await store.read('default'))?.token).toMatchObject(numbered(2))
  expect(token.status().isUnsaved).toBe(false)
  expect(types()).toEqual([
    'loaded',
    'issued',
    ...Array.from({ length: 3 }, () => 'persist_failed'),
    'persisted',
  ])
  expect(clock.armed).toBe(0)
})

test('[K4, K10] given an unsaved token, when a refresh begins, then the token is written before anything is adopted or issued', async () => {
  const { account, store, process } = await started()
  const { token } = process
  store.failsTo = 'write'
  const second = await token.refresh(await token.snapshot())
  token.accepted(second)
  const failed = token.refresh(second)
  await expect(failed).rejects.toEqual(code('store_failed'))
  expect(account.redemptions).toBe(1)
  expect(await token.snapshot()).toBe(second)

  store.failsTo = 'nothing'
  store.writes.length = 0
  account.during = () => expect(store.writes).toEqual(['access-2'])
  await token.login(numbered(2))
  expect((await token.refresh(await token.snapshot())).value).toMatchObject(numbered(3))
  expect(store.writes).toEqual(['access-2', 'access-3'])
})

test('[K4] given a write that succeeded although it was reported as failed, then its record does not count as another process’s', async () => {
  const { account, clock, store, process } = await started()
  const { token, types } = process
  store.failsTo = 'tell'
  const second = await token.refresh(await token.snapshot())
  token.accepted(second)
  store.failsTo = 'nothing'
  await clock.advance(1_000)
  expect(token.status().isUnsaved).toBe(false)
  expect((await store.read('default'))?.revision).toBe(2)
  expect((await token.refresh(second)).value).toMatchObject(numbered(3))
  expect(types()).toEqual(['loaded', 'issued', 'persist_failed', 'persisted', 'issued', 'persisted'])
  expect(account.redemptions).toBe(2)
})

test('[K10] given an unsaved token, when another process has written a login since, then that login stays', async () => {
  const { account, clock, store, process } = await started()
  const other = processOf(account, store, clock)
  const { token } = process
  store.failsTo = 'write'
  const second = await token.refresh(await token.snapshot())
  token.accepted(second)
  store.failsTo = 'nothing'
  await other.token.login(numbered(7))
  await clock.advance(1_000)
  expect(token.status().isUnsaved).toBe(false)
  expect((await store.read('default'))?.token).toMatchObject(numbered(7))
  expect((await token.refresh(second)).value).toMatchObject(numbered(7))
})

test('[K4] given an unsaved token, when the token before it is written once more, then the unsaved token is still written', async () => {
  const { account, clock, store, process } = await started()
  const { token } = process
  store.failsTo = 'write'
  const second = await token.refresh(await token.snapshot())
  token.accepted(second)
  store.failsTo = 'nothing'
  // As one does to seal it with another key.
  await store.update('default', async (current) => current)
  await clock.advance(1_000)
  expect(token.status().isUnsaved).toBe(false)
  expect((await store.read('default'))?.token).toMatchObject(numbered(2))
  expect((await token.refresh(second)).value).toMatchObject(numbered(3))
  expect(account.asked.map(({ current }) => current?.refreshToken)).toEqual(['redeem-1', 'redeem-2'])
})

test('[K10] given a token that is written once more under a higher revision, then no process adopts it as new, and it is redeemed once', async () => {
  const { account, clock, store, process } = await started()
  const other = processOf(account, store, clock)
  const held = await process.token.snapshot()
  const others = await other.token.snapshot()
  await store.update('default', async (current) => current)
  expect((await process.token.refresh(held)).value).toMatchObject(numbered(2))
  await store.update('default', async (current) => current)
  expect((await other.token.refresh(others)).value).toMatchObject(numbered(2))
  expect(account.redemptions).toBe(1)
})

test('[K10] given a store that still holds a spent token, then no process adopts it again', async () => {
  const { account, store, process } = await started()
  const { token } = process
  const held = await token.snapshot()
  store.failsTo = 'write'
  const second = await token.refresh(held)
  expect(second.value).toMatchObject(numbered(2))
  token.accepted(second)
  store.failsTo = 'nothing'
  // The store holds token 1, which differs from what was rejected.
  expect((await token.refresh(second)).value).toMatchObject(numbered(3))
  expect(account.asked.map(({ current }) => current?.accessToken)).toEqual(['access-1', 'access-2'])
})

test.each(['read', 'lock'] as const)(
  'given a store that fails to %s, then the refresh fails, and callers still get the valid token',
  async (what) => {
    const { account, clock, store, process } = await started()
    const { token } = process
    const held = await token.snapshot()
    store.failsTo = what
    await expect(token.refresh(held)).rejects.toEqual(code('store_failed'))
    expect(await token.snapshot()).toBe(held)
    expect(token.status()).toMatchObject({ state: 'valid', failure: { code: 'store_failed' } })
    expect(account.redemptions).toBe(0)
    store.failsTo = 'nothing'
    await clock.advance(1_000)
    expect((await token.refresh(held)).value).toMatchObject(numbered(2))
    expect(token.status().failure).toBeUndefined()
  },
)

test('[C11] given a refresh that runs, when a login comes, then the login is in force, and the refresh does not write', async () => {
  const { account, store, process } = await started()
  const { token } = process
  let finish = (): void => undefined
  account.during = () => new Promise((resolve) => (finish = resolve))
  const refreshed = token.refresh(await token.snapshot())
  await settled()
  const login = token.login(numbered(50))
  expect(account.asked[0]?.signal.aborted).toBe(true)
  expect((await refreshed).value).toMatchObject(numbered(50))
  finish()
  await login
  expect(store.writes).toEqual(['access-50'])
  expect((await store.read('default'))?.token).toMatchObject(numbered(50))
  expect(token.status()).toMatchObject({ state: 'valid', isRefreshing: false, failure: undefined })
})

test('[C11] given a refresh that runs, when a logout comes, then the logout holds', async () => {
  const { account, store, process } = await started()
  const { token } = process
  let finish = (): void => undefined
  account.during = () => new Promise((resolve) => (finish = resolve))
  const refreshed = token.refresh(await token.snapshot()).catch((error: unknown) => error)
  await settled()
  const logout = token.logout()
  expect(await refreshed).toEqual(code('credential_missing'))
  finish()
  await logout
  expect(await store.read('default')).toMatchObject({ token: undefined, session: 1 })
  await expect(token.snapshot()).rejects.toEqual(code('credential_missing'))
  expect(token.status().state).toBe('logged_out')
  await token.login(numbered(9))
  expect((await token.snapshot()).value).toMatchObject(numbered(9))
})

test('given a logout in one process, then other processes learn of it, and of the login after it', async () => {
  const { account, clock, store, process } = await started()
  const other = processOf(account, store, clock)
  const held = await other.token.snapshot()
  await process.token.logout()
  await expect(other.token.refresh(held)).rejects.toEqual(code('reauthentication_required'))
  expect(other.token.status().state).toBe('reauthentication_required')
  await process.token.login(numbered(4))
  await clock.advance(1_000)
  expect((await other.token.refresh(held)).value).toMatchObject(numbered(4))
  expect(account.redemptions).toBe(0)
})

test('given a process that is logged out, when a person logs in in another process, then it finds the login, with at most one look per cooldown', async () => {
  const { clock, store, process } = await started()
  const other = processOf(new Account(), store, clock)
  await process.token.logout()
  const looks = vi.spyOn(store, 'read')
  await expect(process.token.snapshot()).rejects.toEqual(code('credential_missing'))
  for (let second = 1; second <= 10; second++) {
    await clock.advance(1_000)
    await expect(process.token.snapshot()).rejects.toEqual(code('credential_missing'))
    await expect(process.token.snapshot()).rejects.toEqual(code('credential_missing'))
    expect(looks).toHaveBeenCalledTimes(second)
  }
  expect(process.token.status().state).toBe('logged_out')
  await other.token.login(numbered(4))
  await clock.advance(1_000)
  expect((await process.token.snapshot()).value).toMatchObject(numbered(4))
  expect(process.token.status().state).toBe('valid')
})

test('[K4] given a store that was down for long, when it returns, then it gets the unsaved token within five seconds', async () => {
  const { clock, store, process } = await started()
  store.failsTo = 'write'
  await process.token.refresh(await process.token.snapshot())
  await clock.advance(610_000)
  expect((await store.read('default'))?.token).toMatchObject(numbered(1))
  store.failsTo = 'nothing'
  await clock.advance(5_000)
  expect((await store.read('default'))?.token).toMatchObject(numbered(2))
})

test('given a login elsewhere whose token has expired by now, then this process refreshes it', async () => {
  const [account, clock] = [new Account(), new ManualClock()]
  const store = await storeWith(new FlakyStore(), numbered(0))
  const [one, other] = [processOf(account, store, clock), processOf(account, store, clock)]
  const held = await one.token.snapshot()
  await expect(one.token.refresh(held)).rejects.toEqual(code('reauthentication_required'))
  await other.token.login(numbered(1, { expiresAt: clock.now() + 60_000 }))
  await clock.advance(120_000)
  expect((await one.token.refresh(held)).value).toMatchObject(numbered(2))
  expect(account.redemptions).toBe(2)
})

test('given a logout that the store does not have, when another process refreshes, then this process stays logged out', async () => {
  const { clock, store, process } = await started()
  const other = processOf(new Account(), store, clock)
  const held = await other.token.snapshot()
  const { delete: original } = MemoryStore.prototype
  store.delete = () => Promise.reject(new Error('down'))
  await expect(process.token.logout()).rejects.toEqual(code('store_failed'))
  store.delete = original
  await other.token.refresh(held)
  await clock.advance(1_000)
  await expect(process.token.snapshot()).rejects.toEqual(code('credential_missing'))
})

test('[K4] given a login that cannot be stored, then it is in force, and login() rejects', async () => {
  const { clock, store, process } = await started()
  const { token } = process
  store.failsTo = 'write'
  await expect(token.login(numbered(5))).rejects.toEqual(code('store_failed'))
  expect((await token.snapshot()).value).toMatchObject(numbered(5))
  // A later one is written in its stead.
  await expect(token.login(numbered(6))).rejects.toEqual(code('store_failed'))
  store.failsTo = 'nothing'
  await clock.advance(60_000)
  expect(store.writes).toEqual(['access-6'])
  await expect(token.login({ accessToken: '' })).rejects.toEqual(code('invalid_value'))
})

test('given a login that is being written, when a logout comes, then the logout wins, in whatever order the store handles them', async () => {
  const { store, process } = await started()
  const { token } = process
  const done = [token.login(numbered(5)), token.logout()]
  await Promise.all(done)
  expect((await store.read('default'))?.token).toBeUndefined()
  await Promise.all([token.logout(), token.login(numbered(6))])
  expect((await store.read('default'))?.token).toMatchObject(numbered(6))
})

test('given a logout that cannot be stored, then it rejects, and can be repeated', async () => {
  const { store, process } = await started()
  const { token } = process
  const { delete: original } = MemoryStore.prototype
  store.delete = () => Promise.reject(new Error('down'))
  await expect(token.logout()).rejects.toEqual(code('store_failed'))
  await expect(token.snapshot()).rejects.toEqual(code('credential_missing'))
  store.delete = (key) => original.call(store, key)
  await token.logout()
  expect((await store.read('default'))?.token).toBeUndefined()
})

test('given a store-only process, then it never refreshes, and only reads the store again', async () => {
  const [account, clock] = [new Account(), new ManualClock()]
  const store = new FlakyStore()
  const borrower = processOf('store-only', store, clock)
  await expect(borrower.token.snapshot()).rejects.toEqual(code('credential_missing'))
  await storeWith(store, numbered(1))
  await clock.advance(1_000)
  const held = await borrower.token.snapshot()
  await expect(borrower.token.refresh(held)).rejects.toEqual(code('unchanged'))
  const owner = processOf(account, store, clock)
  await owner.token.refresh(await owner.token.snapshot())
  await clock.advance(1_000)
  expect((await borrower.token.refresh(held)).value).toMatchObject(numbered(2))
  expect(borrower.types()).not.toContain('issued')
})

test('[S4] given a holder that vanished after it may have redeemed, then the next one makes one try, and its failure says so', async () => {
  const store = await storeWith(new MemoryStore(), numbered(0))
  const abandoned = {
    read: store.read.bind(store),
    replace: store.replace.bind(store),
    delete: store.delete.bind(store),
    update: ((key, change) =>
      store.update(key, (current, context) =>
        change(current, { ...context, abandoned: true }),
      )) as MemoryStore['update'],
  }
  const account = new Account()
  const { token } = processOf(account, abandoned, new ManualClock())
  const failure: unknown = await token.refresh(await token.snapshot()).catch((error: unknown) => error)
  expect(failure).toEqual(code('reauthentication_required'))
  expect(String(failure)).toMatch(/may have been spent/)
  expect(account.redemptions).toBe(1)
})

/** A store whose lock is what a test says it is. */
async function leased(lock: Partial<StoreContext>): Promise<Store> {
  const store = await storeWith(new MemoryStore(), numbered(1))
  return {
    read: store.read.bind(store),
    replace: store.replace.bind(store),
    delete: store.delete.bind(store),
    update: (key, change) =>
      store.update(key, (current, context) => change(current, { ...context, ...lock })),
  }
}

test('[S4] given a request that may have spent the refresh token, when the lock is lost, then the request goes on', async () => {
  const lock = new AbortController()
  const store = await leased({ signal: lock.signal })
  let answer: (token: AccessToken) => void = () => undefined
  const issue = (): Promise<AccessToken> => new Promise((resolve) => (answer = resolve))
  const { token } = processOf({ issue }, store, new ManualClock())
  const refreshed = token.refresh(await token.snapshot())
  await settled()
  lock.abort(new Error('the lease is over'))
  answer(numbered(2))
  expect((await refreshed).value).toMatchObject(numbered(2))
  expect((await store.read('default'))?.token).toMatchObject(numbered(2))
})

test('[S4] given a holder that has lost its lock, then it redeems nothing, and makes no second try', async () => {
  const lost = new RefreshError('store_failed', 'The lock was lost.')
  const [confirm, issue] = [vi.fn<() => Promise<void>>(), vi.fn<Source['issue']>()]
  confirm.mockResolvedValueOnce().mockRejectedValueOnce(lost)
  issue.mockRejectedValueOnce(new RefreshError('source_unavailable', '503'))
  const clock = new ManualClock()
  const { token } = processOf({ issue }, await leased({ confirm }), clock)
  const refreshed = token.refresh(await token.snapshot())
  refreshed.catch(() => undefined)
  await settled()
  await clock.advance(1_000)
  await expect(refreshed).rejects.toBe(lost)
  expect(confirm).toHaveBeenCalledTimes(2)
  expect(issue).toHaveBeenCalledTimes(1)
})

test('[S4, S11] given a lock that is lost before the source was asked, then it is acquired again, and one redemption is made', async () => {
  const lost = new RefreshError('store_failed', 'The lock was lost.')
  const confirm = vi.fn<() => Promise<void>>().mockRejectedValueOnce(lost).mockRejectedValueOnce(lost)
  const [account, clock] = [new Account(), new ManualClock()]
  const { token } = processOf(account, await leased({ confirm }), clock)
  const refreshed = token.refresh(await token.snapshot())
  await settled()
  expect(account.redemptions).toBe(0)
  await clock.advance(1_000)
  expect((await refreshed).value).toMatchObject(numbered(2))
  expect([account.redemptions, confirm.mock.calls.length]).toEqual([1, 3])
})

test('[S4] given a lock that is lost each time, then the refresh fails by its deadline, and the source was not asked', async () => {
  const lost = new RefreshError('store_failed', 'The lock was lost.')
  const [account, clock] = [new Account(), new ManualClock()]
  const { token } = processOf(account, await leased({ confirm: () => Promise.reject(lost) }), clock)
  const refreshed = token.refresh(await token.snapshot())
  refreshed.catch(() => undefined)
  await settled()
  for (let passed = 0; passed < 30_000; passed += 250) await clock.advance(250)
  await expect(refreshed).rejects.toBe(lost)
  expect([account.redemptions, clock.armed]).toEqual([0, 0])
})

test('[S4] given a lost lock and a store that is down then, then the refresh fails at once with the store’s failure', async () => {
  const lost = new RefreshError('store_failed', 'The lock was lost.')
  const store = await leased({ confirm: () => Promise.reject(lost) })
  const update = store.update.bind(store)
  let isAway = false
  store.update = async (...asked) => {
    if (isAway) throw new Error('away')
    isAway = true
    return update(...asked)
  }
  const [account, clock] = [new Account(), new ManualClock()]
  const { token } = processOf(account, store, clock)
  const refreshed = token.refresh(await token.snapshot())
  refreshed.catch(() => undefined)
  await settled()
  await clock.advance(250)
  await expect(refreshed).rejects.toMatchObject({ code: 'store_failed', cause: { message: 'away' } })
  expect([account.redemptions, clock.armed]).toEqual([0, 0])
})

test('[K10, S4] given a lost lock that is acquired again, when a logout comes meanwhile, then nothing is redeemed', async () => {
  const lost = new RefreshError('store_failed', 'The lock was lost.')
  const confirm = vi.fn<() => Promise<void>>().mockRejectedValueOnce(lost)
  const [account, clock] = [new Account(), new ManualClock()]
  const { token } = processOf(account, await leased({ confirm }), clock)
  const refreshed = token.refresh(await token.snapshot())
  refreshed.catch(() => undefined)
  await settled()
  await token.logout()
  await clock.advance(1_000)
  await expect(refreshed).rejects.toBeInstanceOf(RefreshError)
  expect(account.redemptions).toBe(0)
})

test('[S11, K3] given a turn that came after more than a deadline, when the endpoint fails once, then it is asked again', async () => {
  const clock = new ManualClock()
  const store = await storeWith(new MemoryStore(), numbered(1))
  let admit = (): void => undefined
  const queueing: Store = {
    read: store.read.bind(store),
    replace: store.replace.bind(store),
    delete: store.delete.bind(store),
    update: async (key, change, options) => {
      options?.onNews?.('queued')
      await new Promise<void>((resolve) => (admit = resolve))
      options?.onNews?.('admitted')
      return store.update(key, change, options)
    },
  }
  const account = new Account()
  account.failures.push(new RefreshError('source_unavailable', '503'))
  const { token } = processOf(account, queueing, clock)
  const refreshed = token.refresh(await token.snapshot())
  refreshed.catch(() => undefined)
  await settled()
  await clock.advance(100_000)
  admit()
  await settled()
  await clock.advance(1_000)
  expect((await refreshed).value).toMatchObject(numbered(2))
})

test('[S4] given a token that was issued under a lost lock, when a newer record exists, then callers get the newer token', async () => {
  const store = new MemoryStore()
  await storeWith(store, numbered(1))
  const raced: Store = {
    read: store.read.bind(store),
    replace: store.replace.bind(store),
    delete: store.delete.bind(store),
    update: async (key, change) => {
      const current = await store.read(key)
      const { signal } = new AbortController()
      await change(current, { signal, abandoned: false })
      return store.update(key, async () => ({ token: numbered(3) }))
    },
  }
  const { token, types } = processOf(new Account(), raced, new ManualClock())
  const refreshed = await token.refresh(await token.snapshot())
  expect(refreshed.value).toMatchObject(numbered(3))
  expect(types()).toEqual(['loaded', 'issued', 'adopted'])
})

test('[S2] given a waiter for the lock, when a newer record is written, then it uses that record, and acquires the lock only if it cannot use it', async () => {
  const clock = new ManualClock()
  const store = await storeWith(new MemoryStore(), numbered(1))
  const known: unknown[] = []
  const locks = vi.fn<() => void>()
  const busy: Store = {
    read: store.read.bind(store),
    replace: store.replace.bind(store),
    delete: store.delete.bind(store),
    update: async (key, change, options) => {
      known.push(options?.known)
      if (options?.known !== undefined) {
        await store.update(key, async () => ({ token: { ...numbered(2), expiresAt: clock.now() + 60_000 } }))
        return (await store.read(key)) ?? { token: undefined, revision: 0 }
      }
      locks()
      return store.update(key, change)
    },
  }
  const account = new Account()
  const { token } = processOf(account, busy, clock)
  const refreshed = await token.refresh(await token.snapshot())
  expect(refreshed.value).toMatchObject(numbered(2))
  expect([known, locks.mock.calls.length, account.redemptions]).toEqual([[1], 0, 0])
})
