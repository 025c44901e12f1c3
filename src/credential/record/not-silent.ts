import { type Clock, within } from '../../lib/clock.ts'
import { silent } from './failures.ts'

/** How long a store may be silent. */
export interface Silence {
  readonly clock: Clock
  /** ms */
  readonly deadline: number
}

/**
 * Our own stores have a time limit for each step. A store of the user's may have none, and nobody waits for ever.
 *
 * @throws RefreshError `store_failed` after the deadline
 */
export function notSilent<R>({ clock, deadline }: Silence, asked: Promise<R>): Promise<R> {
  return within(clock, deadline, asked, () => silent(deadline))
}
