import { type Clock, within } from '../../lib/clock.ts'
import { silent } from './failures.ts'

/** The time limit of a store's response. */
export interface Silence {
  readonly clock: Clock
  /** ms */
  readonly deadline: number
}

/**
 * Limits the wait for a store. Our own stores limit each of their steps. A user's store may not, and its caller would wait for ever.
 *
 * @throws RefreshError `store_failed` after the deadline
 */
export function notSilent<R>({ clock, deadline }: Silence, asked: Promise<R>): Promise<R> {
  return within(clock, deadline, asked, () => silent(deadline))
}
