import type { Folder } from './folder.ts'
import { type Listing, LAST, ORIGIN } from './names.ts'

/** Processes that begin in a folder at the same time read the same origin, and must agree on its number. ms */
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
