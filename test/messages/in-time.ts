import type { ManualClock } from '../support/manual-clock.ts'
import { settled } from '../support/settled.ts'

/** Lets time go on until it ends. */
export async function inTime<R>(clock: ManualClock, running: Promise<R>): Promise<R> {
  const over: true[] = []
  const end = (): unknown => over.push(true)
  running.then(end, end)
  while (over.length === 0) await (clock.armed > 0 ? clock.advance(5_000) : settled())
  return running
}
