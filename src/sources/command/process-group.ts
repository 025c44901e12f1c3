import { type Clock, pause } from '../../lib/clock.ts'

/** How long a process may take to end after SIGTERM, in ms. */
const GRACE = 2_000
/** How often we check whether the process has ended, in ms. */
const STEP = 25

/** Windows has no process groups. */
export const hasGroups: boolean = process.platform !== 'win32'

/**
 * Kills the command's process group when this program exits. The group would outlive this program otherwise.
 *
 * @returns a function that cancels this; call it when the command has ended
 */
export function endWithUs(pid: number): () => void {
  const end = (): void => {
    send(pid, 'SIGKILL')
  }
  process.once('exit', end)
  return () => process.off('exit', end)
}

/**
 * Sends SIGTERM to a process group, and SIGKILL if a process of it still runs after two seconds. On Windows only the process itself gets
 * the signals, not the processes that it started. The timer keeps this program alive, because a caller still waits for the outcome.
 *
 * @param pid the process that leads the group
 */
export async function endGroup(pid: number, clock: Clock): Promise<void> {
  send(pid, 'SIGTERM')
  for (let waited = 0; waited < GRACE && send(pid, 0); waited += STEP) {
    await pause(clock, STEP)
  }
  send(pid, 'SIGKILL')
}

/** @returns whether a process was there to receive the signal */
function send(pid: number, signal: 'SIGTERM' | 'SIGKILL' | 0): boolean {
  try {
    return process.kill(hasGroups ? -pid : pid, signal)
  } catch {
    return false
  }
}
