import { type BigIntStats, lstatSync, readdirSync, realpathSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

/** What each path looked like. Two equal marks: nothing that counts has changed. */
export type Marks = Readonly<Record<string, string>>

/**
 * The marks of files, and of all folders above them, by every way that leads there.
 *
 * @throws if a path is not there
 */
export function marksOf(files: readonly string[]): Marks {
  const paths = new Set(
    files.flatMap((file) => [file, realpathSync(file)]).flatMap((file) => [file, ...above(file)]),
  )
  return Object.fromEntries([...paths].map((path) => [path, markOf(path)]))
}

/** A link that was put in the place of a folder leads elsewhere, and so adds paths. */
export function areEqual(marks: Marks, others: Marks): boolean {
  const paths = Object.keys(others)
  return paths.length === Object.keys(marks).length && paths.every((path) => marks[path] === others[path])
}

/** What an account's folder holds: a lock or a record that is new, and what does not belong there. */
export function entriesOf(folder: string): string {
  const entries = readdirSync(folder, { withFileTypes: true })
  return entries
    .map((entry) => `${entry.name}${entry.isFile() ? '' : '/'}`)
    .toSorted()
    .join('\n')
}

/** A folder's entries come and go: its place and its rights count. Of a link both count, itself and what it leads to. */
function markOf(path: string): string {
  const own = lstatSync(path, { bigint: true })
  return own.isSymbolicLink()
    ? `${ofStats(own)} > ${ofStats(statSync(path, { bigint: true }))}`
    : ofStats(own)
}

function ofStats(stats: BigIntStats): string {
  const { dev, ino, mode, uid, gid, size, mtimeNs, ctimeNs } = stats
  const place = [dev, ino, mode, uid, gid]
  return (stats.isFile() ? [...place, size, mtimeNs, ctimeNs] : place).join(' ')
}

function above(path: string): string[] {
  const folder = dirname(path)
  return folder === path ? [] : [folder, ...above(folder)]
}
