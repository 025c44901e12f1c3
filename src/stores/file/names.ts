import { join } from 'node:path'
import { RefreshError } from '../../errors.ts'

/** A file that tells the first number. It stays for as long as the folder does. */
export const ORIGIN = 'origin'

/**
 * The highest number in a file name. Earlier versions, which may share the folder, read names of at most 15 digits. Every number stays
 * below 2^53, so that any two differ.
 */
export const LAST = 999_999_999_999_998

/** The numbers of a folder's files, the highest first. */
type Numbers = Readonly<Record<'locks' | 'records' | 'released', readonly number[]>>

/** The highest number that the folder's files bear. 0: none bears one. A record may outlive its lock when the machine loses its power. */
export function top({ locks, records, released }: Numbers): number {
  return Math.max(locks[0] ?? 0, records[0] ?? 0, released[0] ?? 0)
}

/** @throws RefreshError `store_invalid` if the file's number leaves none for later ones */
export function assertInRange(number: number, path: string): void {
  if (number <= LAST) return
  throw new RefreshError(
    'store_invalid',
    `${path} has a number that no lock or record of this store can have: another program made it, or it was damaged. It is left as it is: move it away.`,
  )
}

/** A file that is being written, or that a writer left behind when it vanished. */
export interface Draft {
  readonly name: string
  readonly number: number
  /** It is, or may be, the record that the holder of the lock with this number wanted to publish. */
  readonly isRecord: boolean
  /** The number of the try to write this record: 1, 2, 3 … */
  readonly count: number
}

/** The files of one account, by their numbers. */
export interface Listing {
  /** True if a file tells the first number. */
  readonly hasOrigin: boolean
  /** The highest first, as in all of these. */
  readonly locks: readonly number[]
  readonly released: readonly number[]
  readonly records: readonly number[]
  readonly drafts: readonly Draft[]
}

const NUMBER = String.raw`([1-9]\d{0,15})`
/** Earlier versions did not tell in a draft's name what it is a draft of. */
const NAME = new RegExp(
  String.raw`^(?:(lock)-${NUMBER}(\.released)?|(record)-${NUMBER}\.json|draft-${NUMBER}-[\da-f-]{36}|draft-(lock|origin|record|replace|released)-${NUMBER}-(\d{1,9})-[\da-f-]{36})$`,
  'u',
)

export const lockName = (number: number): string => `lock-${number}`
export const releasedName = (number: number): string => `lock-${number}.released`
export const recordName = (number: number): string => `record-${number}.json`

/** True if this store gives such names. */
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
