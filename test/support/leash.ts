import { type ChildProcess, spawn } from 'node:child_process'

/** Ends a process when this one is gone, however it went: a shell notices when nobody holds the other end of its stdin. */
export function leash(child: ChildProcess): void {
  const watcher = spawn('sh', ['-c', 'read _; kill -KILL "$0"', String(child.pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  watcher.unref()
  child.once('exit', () => watcher.kill())
}
