import type { LockWaiter, Lock } from '../shared/lock.ts'
import { FileLock } from './file-lock.ts'
import type { Folder } from './folder.ts'
import { type Holder, readHolder } from './holder.ts'
import type { Machine } from './machine.ts'
import { type Listing, lockName, assertInRange, top } from './names.ts'
import { readOrigin } from './origin.ts'
import { newOwner, writeOwner } from './owner.ts'
import { adoptDraft } from './records.ts'

/** A waiter's last sight, and how long it has not changed. */
interface Watched {
  readonly sight: string
  /** ms of the waiter's own time */
  unchanged: number
  lookedAt: number
}

/** Options of a waiter. */
export interface ContenderOptions {
  /** A record with a higher revision will do as well. */
  readonly known: number | undefined
  readonly machine: () => Promise<Machine>
  /** ms */
  readonly lease: number
}

/** A waiter that was itself stopped has not watched, so none of its steps counts for longer than this. ms */
const LONGEST_STEP = 500
/** ms after which a holder that is elsewhere is looked at again */
const NEXT_LOOK = 1_000

/** A waiter for the lock of a folder. It creates the file with the next number, unless another waiter has. */
export class FileContender implements LockWaiter {
  readonly #folder: Folder
  readonly #key: string
  readonly #options: ContenderOptions
  #watched: Watched | undefined

  constructor(folder: Folder, key: string, options: ContenderOptions) {
    this.#folder = folder
    this.#key = key
    this.#options = options
  }

  async tryLock(): Promise<Lock | 'newer' | number> {
    const [folder, { known = 0, lease, machine: readMachine }] = [this.#folder, this.#options]
    await folder.prepare()
    const listing = await folder.list()
    const { locks, records } = listing
    if (this.#options.known !== undefined && (records[0] ?? 0) > known) return 'newer'
    const machine = await readMachine()
    const holder = await readHolder(folder, listing, machine)
    if (holder === 'changed') return 0

    const isUnwritten = holder !== undefined && (records[0] ?? 0) < holder.number
    if (isUnwritten && holder.state === 'gone' && (await this.#adopt(holder, listing))) return 0
    // A record that this process knows has vanished: the holder of an unsaved token writes first.
    const isVanished = known > 0 && records.length === 0
    const mustWait = isVanished || holder?.state === 'stopped' || holder?.state === 'unknown'
    if (mustWait && !(await this.#isSilent(holder, isVanished))) return Math.min(NEXT_LOOK, lease / 5)
    if (isUnwritten && holder.state !== 'released' && (await this.#adopt(holder, listing))) return 0

    // A folder may have been emptied, or be an older copy: numbers go on above the one that this process knows.
    const number = Math.max(top(listing) || (await readOrigin(folder, listing)), known) + 1
    assertInRange(number, `The next lock of ${folder.path}`)
    const mine = newOwner(machine, isUnwritten && holder.isAbandoned)
    if (!(await folder.publish(lockName(number), writeOwner(mine), { kind: 'lock', number }))) return 0
    const lock = new FileLock(folder, this.#key, number, mine, machine)
    try {
      if (await this.#isLate(number, locks, holder)) {
        await folder.remove(lockName(number))
        return 0
      }
      const opened = await lock.open()
      if (opened === undefined) await lock.release(false).catch(() => undefined)
      return opened ?? 0
    } catch (error) {
      // No caller got this lock, so release it.
      await lock.release(false).catch(() => undefined)
      throw error
    }
  }

  #adopt({ number }: Holder, { drafts }: Listing): Promise<boolean> {
    return adoptDraft(this.#folder, this.#key, number, drafts)
  }

  /**
   * True if others came first. Numbers need not be consecutive, and those below the highest are free again, so any lock that was not there
   * before may be held now. Of two that come at once, at least one sees the other.
   */
  async #isLate(number: number, before: readonly number[], holder: Holder | undefined): Promise<boolean> {
    const now = await this.#folder.list()
    if (top(now) > number || now.records.includes(number)) return true
    if (now.locks.some((lock) => lock !== number && !before.includes(lock))) return true
    return holder !== undefined && (await this.#folder.read(lockName(holder.number))) !== holder.text
  }

  /**
   * True if a holder gave no sign of life, or a record was missing, for a whole lease while this waiter watched. A stopped holder gives
   * none, but is not gone.
   */
  async #isSilent(holder: Holder | undefined, isVanished: boolean): Promise<boolean> {
    const isJudged = holder?.state === 'unknown'
    const pulse = isJudged ? `${holder.number} ${await this.#folder.pulse(lockName(holder.number))}` : ''
    const sight = `${isVanished ? 'vanished ' : ''}${pulse}`
    const now = performance.now()
    const watched = this.#watched
    if (watched?.sight !== sight || holder?.state === 'stopped') {
      this.#watched = { sight, unchanged: 0, lookedAt: now }
      return false
    }
    watched.unchanged += Math.min(now - watched.lookedAt, LONGEST_STEP)
    watched.lookedAt = now
    return watched.unchanged >= this.#options.lease
  }
}
