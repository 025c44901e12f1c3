import type { RefreshError } from './errors.ts'

/** Time, for tests to control. */
export interface Clock {
  /** epoch ms */
  now(): number
  /** Default: the platform's, without keeping the process alive. */
  setTimeout?(run: () => void, ms: number): unknown
  /** Takes what this clock's `setTimeout` returned. Default: the platform's. */
  clearTimeout?(timer: unknown): void
}

/** The platform counts ms in 31 bits; a longer timer would fire at once. */
const LONGEST = 2 ** 31 - 1

/** Runs something after `ms`, however long that is, without keeping the process alive. Returns what stops it. */
export function startTimer(clock: Clock, ms: number, run: () => void): () => void {
  let stop: () => void
  const arm = (left: number): void => {
    const step = Math.min(left, LONGEST)
    const next = (): void => (left > step ? arm(left - step) : run())
    if (clock.setTimeout) {
      const timer = clock.setTimeout(next, step)
      stop = () => clock.clearTimeout?.(timer)
    } else {
      const timer = globalThis.setTimeout(next, step)
      unref(timer)
      stop = () => globalThis.clearTimeout(timer)
    }
  }
  arm(ms)
  return () => stop()
}

/** Node's timers keep the process alive unless told not to; others' do not know the word. */
function unref(timer: number | { unref?: () => unknown }): void {
  if (typeof timer === 'object') timer.unref?.()
}

/** Settles with the promise, or rejects when `ms` have passed. */
export function within<T>(
  clock: Clock,
  ms: number,
  promise: Promise<T>,
  late: () => RefreshError,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = startTimer(clock, ms, () => reject(late()))
    promise.then(resolve, reject).finally(stop)
  })
}
