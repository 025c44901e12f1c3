import type { Folder } from './folder.ts'
import { givenUp } from './given-up.ts'
import type { Machine } from './machine.ts'
import { type Listing, lockName, releasedName } from './names.ts'
import { isAbandoned, type Owner, readOwner, stateOf } from './owner.ts'

/** The highest lock and its holder. */
export interface Holder {
  readonly number: number
  /** The content of the lock file, which no other lock has. */
  readonly text: string
  readonly owner: Owner | undefined
  /**
   * `released`: the holder released the lock. `gone`: the holder's process has ended. `stopped`: the process exists but does not run.
   * `unknown`: the process runs, or cannot be seen from here, so its signs of life decide.
   */
  readonly state: 'released' | 'gone' | 'stopped' | 'unknown'
  /** True if the next holder must assume that a request that redeems is on its way, unless a record was written since. */
  readonly isAbandoned: boolean
}

/**
 * Reads the highest lock and its holder.
 *
 * @returns undefined if there is no lock; `changed` if the files have changed since the listing
 */
export async function readHolder(
  folder: Folder,
  { locks, released }: Listing,
  machine: Machine,
): Promise<Holder | undefined | 'changed'> {
  const [number] = locks
  if (number === undefined) return undefined
  const text = await folder.read(lockName(number))
  if (text === undefined) return 'changed'
  const owner = readOwner(text)
  const wasAbandoned = owner?.abandoned === true
  if (released.includes(number)) {
    const mark = (await folder.read(releasedName(number))) ?? ''
    return { number, text, owner, state: 'released', isAbandoned: wasAbandoned || isAbandoned(mark) }
  }
  const own = owner && givenUp(owner.id)
  if (own !== undefined) return { number, text, owner, state: 'released', isAbandoned: wasAbandoned || own }
  const state = owner ? await stateOf(owner, machine) : 'unknown'
  // This process may have marked its own lock as released since the listing.
  const isOwn = state === 'unknown' && owner?.pid === machine.pid
  if (isOwn && (await folder.read(releasedName(number))) !== undefined) return 'changed'
  return { number, text, owner, state, isAbandoned: true }
}
