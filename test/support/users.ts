import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, chown } from 'node:fs/promises'
import { onTestFinished } from 'vitest'

/** The ids of two users whom no other program of this machine uses. */
export const [OWNER, NEIGHBOUR] = [61_001, 61_002]

/** Tests with two users need Linux and root. Elsewhere they print a warning and are skipped; CI must run them. */
const hasUsers = process.platform === 'linux' && process.getuid?.() === 0
if (!hasUsers) console.warn('NOT RUN: what other users can do to a store in files. It takes Linux and root.')
export const mustSkip = !hasUsers && process.env['CI'] === undefined

/** Runs a function as another user. */
export async function as<R>(uid: number, run: () => Promise<R>): Promise<R> {
  process.setegid?.(uid)
  process.seteuid?.(uid)
  try {
    return await run()
  } finally {
    process.seteuid?.(0)
    process.setegid?.(0)
  }
}

/** Makes a user the owner of a folder. */
export async function give(path: string, uid: number, mode: number): Promise<string> {
  await chown(path, uid, uid)
  await chmod(path, mode)
  return path
}

/**
 * Starts a process of another user. It runs a piece of JavaScript, which can use `fs`, `path` and `args`. The process ends with the test.
 */
export function neighbour(uid: number, code: string, ...args: string[]): ChildProcess {
  const program = `const fs = require('node:fs'), path = require('node:path'), args = process.argv.slice(1);${code}`
  const child = spawn(process.execPath, ['-e', program, ...args], {
    uid,
    gid: uid,
    cwd: '/',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}

/** Like `neighbour`, and waits until the process has exited. */
export async function neighbourDoes(uid: number, code: string, ...args: string[]): Promise<void> {
  const [exit] = (await once(neighbour(uid, code, ...args), 'exit')) as [number]
  if (exit !== 0) throw new Error(`The neighbour ended with ${exit}.`)
}
