import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, isAbsolute, join } from 'node:path'
import { homeFolder } from './home.ts'

/** The largest file, in bytes: four times the largest configuration. */
const LIMIT = 524_288
/** The longest name of a file, in characters. */
const LONGEST = 240
const OF_OTHERS = 0o077

/**
 * Reads a value that an earlier command of this user wrote. Such a value contains no secret, and can be deleted at any time.
 *
 * @param name each name has its own file
 * @returns undefined if there is no value, or if another user could have written it
 */
export function readCache<T extends object>(name: string): Partial<T> | undefined {
  const place = placeOf(name)
  if (place === undefined) return undefined
  let file: number | undefined
  try {
    file = openSync(place.path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    const stats = fstatSync(file)
    const isMine = stats.uid === process.getuid?.() && (stats.mode & OF_OTHERS) === 0
    if (!stats.isFile() || !isMine || stats.size > LIMIT) return undefined
    // eslint-disable-next-line typescript/no-unsafe-type-assertion -- a version of this command wrote it, which its reader compares
    return (JSON.parse(readFileSync(file, 'utf8')) ?? undefined) as Partial<T> | undefined
  } catch {
    return undefined
  } finally {
    if (file !== undefined) closeSync(file)
  }
}

/** Writes a value for later commands. If that fails, they do without it. */
export function writeCache(name: string, value: object): void {
  const place = placeOf(name)
  if (place === undefined) return
  const draft = join(place.folder, `${process.pid}-${Math.random().toString(36).slice(2)}`)
  try {
    if (!isOwn(place.folder)) return
    mkdirSync(place.folder, { recursive: true, mode: 0o700 })
    writeFileSync(draft, JSON.stringify(value), { flag: 'wx', mode: 0o600 })
    renameSync(draft, place.path)
  } catch {
    try {
      rmSync(draft, { force: true })
    } catch {
      // Ignore the error: later commands do without the value.
    }
  }
}

/**
 * True if a folder is this user's own, or if this user may create it. Root must not create a folder in a person's home, because the person
 * could not write to it later. Another user's link must not decide where we create files.
 */
function isOwn(folder: string): boolean {
  const mine = process.getuid?.()
  const stats = lstatSync(folder, { throwIfNoEntry: false })
  if (stats === undefined) return isOwn(dirname(folder))
  return stats.uid === mine && (!stats.isSymbolicLink() || statSync(folder).uid === mine)
}

/** The place of a value. undefined on platforms without user ids: only they show who wrote a file. */
function placeOf(name: string): { folder: string; path: string } | undefined {
  const { XDG_CACHE_HOME } = process.env
  const isGiven = XDG_CACHE_HOME !== undefined && isAbsolute(XDG_CACHE_HOME)
  const folder = join(isGiven ? XDG_CACHE_HOME : join(homeFolder() ?? '', '.cache'), 'llm-refresh')
  const file = `${encodeURIComponent(name)}.json`
  const isPossible = process.getuid !== undefined && file.length <= LONGEST && isAbsolute(folder)
  return isPossible ? { folder, path: join(folder, file) } : undefined
}
