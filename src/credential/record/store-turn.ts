import type { Clock } from '../../lib/clock.ts'
import { Slots } from '../../lib/slots.ts'
import type { Store } from '../store.ts'

/**
 * How many reads, and how many logins and logouts, run at a store at a time. A store limits the time of each step, and with too many at once
 * every one of them would be late.
 */
const MOST = 64

/** Options of a step's wait for its turn. */
export interface StoreTurn {
  readonly clock: Clock
  /** ms: a step that takes longer no longer counts, because a platform may have ended its request. */
  readonly deadline: number
  /** Ends the wait for the turn, with the signal's reason. */
  readonly signal?: AbortSignal | undefined
  /** Called when the step begins to wait (true), and when its wait ends (false). */
  readonly onWait?: ((isWaiting: boolean) => void) | undefined
}

type Kind = 'read' | 'session'

const lines: Readonly<Record<Kind, WeakMap<Store, Slots>>> = { read: new WeakMap(), session: new WeakMap() }

/** Runs a step of a store in its turn, in the order of the calls. Logins and logouts do not wait for reads. */
export async function inTurn<R>(
  kind: Kind,
  store: Store,
  step: () => Promise<R>,
  { clock, deadline, signal, onWait }: StoreTurn,
): Promise<R> {
  const line = lines[kind].get(store) ?? new Slots(MOST)
  lines[kind].set(store, line)
  const giveBack = await line.take({ clock, holds: deadline, signal, onWait })
  try {
    return await step()
  } finally {
    giveBack()
  }
}
