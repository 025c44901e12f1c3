import type { RefreshError } from '../errors.ts'
import { reasonOf } from './abortable.ts'
import { afterInput, inputWasRead } from './input.ts'

/** Time, for tests to control. */
export interface Clock {
  /** epoch ms */
  now(): number
  /** Default: the platform's, without keeping the process alive. */
  setTimeout?(run: () => void, ms: number): unknown
  /** Takes the value that this clock's `setTimeout` returned. Default: the platform's. */
  clearTimeout?(timer: unknown): void
}

/** The platform's time. */
export const platformClock: Clock = { now: () => Date.now() }

/**
 * ms, for durations. The platform's own scale is one that no administrator sets: a wall clock that is put right must not make a
 * request look old. A clock of a test's own has only one scale.
 */
export function monotonic(clock: Clock): number {
  return clock === platformClock && typeof performance === 'object' ? performance.now() : clock.now()
}

/** Options of a timer. */
export interface TimerOptions {
  /**
   * Lets input that has arrived be read before the timer decides. A process may have been frozen (a paused container, a closed
   * laptop): then the response lies in its socket, and the timer would fire first. A clock with its own `setTimeout` decides at once.
   *
   * @default false
   */
  readonly afterInput?: boolean
  /**
   * Keeps the process alive, because a caller waits for what the timer starts.
   *
   * @default false
   */
  readonly keepsAlive?: boolean
}

/** The platform counts ms in 31 bits; a longer timer would fire at once. */
const LONGEST = 2 ** 31 - 1

/** Runs a function after `ms`, however long that is. Returns a function that stops it. */
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
 * For code that judges by the clock, not by a timer: settles once input that has arrived was read. undefined where the clock has its
 * own `setTimeout`, so that the code decides at once.
 */
export function inputRead(clock: Clock): Promise<void> | undefined {
  return isPlatforms(clock) ? inputWasRead() : undefined
}

/** The timers are real ones. */
function isPlatforms(clock: Clock): boolean {
  const own: unknown = Reflect.get(clock, 'setTimeout')
  return own === undefined || own === globalThis.setTimeout
}

/** Node's timers keep the process alive unless told not to; others' do not know the word. */
function unref(timer: number | { unref?: () => unknown }): void {
  if (typeof timer === 'object') timer.unref?.()
}

/** Settles with the promise, or rejects when `ms` have passed and input that has arrived was read. */
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
 * Waits, and keeps the process alive meanwhile.
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
