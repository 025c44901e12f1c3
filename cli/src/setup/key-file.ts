import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, isAbsolute, join } from 'node:path'
import { EXIT, Fault, wrongInput } from '../lib/fault.ts'
import { homeFor } from '../lib/home.ts'
import { commandLine } from '../lib/shell.ts'

/** The stored entry for a key of a proxy's client. It has the key's hash, and not the key. */
export interface StoredKey {
  readonly name: string
  /** The SHA-256 of the key, in hex. */
  readonly hash: string
  /** The routes that the key opens; undefined for every route. */
  readonly routes?: readonly string[]
  /** epoch ms */
  readonly createdAt: number
}

/** ms: the pause between two tries for the lock, the longest wait for it, and the age of a lock whose process is gone */
const [LOCK_PAUSE, LOCK_LIMIT, LOCK_DEAD] = [20, 5_000, 10_000]

/** The path of the file with the keys. */
export function keyFile(): string {
  const { LOCALAPPDATA, XDG_STATE_HOME } = process.env
  const absolute = (path: string | undefined): string | undefined =>
    path !== undefined && isAbsolute(path) ? path : undefined
  const home = (): string => homeFor('the keys')
  switch (process.platform) {
    case 'darwin':
      return join(home(), 'Library', 'Application Support', 'llm-refresh-cli', 'keys.json')
    case 'win32':
      return join(absolute(LOCALAPPDATA) ?? join(home(), 'AppData', 'Local'), 'llm-refresh-cli', 'keys.json')
    default:
      return join(absolute(XDG_STATE_HOME) ?? join(home(), '.local', 'state'), 'llm-refresh-cli', 'keys.json')
  }
}

/** @throws Fault */
export async function readKeys(path: string = keyFile()): Promise<StoredKey[]> {
  let text: string
  try {
    await checkFile(path)
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (Reflect.get(Object(error), 'code') === 'ENOENT') return []
    throw error
  }
  try {
    const content: unknown = JSON.parse(text)
    const keys: unknown = Reflect.get(Object(content), 'keys')
    const isKnown = Reflect.get(Object(content), 'version') === 1
    if (isKnown && Array.isArray(keys) && keys.every(isKey)) return keys
  } catch {
    // Go on below: the file is damaged.
  }
  throw new Fault(
    EXIT.failed,
    `${path} is damaged.`,
    `Remove it, and make the keys anew: ${commandLine(['llm-refresh', 'key', 'add', 'NAME'])}`,
  )
}

function isKey(given: unknown): given is StoredKey {
  const field = (name: keyof StoredKey): unknown => Reflect.get(Object(given), name)
  const [hash, routes] = [field('hash'), field('routes')]
  return (
    typeof field('name') === 'string' &&
    typeof hash === 'string' &&
    /^[\da-f]{64}$/.test(hash) &&
    typeof field('createdAt') === 'number' &&
    (routes === undefined || (Array.isArray(routes) && routes.every((route) => typeof route === 'string')))
  )
}

/**
 * Refuses a file that another user may write to: that user could add a key, and use the proxy with it. It refuses a pipe or a folder, too: a
 * read of a pipe would never end, and would keep the process alive.
 */
async function checkFile(path: string): Promise<void> {
  const stats = await stat(path)
  if (!stats.isFile()) throw wrongInput(`${path} is no file.`, 'Move it away.')
  const mine = process.getuid?.()
  if (mine === undefined) return
  const { uid, mode } = stats
  if (uid === mine && (mode & 0o022) === 0) return
  throw wrongInput(`Other users may write to ${path}.`, `Run: ${commandLine(['chmod', '600', path])}`)
}

/** Changes the keys. Only one process changes them at a time, and a reader never sees half a file. */
export async function changeKeys(
  change: (keys: readonly StoredKey[]) => readonly StoredKey[],
  path: string = keyFile(),
): Promise<void> {
  try {
    await changed(change, path)
  } catch (error) {
    const code = String(Reflect.get(Object(error), 'code'))
    // An error of a system call concerns this folder.
    if (!(error instanceof Error) || !('syscall' in error)) throw error
    throw new Fault(
      EXIT.failed,
      `The folder of the keys, ${dirname(path)}, cannot be written (${code}).`,
      'Change its owner or its permissions, or choose another HOME.',
    )
  }
}

async function changed(
  change: (keys: readonly StoredKey[]) => readonly StoredKey[],
  path: string,
): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const unlock = await lock(`${path}.lock`)
  const written = `${path}.${randomUUID()}`
  try {
    const keys = change(await readKeys(path))
    await writeFile(written, `${JSON.stringify({ version: 1, keys }, undefined, 2)}\n`, {
      mode: 0o600,
      flag: 'wx',
      flush: true,
    })
    await rename(written, path)
  } finally {
    await rm(written, { force: true })
    await unlock()
  }
}

async function lock(path: string): Promise<() => Promise<void>> {
  const until = Date.now() + LOCK_LIMIT
  for (;;) {
    try {
      const handle = await open(path, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY, 0o600)
      await handle.close()
      return () => rm(path, { force: true })
    } catch (error) {
      if (Reflect.get(Object(error), 'code') !== 'EEXIST') throw error
    }
    // If the lock is older than any change takes, the process that left it was killed.
    const age = await stat(path).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => 0,
    )
    if (age > LOCK_DEAD) await rm(path, { force: true })
    else if (Date.now() > until)
      throw new Fault(EXIT.unreachable, `${path} is held by another process.`, 'Try again.')
    await new Promise((resolve) => setTimeout(resolve, LOCK_PAUSE))
  }
}
