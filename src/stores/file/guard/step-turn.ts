import { platformClock } from '../../../lib/clock.ts'
import { Slots } from '../../../lib/slots.ts'

/**
 * The number of steps that this process takes at a time. Each step opens up to three files, and a process may be allowed few: thousands of
 * accounts at once would exhaust them.
 */
const steps = new Slots(16)
/** ms: a longer step, as when a file system hangs, no longer counts. */
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
