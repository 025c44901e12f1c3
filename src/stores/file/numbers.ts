import { RefreshError } from '../../errors.ts'
import type { Folder } from './folder.ts'
import type { Listing } from './names.ts'

/** A file that tells the first number. It stays for as long as the folder does. */
export const ORIGIN = 'origin'

/**
 * The highest number a file may bear. Earlier versions, which may share the folder, read names of at most 15 digits; and every number
 * stays below 2^53, so that each is told from the next.
 */
const LAST = 999_999_999_999_998

/** The highest number that the folder's files bear. 0: none bears one. A record may outlive its lock when the machine loses its power. */
export function top({ locks, records, released }: Listing): number {
  return Math.max(locks[0] ?? 0, records[0] ?? 0, released[0] ?? 0)
}

/** @throws RefreshError `store_invalid` where the file's number leaves none for those that come after it */
export function assertInRange(number: number, path: string): void {
  if (number <= LAST) return
  throw new RefreshError(
    'store_invalid',
    `${path} has a number that no lock or record of this store can have: another program made it, or it was damaged. It is left as it is: move it away.`,
  )
}

/** Those that begin in a folder at once read the same origin, and have to agree on its number. ms */
const YOUNG = 60_000

/**
 * The number before the first of a folder without locks and records, above the numbers that processes remember of a folder that was
 * removed or emptied: the time in ms grows faster than anybody writes. Earlier versions, which may share the folder, begin with the
 * number in its origin.
 */
export async function readOrigin(folder: Folder, { hasOrigin }: Listing): Promise<number> {
  // A clock that is set to another age must not use up the numbers.
  const now = Math.min(Math.max(Math.floor(Date.now()), 1), 100_000_000_000_000)
  if (!hasOrigin) await folder.publish(ORIGIN, `${now}\n`, { kind: 'origin', number: now })
  const number = Number(await folder.read(ORIGIN))
  const origin = Number.isSafeInteger(number) && number > 0 && number <= LAST ? number : 0
  return now - origin < YOUNG ? origin : now
}
