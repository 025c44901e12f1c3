import { platformClock } from '../../../lib/clock.ts'
import { Slots } from '../../../lib/slots.ts'

/**
 * How many steps this process takes at a time: each opens up to three files, and a process may be allowed few. Thousands of accounts at
 * once would leave none of them enough.
 */
const steps = new Slots(16)
/** ms: a step that takes longer, as where a file system hangs, no longer counts. */
const HANGS = 10_000

/** Takes a step that opens files in its turn, in the order of asking. No step may wait for another one. */
export async function inTurn<R>(step: () => Promise<R>): Promise<R> {
  const giveBack = await steps.take({ clock: platformClock, holds: HANGS })
  try {
    return await step()
  } finally {
    giveBack()
  }
}
