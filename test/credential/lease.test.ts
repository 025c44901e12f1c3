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

test('[S4] a lock that was long in coming is made sure of before anything is redeemed under it', async () => {
  const renew = vi.fn<() => Promise<boolean>>(async () => false)
  const { confirm } = await locked(renew, LEASE * 1.5)
  await expect(confirm?.()).rejects.toMatchObject(lost)
  expect(renew).toHaveBeenCalledTimes(1)
})

test('[S7] a store that does not answer does not hide that the lease is over: the signal tells, and so does confirm', async () => {
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

test('[S4] a lease that is over is made sure of again: whoever slept may still hold the lock', async () => {
  const { signal, confirm } = await locked(async () => true)
  vi.setSystemTime(Date.now() + LEASE * 10)
  await confirm?.()
  expect(signal.aborted).toBe(false)
})

test('[S4] what is made sure of when the lease is over again is not sure', async () => {
  // As when the process is stopped while the store answers.
  const renew = async (): Promise<boolean> => {
    vi.setSystemTime(Date.now() + LEASE)
    return true
  }
  const { confirm } = await locked(renew)
  vi.setSystemTime(Date.now() + LEASE)
  await expect(confirm?.()).rejects.toMatchObject(lost)
})

test('[S4] what is made sure of leaves most of a lease: an answer that was long in coming is asked for once more', async () => {
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
