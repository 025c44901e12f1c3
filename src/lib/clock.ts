import type { RefreshError } from '../errors.ts'
import { reasonOf } from './abortable.ts'
import { afterInput, inputWasRead } from './input.ts'

/** A source of time and timers, which a test can control. */
export interface Clock {
  /** epoch ms */
  now(): number
  /** `ms` counts from now. Default: the platform's, with timers that do not keep the process alive. */
  setTimeout?(run: () => void, ms: number): unknown
  /** Takes the value that this clock's `setTimeout` returned. Default: the platform's. */
  clearTimeout?(timer: unknown): void
}

/** The platform's time. */
export const platformClock: Clock = { now: () => Date.now() }

/**
 * ms, for durations. On the platform this is the monotonic clock, so that a correction of the wall clock does not make a request look old.
 * A test's own clock has only one scale.
 */
export function monotonic(clock: Clock): number {
  return clock === platformClock && typeof performance === 'object' ? performance.now() : clock.now()
}

/** Options of a timer. */
export interface TimerOptions {
  /**
   * Lets the process read input that has arrived before the timer calls `run`. If the process was frozen (a paused container, a closed
   * laptop), the response waits in its socket, and the timer would fire first. With a clock that has its own `setTimeout`, the timer calls
   * `run` at once.
   *
   * @default false
   */
  readonly afterInput?: boolean
  /**
   * Keeps the process alive, because a caller waits for the timer.
   *
   * @default false
   */
  readonly keepsAlive?: boolean
}

/** The platform counts a timer's ms in 31 bits; a longer timer would fire at once. */
const LONGEST = 2 ** 31 - 1

/** Calls `run` after `ms`, which may exceed the platform's limit. Returns a function that stops the timer. */
export function startTimer(
  clock: Clock,
  ms: number,
  run: () => void,
  options: TimerOptions = {},
): () => void {
  const waitsForInput = options.afterInput === true && isPlatforms(clock)
  const dueAt = monotonic(clock) + ms
  let stop: () => void
  const fire = (): void => {
    if (waitsForInput) stop = afterInput(monotonic(clock) - dueAt, run)
    else run()
  }
  const arm = (left: number): void => {
    const step = Math.min(left, LONGEST)
    const next = (): void => (left > step ? arm(left - step) : fire())
    if (clock.setTimeout) {
      const timer = clock.setTimeout(next, step)
      stop = () => clock.clearTimeout?.(timer)
    } else {
      const timer = globalThis.setTimeout(next, step)
      if (options.keepsAlive !== true) unref(timer)
      stop = () => globalThis.clearTimeout(timer)
    }
  }
  arm(ms)
  return () => stop()
}

/**
 * For code that checks the clock without a timer: settles once the process has read input that has arrived. undefined for a clock with its
 * own `setTimeout`: then the code need not wait.
 */
export function inputRead(clock: Clock): Promise<void> | undefined {
  return isPlatforms(clock) ? inputWasRead() : undefined
}

/** True if this clock uses the platform's timers. */
function isPlatforms(clock: Clock): boolean {
  const own: unknown = Reflect.get(clock, 'setTimeout')
  return own === undefined || own === globalThis.setTimeout
}

/** Lets the process end before the timer fires. Only Node's timers, and those of runtimes like it, have `unref()`. */
function unref(timer: number | { unref?: () => unknown }): void {
  if (typeof timer === 'object') timer.unref?.()
}

/** Settles with the promise, or rejects with `late()` when `ms` have passed and the process has read input that has arrived. */
export function within<T>(
  clock: Clock,
  ms: number,
  promise: Promise<T>,
  late: () => RefreshError,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = startTimer(clock, ms, () => reject(late()), { afterInput: true })
    promise.then(resolve, reject).finally(stop)
  })
}

/**
 * Waits for `ms`, and keeps the process alive meanwhile.
 *
 * @throws the signal's reason
 */
export function pause(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      stop()
      reject(signal && reasonOf(signal))
    }
    const done = (): void => {
      signal?.removeEventListener('abort', abort)
      resolve()
    }
    const stop = startTimer(clock, ms, done, { keepsAlive: true })
    if (signal?.aborted === true) abort()
    else signal?.addEventListener('abort', abort, { once: true })
  })
}
