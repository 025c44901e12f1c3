import type { LockWaiter, Lock } from '../shared/lock.ts'
import { FileLock } from './file-lock.ts'
import type { Folder } from './folder.ts'
import { type Holder, readHolder } from './holder.ts'
import type { Machine } from './machine.ts'
import { type Listing, lockName, assertInRange, top } from './names.ts'
import { readOrigin } from './origin.ts'
import { newOwner, writeOwner } from './owner.ts'
import { adoptDraft } from './records.ts'

/** The state that a waiter saw last, and for how long it has not changed. */
interface Watched {
  readonly sight: string
  /** ms for which the waiter itself has watched the same state */
  unchanged: number
  lookedAt: number
}

/** Options of a waiter. */
export interface ContenderOptions {
  /** The revision that the caller knows. If there is a record with a higher one, the caller needs no lock. */
  readonly known: number | undefined
  readonly machine: () => Promise<Machine>
  /** ms */
  readonly lease: number
}

/** ms: a step of the watch counts for no longer than this, because a waiter that was itself stopped has not watched. */
const LONGEST_STEP = 500
/** ms between two looks at a holder that runs elsewhere */
const NEXT_LOOK = 1_000

/** A waiter for the lock of a folder. It acquires the lock by creating the lock file with the next number, which only one waiter can. */
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
    // If a record that this process knows has vanished, wait a lease, so that the holder of an unsaved token can write first.
    const isVanished = known > 0 && records.length === 0
    const mustWait = isVanished || holder?.state === 'stopped' || holder?.state === 'unknown'
    if (mustWait && !(await this.#isSilent(holder, isVanished))) return Math.min(NEXT_LOOK, lease / 5)
    if (isUnwritten && holder.state !== 'released' && (await this.#adopt(holder, listing))) return 0

    // The folder may have been emptied, or be an older copy, so the number must also be above the one that this process knows.
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
   * True if another process came first. Numbers need not be consecutive, and a number below the highest may be used again, so any lock that
   * was not there before may be held now. If two processes come at once, at least one of them sees the other.
   */
  async #isLate(number: number, before: readonly number[], holder: Holder | undefined): Promise<boolean> {
    const now = await this.#folder.list()
    if (top(now) > number || now.records.includes(number)) return true
    if (now.locks.some((lock) => lock !== number && !before.includes(lock))) return true
    return holder !== undefined && (await this.#folder.read(lockName(holder.number))) !== holder.text
  }

  /**
   * True if the holder gave no sign of life, or the record was missing, for a whole lease while this waiter watched. False while the holder
   * is stopped: it gives no sign of life, but may go on.
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
