import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { asRefreshError } from '../../src/core/events.ts'
import type { StoreContext } from '../../src/index.ts'
import { ExclusiveStore } from '../../src/stores/shared/exclusive-store.ts'
import type { Lock } from '../../src/stores/shared/lock.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const [LEASE, TIMEOUT] = [2_500, 5_000]
const never = new Promise<never>(() => undefined)
const lost = { code: 'store_failed', message: expect.stringContaining('lock of the store was lost') }

function later<R>(ms: number, result: R): Promise<R> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(result), ms)
  })
}

/** What a change is told under a lock, which is given after so many ms. */
async function locked(renew: Lock['renew'], after = 0): Promise<StoreContext> {
  const lock: Lock = {
    current: undefined,
    abandoned: false,
    renew,
    write: () => never,
    release: async () => undefined,
  }
  const backend = {
    read: async () => undefined,
    lockWaiter: () => ({ tryLock: () => later(after, lock) }),
    replace: () => never,
    watch: () => undefined,
    explain: asRefreshError,
  }
  const store = new ExclusiveStore(backend, { lease: LEASE, timeout: TIMEOUT })
  return new Promise((resolve) => {
    const update = store.update('me', async (_, context) => {
      resolve(context)
      return never
    })
    void update
    void vi.advanceTimersByTimeAsync(after)
  })
}

test('[S4] given a lock whose response was slow, when the holder confirms, then the lease is renewed first, and a lost lock is reported', async () => {
  const renew = vi.fn<() => Promise<boolean>>(async () => false)
  const { confirm } = await locked(renew, LEASE * 1.5)
  await expect(confirm?.()).rejects.toMatchObject(lost)
  expect(renew).toHaveBeenCalledTimes(1)
})

test('[S7] given a store that does not respond, when the lease is over, then the signal aborts, and confirm() fails', async () => {
  const { signal, confirm } = await locked(() => never)
  await vi.advanceTimersByTimeAsync(LEASE - 1)
  expect(signal.aborted).toBe(false)
  const confirmed = expect(confirm?.()).rejects.toMatchObject(lost)
  // The timer lets input that has arrived be read before it decides.
  await vi.advanceTimersByTimeAsync(50)
  expect(signal.aborted).toBe(true)
  await vi.advanceTimersByTimeAsync(LEASE / 5)
  await confirmed
})

test('[S4] given a lease that is over by our clock, when confirm() renews it, then the holder still has the lock', async () => {
  const { signal, confirm } = await locked(async () => true)
  vi.setSystemTime(Date.now() + LEASE * 10)
  await confirm?.()
  expect(signal.aborted).toBe(false)
})

test('[S4] given a lease that expires again while confirm() renews it, then confirm() fails', async () => {
  // As when the process is stopped while the store answers.
  const renew = async (): Promise<boolean> => {
    vi.setSystemTime(Date.now() + LEASE)
    return true
  }
  const { confirm } = await locked(renew)
  vi.setSystemTime(Date.now() + LEASE)
  await expect(confirm?.()).rejects.toMatchObject(lost)
})

test('[S4] given a renewal whose response is slow, when confirm() is called, then it renews once more, so that most of the lease is left', async () => {
  const slow = [LEASE * 0.6, 0]
  const renew = vi.fn<() => Promise<boolean>>(async () => {
    vi.setSystemTime(Date.now() + (slow.shift() ?? 0))
    return true
  })
  const { signal, confirm } = await locked(renew)
  vi.setSystemTime(Date.now() + LEASE / 5)
  await confirm?.()
  expect([renew.mock.calls.length, signal.aborted]).toEqual([2, false])
})
