import { platformClock } from '../../../lib/clock.ts'
import { Slots } from '../../../lib/slots.ts'

/**
 * The number of steps that this process takes at a time. Each step opens up to three files. The system may allow a process few open files,
 * and thousands of accounts at once would exceed that.
 */
const steps = new Slots(16)
/** ms: a step that takes longer, as when a file system hangs, no longer counts. */
const HANGS = 10_000

/** Runs a step that opens files in its turn, in the order of the calls. A step must not wait for another step. */
export async function inTurn<R>(step: () => Promise<R>): Promise<R> {
  const giveBack = await steps.take({ clock: platformClock, holds: HANGS })
  try {
    return await step()
  } finally {
    giveBack()
  }
}
