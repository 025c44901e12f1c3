import { readFileSync } from 'node:fs'
import { constants } from 'node:os'

/** How often the demo looks whether the processes that started it are still there, in ms. */
const LOOK = 500

/**
 * Ends the demo with whatever started it: at an interrupt, and when a parent is gone. What the demo has started itself hears of it by the
 * process's `exit` event, which a signal alone does not cause.
 */
export function endWithParent(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => process.exit(128 + constants.signals[signal]))
  }
  const started = ancestors()
  setInterval(() => {
    if (ancestors() !== started) process.exit(1)
  }, LOOK).unref()
}

/** The parent and, where the system tells, its parent: `npm run` puts a shell between itself and the demo. */
function ancestors(): string {
  return `${process.ppid} ${parentOf(process.ppid)}`
}

function parentOf(pid: number): string | undefined {
  try {
    // The name before it is in parentheses, and may hold blanks (proc(5)).
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[1]
  } catch {
    return undefined
  }
}
