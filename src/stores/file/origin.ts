import type { Folder } from './folder.ts'
import { type Listing, LAST, ORIGIN } from './names.ts'

/** ms: an origin younger than this still counts, so that processes that begin in an empty folder at the same time agree on the number. */
const YOUNG = 60_000

/**
 * The number before the first one of a folder without locks and records: the time in epoch ms. Processes may remember numbers of a folder
 * that was removed or emptied, and the time is above those, because it grows faster than any process writes. Earlier versions, which may
 * share the folder, begin with the number in the origin file.
 */
export async function readOrigin(folder: Folder, { hasOrigin }: Listing): Promise<number> {
  // A clock that is far in the future must not use up the numbers.
  const now = Math.min(Math.max(Math.floor(Date.now()), 1), 100_000_000_000_000)
  if (!hasOrigin) await folder.publish(ORIGIN, `${now}\n`, { kind: 'origin', number: now })
  const number = Number(await folder.read(ORIGIN))
  const origin = Number.isSafeInteger(number) && number > 0 && number <= LAST ? number : 0
  return now - origin < YOUNG ? origin : now
}
