import { join } from 'node:path'
import { assertInRange, ORIGIN } from './numbers.ts'

/** A file that is being written, or that a writer left behind when it vanished. */
export interface Draft {
  readonly name: string
  readonly number: number
  /** It is, or may be, the record that the holder of the lock with this number wanted to publish. */
  readonly isRecord: boolean
  /** Of the tries to write this record: 1, 2, 3 … */
  readonly count: number
}

/** The files of one account, by their numbers. */
export interface Listing {
  /** There is a file that tells the first number. */
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

/** Whether a name is one that this store gives. */
export function isName(name: string): boolean {
  return name === ORIGIN || NAME.test(name)
}

/**
 * What the names of a folder tell.
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
