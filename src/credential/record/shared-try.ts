import type { RefreshError } from '../../errors.ts'
import { type Clock, monotonic, within } from '../../lib/clock.ts'

/**
 * Runs one try at a time, which all callers share. A platform may end the request that began the try, so no caller waits longer than a try
 * may take, and each caller has its own timer.
 *
 * @param most ms: how long a try may take
 */
export function sharedTry(
  clock: Clock,
  most: number,
  late: () => RefreshError,
): (begin: () => Promise<void>) => Promise<void> {
  let running: { done: Promise<void>; until: number } | undefined
  return (begin) => {
    const now = monotonic(clock)
    if (running === undefined || running.until <= now) {
      const begun = { done: Promise.resolve(), until: now + most }
      running = begun
      begun.done = begin().finally(() => {
        if (running === begun) running = undefined
      })
    }
    return within(clock, running.until - now, running.done, late)
  }
}
