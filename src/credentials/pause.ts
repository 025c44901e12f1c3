import type { Clock } from '../core/clock.ts'

/**
 * Waits. Unlike the core's timers it keeps the process alive, for somebody waits for what comes after.
 *
 * @throws the signal's reason
 */
export function pause(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      stop()
      reject(signal?.reason)
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
  if (clock.setTimeout) {
    const timer = clock.setTimeout(run, ms)
    return () => clock.clearTimeout?.(timer)
  }
  const timer = globalThis.setTimeout(run, ms)
  return () => globalThis.clearTimeout(timer)
}
