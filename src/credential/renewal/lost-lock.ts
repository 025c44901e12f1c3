import { type Clock, pause } from '../../lib/clock.ts'

/** ms */
const AGAIN = 250

/** The limits of acquiring a lock again. */
interface Turn {
  /** epoch ms: no try begins later. */
  readonly until: number
  readonly signal: AbortSignal
}

/**
 * A process that was starved or stopped may lose its lock before it has asked for anything under it: another may hold it by now. Then
 * it acquires the lock again.
 *
 * @param isLost tells of the update that has just failed
 * @throws what `update` throws; the signal's reason
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
