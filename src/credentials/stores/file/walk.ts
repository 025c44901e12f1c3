import type { Stats } from 'node:fs'
import { lstat, readlink, stat } from 'node:fs/promises'
import { dirname, isAbsolute, join, parse, sep } from 'node:path'
import { present } from './failure.ts'

/** A folder on the way to a path. */
export interface Passed {
  readonly path: string
  readonly stats: Stats
}

/** A symbolic link on the way to a path. */
export interface Link {
  readonly path: string
  readonly uid: number
  /** Who owns what it leads to. undefined: it leads nowhere. */
  readonly targetUid: number | undefined
}

/** What lies on the way to a path, once its links are followed. */
export interface Way {
  /** Real folders, from the root of the file system on. */
  readonly folders: readonly Passed[]
  readonly links: readonly Link[]
  /** The names for which there is nothing yet. */
  readonly missing: readonly string[]
  /** Where the path leads; with what is missing, where it will lead. */
  readonly real: string
}

const MOST_LINKS = 40

/**
 * Looks at every folder and every link on the way to a path: whoever can change one of them decides where the path leads.
 *
 * @throws the file system's errors, also `ENOTDIR` and `ELOOP`
 */
export async function walk(path: string): Promise<Way> {
  const { root } = parse(path)
  const folders: Passed[] = [{ path: root, stats: await lstat(root) }]
  const links: Link[] = []
  let real = root
  let rest = namesOf(path.slice(root.length))
  for (let name = rest[0]; name !== undefined; name = rest[0]) {
    const after = rest.slice(1)
    const next = name === '..' ? dirname(real) : join(real, name)
    const stats = await present(lstat(next))
    if (stats === undefined) return { folders, links, missing: rest, real: join(real, ...rest) }
    if (stats.isSymbolicLink()) {
      if (links.length === MOST_LINKS) throw systemError('ELOOP', next)
      links.push({ path: next, uid: stats.uid, targetUid: (await present(stat(next)))?.uid })
      const target = await readlink(next)
      if (isAbsolute(target)) real = parse(target).root
      rest = [...namesOf(isAbsolute(target) ? target.slice(real.length) : target), ...after]
      continue
    }
    if (!stats.isDirectory()) throw systemError('ENOTDIR', next)
    folders.push({ path: next, stats })
    real = next
    rest = after
  }
  return { folders, links, missing: [], real }
}

function namesOf(path: string): string[] {
  return path.split(sep).filter((name) => name !== '' && name !== '.')
}

function systemError(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code })
}
