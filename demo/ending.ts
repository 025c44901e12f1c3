import { constants } from 'node:os'

/** How often is looked whether the process that started this one is still there, in ms. */
const LOOK = 500

/**
 * Ends the demo with whatever started it: at an interrupt, and when its parent is gone. What it has started itself hears of it by the
 * process's `exit` event, which a signal alone does not cause.
 */
export function endWithParent(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => process.exit(128 + constants.signals[signal]))
  }
  const parent = process.ppid
  setInterval(() => {
    if (process.ppid !== parent) process.exit(1)
  }, LOOK).unref()
}
