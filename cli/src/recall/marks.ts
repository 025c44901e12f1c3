import { realpathSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

/** What each path looked like. Two equal marks: nothing that counts has changed. */
export type Marks = Readonly<Record<string, string>>

/** The marks of files, and of all folders above them, by every way that leads there. */
export function marksOf(files: readonly string[]): Marks {
  const paths = new Set(
    files.flatMap((file) => [file, realpathSync(file)]).flatMap((file) => [file, ...above(file)]),
  )
  return Object.fromEntries([...paths].map((path) => [path, markOf(path)]))
}

/** @throws if a path is not there */
export function areEqual(marks: Marks): boolean {
  return Object.entries(marks).every(([path, mark]) => markOf(path) === mark)
}

/** A folder's entries come and go: its place and its rights count. */
function markOf(path: string): string {
  const stats = statSync(path, { bigint: true })
  const { dev, ino, mode, uid, size, mtimeNs, ctimeNs } = stats
  const place = [dev, ino, mode, uid]
  return (stats.isFile() ? [...place, size, mtimeNs, ctimeNs] : place).join(' ')
}

function above(path: string): string[] {
  const folder = dirname(path)
  return folder === path ? [] : [folder, ...above(folder)]
}
