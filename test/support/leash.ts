import { type ChildProcess, spawn } from 'node:child_process'

/**
 * Runs a shell command when this process has ended, even if it was killed. A waiting shell notices the end, because its stdin is closed then.
 *
 * @param args `$0`, `$1` and so on
 * @returns a function that cancels it
 */
export function whenGone(line: string, ...args: readonly string[]): () => void {
  const watcher = spawn('sh', ['-c', `read _; ${line}`, ...args], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  watcher.unref()
  return () => void watcher.kill()
}

/** Kills a child process when this process has ended. */
export function leash(child: ChildProcess): void {
  child.once('exit', whenGone('kill -KILL "$0"', String(child.pid)))
}
