import type { Clock } from '../../lib/clock.ts'
import { Slots } from '../../lib/slots.ts'
import type { Store } from '../store.ts'

/** How many reads of a store are under way at a time, and how many logins and logouts: a store limits the time of each, and many at once would all be late. */
const MOST = 64

/** How a step of a store waits for its turn. */
export interface StoreTurn {
  readonly clock: Clock
  /** ms: a step that takes longer no longer counts. A platform may have ended the request that it belongs to. */
  readonly deadline: number
  /** Ends the wait for the turn, with its reason. */
  readonly signal?: AbortSignal | undefined
  /** Hears that the step waits (true), and that its turn has come (false). */
  readonly onWait?: ((isWaiting: boolean) => void) | undefined
}

type Kind = 'read' | 'session'

const lines: Readonly<Record<Kind, WeakMap<Store, Slots>>> = { read: new WeakMap(), session: new WeakMap() }

/** Runs a step of a store in its turn, in the order of asking. Logins and logouts do not wait for reads. */
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
