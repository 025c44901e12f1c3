import { type Clock, pause } from '../../lib/clock.ts'

/** How long a process may take to end by itself when it is asked to, in ms. */
const GRACE = 2_000
/** How often we look whether it has, in ms. */
const STEP = 25

/** Only POSIX has groups of processes. */
export const hasGroups: boolean = process.platform !== 'win32'

/**
 * Ends a process and all that it started when this program ends meanwhile: they are in a group of their own, which outlives it.
 *
 * @returns what is to be called when it has ended
 */
export function endWithUs(pid: number): () => void {
  const end = (): void => {
    send(pid, 'SIGKILL')
  }
  process.once('exit', end)
  return () => process.off('exit', end)
}

/**
 * Asks a process and all that it started to end; after two seconds it makes them. Settles when none is left. On Windows
 * what it started is not reached. The program stays alive for it: who ran the command has yet to hear how it ended.
 *
 * @param pid of a process that leads a group of its own
 */
export async function endGroup(pid: number, clock: Clock): Promise<void> {
  send(pid, 'SIGTERM')
  for (let waited = 0; waited < GRACE && send(pid, 0); waited += STEP) {
    await pause(clock, STEP)
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
