import { type ChildProcess, spawn } from 'node:child_process'

/**
 * Runs a line of shell when this process is gone, however it went: a shell notices when nobody holds the other end of its stdin.
 *
 * @param args `$0`, `$1` and so on
 * @returns what calls it off
 */
export function whenGone(line: string, ...args: readonly string[]): () => void {
  const watcher = spawn('sh', ['-c', `read _; ${line}`, ...args], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  watcher.unref()
  return () => void watcher.kill()
}

/** Ends a process when this one is gone. */
export function leash(child: ChildProcess): void {
  child.once('exit', whenGone('kill -KILL "$0"', String(child.pid)))
}
