import { type Clock, pause } from '../../lib/clock.ts'

/** ms: the pause before the process acquires its lock again */
const AGAIN = 250

/** The limits of acquiring a lock again. */
interface Turn {
  /** epoch ms: no try begins later. */
  readonly until: number
  readonly signal: AbortSignal
}

/**
 * Runs an update again if the process lost its lock before it sent a request. A process that was stopped, or got no CPU time, may lose its
 * lock to another process.
 *
 * @param isLost true if the update that has just failed lost its lock before its request
 * @throws the error of `update`; the signal's reason
 */
export async function updateAgain<R>(
  update: () => Promise<R>,
  isLost: () => boolean,
  clock: Clock,
  turn: Turn,
): Promise<R> {
  for (;;) {
    try {
      return await update()
    } catch (error) {
      if (!isLost() || clock.now() + AGAIN >= turn.until) throw error
      await pause(clock, AGAIN, turn.signal)
    }
  }
}
