import { join } from 'node:path'
import { RefreshError } from '../../errors.ts'

/** The name of the file that holds the number before the folder's first one. The file stays as long as the folder. */
export const ORIGIN = 'origin'

/**
 * The highest number in a file name. Earlier versions, which may share the folder, read numbers of at most 15 digits. All numbers are below
 * 2^53, so JavaScript keeps each exactly.
 */
export const LAST = 999_999_999_999_998

/** The numbers of a folder's files, in falling order. */
type Numbers = Readonly<Record<'locks' | 'records' | 'released', readonly number[]>>

/** The highest number of the folder's files; 0 if there is none. It may be a record's: a lock file may get lost when the power fails. */
export function top({ locks, records, released }: Numbers): number {
  return Math.max(locks[0] ?? 0, records[0] ?? 0, released[0] ?? 0)
}

/** @throws RefreshError `store_invalid` if the file's number is above {@link LAST}, so that no number could follow */
export function assertInRange(number: number, path: string): void {
  if (number <= LAST) return
  throw new RefreshError(
    'store_invalid',
    `${path} has a number that no lock or record of this store can have: another program made it, or it was damaged. It is left as it is: move it away.`,
  )
}

/** A file that a process still writes, or that a writer left behind when it vanished. */
export interface Draft {
  readonly name: string
  readonly number: number
  /** True if it is, or may be, the record that the holder of the lock with this number wanted to publish. */
  readonly isRecord: boolean
  /** The number of the try to write this record: 1, 2, 3 …; 0 in a draft of an earlier version. */
  readonly count: number
}

/** The files of one account, by their numbers, each list in falling order. */
export interface Listing {
  /** True if there is an `origin` file. */
  readonly hasOrigin: boolean
  readonly locks: readonly number[]
  readonly released: readonly number[]
  readonly records: readonly number[]
  readonly drafts: readonly Draft[]
}

const NUMBER = String.raw`([1-9]\d{0,15})`
/** The names of this store's files. The draft names of earlier versions do not say what they are drafts of. */
const NAME = new RegExp(
  String.raw`^(?:(lock)-${NUMBER}(\.released)?|(record)-${NUMBER}\.json|draft-${NUMBER}-[\da-f-]{36}|draft-(lock|origin|record|replace|released)-${NUMBER}-(\d{1,9})-[\da-f-]{36})$`,
  'u',
)

export const lockName = (number: number): string => `lock-${number}`
export const releasedName = (number: number): string => `lock-${number}.released`
export const recordName = (number: number): string => `record-${number}.json`

/** True if this store makes files of such a name. */
export function isName(name: string): boolean {
  return name === ORIGIN || NAME.test(name)
}

/**
 * Reads the file names of a folder.
 *
 * @throws RefreshError `store_invalid` for a number that no file of this store can have
 */
export function listingOf(names: readonly string[], path: string): Listing {
  const found = { locks: [] as number[], released: [] as number[], records: [] as number[] }
  const drafts: Draft[] = []
  for (const name of names) {
    const [, lock, ofLock, isReleased, record, ofRecord, ofOldDraft, kind, ofDraft, count] =
      NAME.exec(name) ?? []
    const [number, ofWhich] =
      lock !== undefined
        ? [ofLock, isReleased === undefined ? found.locks : found.released]
        : [ofRecord, found.records]
    if (lock !== undefined || record !== undefined) {
      assertInRange(Number(number), join(path, name))
      ofWhich.push(Number(number))
    } else if (ofOldDraft !== undefined)
      drafts.push({ name, number: Number(ofOldDraft), isRecord: true, count: 0 })
    else if (kind !== undefined)
      drafts.push({ name, number: Number(ofDraft), isRecord: kind === 'record', count: Number(count) })
  }
  for (const numbers of Object.values(found)) numbers.sort((one, other) => other - one)
  return { ...found, drafts, hasOrigin: names.includes(ORIGIN) }
}
