import { reasonOf } from './abortable.ts'
import type { Clock } from './clock.ts'

/** The platform counts ms in 31 bits; a longer timer would fire at once. */
const LONGEST = 2 ** 31 - 1

/**
 * Waits. Unlike the core's timers it keeps the process alive, for somebody waits for what comes after.
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
    const stop = start(clock, ms, done)
    if (signal?.aborted === true) abort()
    else signal?.addEventListener('abort', abort, { once: true })
  })
}

function start(clock: Clock, ms: number, run: () => void): () => void {
  let stop = (): void => undefined
  const arm = (left: number): void => {
    const step = Math.min(left, LONGEST)
    const next = (): void => (left > step ? arm(left - step) : run())
    if (clock.setTimeout) {
      const timer = clock.setTimeout(next, step)
      stop = () => clock.clearTimeout?.(timer)
    } else {
      const timer = globalThis.setTimeout(next, step)
      stop = () => globalThis.clearTimeout(timer)
    }
  }
  arm(ms)
  return () => stop()
}
