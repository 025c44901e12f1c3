import { type Clock, startTimer } from '../../lib/clock.ts'
import { type GiveBack, Slots } from '../../lib/slots.ts'
import type { Store } from '../store.ts'

/** How many reads of a store are under way at a time: a store limits the time of each, and many at once would all be late. */
const MOST = 64

/** How a read waits for its turn. */
export interface ReadTurn {
  readonly clock: Clock
  /** ms: where no read ends for so long, this one goes ahead. A platform may have ended the requests that those before it belong to. */
  readonly deadline: number
  /** Hears that the read waits (true), and that its turn has come (false). */
  readonly onWait?: ((isWaiting: boolean) => void) | undefined
}

interface Line {
  readonly slots: Slots
  /** How many reads have had their turn. */
  turns: number
}

const lines = new WeakMap<Store, Line>()

/** Runs a read of a store in its turn, in the order of asking. */
export async function readInTurn<R>(store: Store, read: () => Promise<R>, turn: ReadTurn): Promise<R> {
  const line = lines.get(store) ?? { slots: new Slots(MOST), turns: 0 }
  lines.set(store, line)
  const giveBack = await admitted(line, turn)
  line.turns++
  try {
    return await read()
  } finally {
    giveBack()
  }
}

async function admitted(line: Line, { clock, deadline, onWait }: ReadTurn): Promise<GiveBack> {
  const stuck = new AbortController()
  let stop = (): void => undefined
  const watch = (): void => {
    const { turns } = line
    stop = startTimer(clock, deadline, () => {
      if (line.turns === turns) stuck.abort()
      else watch()
    })
  }
  const waits = (isWaiting: boolean): void => {
    stop()
    if (isWaiting) watch()
    onWait?.(isWaiting)
  }
  try {
    return await line.slots.take(stuck.signal, waits)
  } catch {
    return () => undefined
  }
}
