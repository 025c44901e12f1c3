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

/** bytes: twice what a configuration may have */
const LIMIT = 524_288
/** Characters of a file's name. */
const LONGEST = 240
const OF_OTHERS = 0o077

/**
 * A value that a command of this user left. It holds no secret, and can be deleted at any time.
 *
 * @param name one file each
 * @returns undefined: there is none, or somebody else could have written it
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

/** Leaves a value for the commands that follow. Where it cannot be written, they do without. */
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
      // Its folder is none.
    }
  }
}

/**
 * Whether a folder is this user's own, or the one that it would be made in. Root must leave nothing in a person's home, where that person
 * could not write any more then, and nobody's link decides where files are made.
 */
function isOwn(folder: string): boolean {
  const mine = process.getuid?.()
  const stats = lstatSync(folder, { throwIfNoEntry: false })
  if (stats === undefined) return isOwn(dirname(folder))
  return stats.uid === mine && (!stats.isSymbolicLink() || statSync(folder).uid === mine)
}

/** undefined: only this user's rights show who wrote a file, and not every platform has them. */
function placeOf(name: string): { folder: string; path: string } | undefined {
  const { XDG_CACHE_HOME } = process.env
  const isGiven = XDG_CACHE_HOME !== undefined && isAbsolute(XDG_CACHE_HOME)
  const folder = join(isGiven ? XDG_CACHE_HOME : join(homeFolder() ?? '', '.cache'), 'llm-refresh')
  const file = `${encodeURIComponent(name)}.json`
  const isPossible = process.getuid !== undefined && file.length <= LONGEST && isAbsolute(folder)
  return isPossible ? { folder, path: join(folder, file) } : undefined
}
