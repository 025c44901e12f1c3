import { type Clock, startTimer } from '../../../core/clock.ts'

/** How long a process may take to end by itself when it is asked to, in ms. */
const GRACE = 2_000
/** How often we look whether it has, in ms. */
const STEP = 25

/** Only POSIX has groups of processes. */
export const hasGroups: boolean = process.platform !== 'win32'

/**
 * Asks a process and all that it started to end; after two seconds it makes them. Settles when none is left. On Windows
 * what it started is not reached.
 *
 * @param pid of a process that leads a group of its own
 */
export async function endGroup(pid: number, clock: Clock): Promise<void> {
  send(pid, 'SIGTERM')
  for (let waited = 0; waited < GRACE && send(pid, 0); waited += STEP) {
    await new Promise<void>((resolve) => startTimer(clock, STEP, resolve))
  }
  send(pid, 'SIGKILL')
}

/** @returns whether there was anybody to send it to */
function send(pid: number, signal: 'SIGTERM' | 'SIGKILL' | 0): boolean {
  try {
    return process.kill(hasGroups ? -pid : pid, signal)
  } catch {
    return false
  }
}
