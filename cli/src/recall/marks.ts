import { type BigIntStats, lstatSync, readdirSync, realpathSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

/** The state of each path. If two marks are equal, nothing that matters has changed. */
export type Marks = Readonly<Record<string, string>>

/**
 * The marks of files, and of all folders above them, on every path that leads there through links.
 *
 * @throws if a path does not exist
 */
export function marksOf(files: readonly string[]): Marks {
  const paths = new Set(
    files.flatMap((file) => [file, realpathSync(file)]).flatMap((file) => [file, ...above(file)]),
  )
  return Object.fromEntries([...paths].map((path) => [path, markOf(path)]))
}

/** Compares the paths, too: if a link replaces a folder, it leads elsewhere, and so adds paths. */
export function areEqual(marks: Marks, others: Marks): boolean {
  const paths = Object.keys(others)
  return paths.length === Object.keys(marks).length && paths.every((path) => marks[path] === others[path])
}

/** The entries of an account's folder. They show a new lock, a new record, and anything that does not belong there. */
export function entriesOf(folder: string): string {
  const entries = readdirSync(folder, { withFileTypes: true })
  return entries
    .map((entry) => `${entry.name}${entry.isFile() ? '' : '/'}`)
    .toSorted()
    .join('\n')
}

/**
 * The mark of one path. For a folder only its place and its rights count, because its entries come and go. For a link, the link and its
 * target both count.
 */
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
