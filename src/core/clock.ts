import { RefreshError } from './errors.ts'

/** Time, for tests to control. */
export interface Clock {
  /** epoch ms */
  now(): number
  /** Default: the platform's. */
  setTimeout?(run: () => void, ms: number): unknown
  /** Takes what this clock's `setTimeout` returned. Default: the platform's. */
  clearTimeout?(timer: unknown): void
}

// Looked up at each call, so that a test's fake timers are seen.
export const systemClock: Clock = { now: () => Date.now() }

/** The platform counts ms in 31 bits; a longer timer would fire at once. */
const LONGEST = 2 ** 31 - 1

/** Runs something after `ms`, however long that is, without keeping the process alive. Returns what stops it. */
export function startTimer(clock: Clock, ms: number, run: () => void): () => void {
  let timer: unknown
  const arm = (left: number): void => {
    const step = Math.min(left, LONGEST)
    const next = (): void => (left > step ? arm(left - step) : run())
    timer = clock.setTimeout ? clock.setTimeout(next, step) : globalThis.setTimeout(next, step)
    unref(timer)
  }
  arm(ms)
  return () => {
    if (clock.clearTimeout) clock.clearTimeout(timer)
    else globalThis.clearTimeout(timer as number | undefined)
  }
}

function unref(timer: unknown): void {
  if (typeof timer !== 'object' || timer === null || !('unref' in timer)) return
  if (typeof timer.unref === 'function') timer.unref()
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
