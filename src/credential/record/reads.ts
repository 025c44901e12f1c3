import type { Clock } from '../../lib/clock.ts'
import { Slots } from '../../lib/slots.ts'
import type { Store } from '../store.ts'

/** How many reads of a store are under way at a time: a store limits the time of each, and many at once would all be late. */
const MOST = 64

/** How a read waits for its turn. */
export interface ReadTurn {
  readonly clock: Clock
  /** ms: a read that takes longer no longer counts. A platform may have ended the request that it belongs to. */
  readonly deadline: number
  /** Hears that the read waits (true), and that its turn has come (false). */
  readonly onWait?: ((isWaiting: boolean) => void) | undefined
}

const lines = new WeakMap<Store, Slots>()

/** Runs a read of a store in its turn, in the order of asking. */
export async function readInTurn<R>(store: Store, read: () => Promise<R>, turn: ReadTurn): Promise<R> {
  const line = lines.get(store) ?? new Slots(MOST)
  lines.set(store, line)
  const giveBack = await line.take({ clock: turn.clock, holds: turn.deadline, onWait: turn.onWait })
  try {
    return await read()
  } finally {
    giveBack()
  }
}
