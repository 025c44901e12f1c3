import { RefreshError } from '../../../core/errors.ts'
import type { Listing } from './folder.ts'

/**
 * The highest number a file may bear. Earlier versions, which may share the folder, read names of at most 15 digits; and every number
 * stays below 2^53, so that each is told from the next.
 */
const LAST = 999_999_999_999_998

/** The highest number that the folder's files bear. 0: none bears one. A record may outlive its lock when the machine loses its power. */
export function top({ locks, records, released }: Listing): number {
  return Math.max(locks[0] ?? 0, records[0] ?? 0, released[0] ?? 0)
}

/**
 * The number before the next. A folder that was removed, emptied, or restored from an older copy goes on above the numbers that
 * processes remember: the time in ms grows faster than anybody writes.
 *
 * @param known a number that this process remembers
 */
export function ground(listing: Listing, origin: number, known: number): number {
  const highest = Math.max(top(listing), known)
  return top(listing) > 0 ? highest : Math.max(highest, origin, epoch())
}

/** @throws RefreshError `store_invalid` where the file's number leaves none for those that come after it */
export function assertInRange(number: number, path: string): void {
  if (number <= LAST) return
  throw new RefreshError(
    'store_invalid',
    `${path} has a number that no lock or record of this store can have: another program made it, or it was damaged. It is left as it is: move it away.`,
  )
}

/** Where numbers of a new folder begin: now, in ms. A clock that is set to another age must not use up the numbers. */
export function epoch(): number {
  return Math.min(Math.max(Math.floor(Date.now()), 1), 100_000_000_000_000)
}
