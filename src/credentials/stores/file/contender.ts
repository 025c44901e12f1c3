import type { Contender, Lock } from '../../lock.ts'
import { FileLock } from './file-lock.ts'
import { type Folder, type Listing, lockName, ORIGIN } from './folder.ts'
import type { Machine } from './machine.ts'
import { isGone, newOwner, readOwner, writeOwner } from './owner.ts'

/** What a waiter has seen of a holder that it cannot know to be gone. */
interface Watched {
  readonly pulse: string
  /** ms of the waiter's own time without a sign of life */
  silence: number
  lookedAt: number
}

/** What is known of the lock that is the highest. */
interface Predecessor {
  readonly number: number
  /** Its content, which no other lock has; undefined where there is no such lock. */
  readonly text: string | undefined
  readonly isReleased: boolean
}

/** Who contends. */
export interface ContenderOptions {
  /** A record with a higher revision will do as well. */
  readonly known: number | undefined
  readonly machine: () => Promise<Machine>
  /** ms */
  readonly lease: number
}

/** A waiter that was itself stopped has not watched: no step of its time counts for more than that. ms */
const LONGEST_STEP = 500
/** ms after which a holder that is elsewhere is looked at again */
const NEXT_LOOK = 1_000

/** One that wants the lock of a folder: it puts a file with the next number there, if nobody else has. */
export class FileContender implements Contender {
  readonly #folder: Folder
  readonly #key: string
  readonly #options: ContenderOptions
  #watched: Watched | undefined
  #isPrepared = false

  constructor(folder: Folder, key: string, options: ContenderOptions) {
    this.#folder = folder
    this.#key = key
    this.#options = options
  }

  async tryLock(): Promise<Lock | 'newer' | number> {
    if (!this.#isPrepared) await this.#folder.prepare()
    this.#isPrepared = true
    const { known = Infinity, lease, machine: readMachine } = this.#options
    const listing = await this.#folder.list()
    if ((listing.records[0] ?? 0) > known) return 'newer'
    const before = await this.#predecessor(listing)
    if (before === undefined) return 0
    const owner = before.text === undefined ? undefined : readOwner(before.text)
    const machine = await readMachine()
    if (!before.isReleased && !(owner && (await isGone(owner, machine))) && !(await this.#isSilent(before))) {
      return Math.min(NEXT_LOOK, lease / 5)
    }

    const wasLeft = before.text !== undefined && !before.isReleased
    const isUnwritten = !listing.records.includes(before.number)
    const abandoned = isUnwritten && (wasLeft || owner?.abandoned === true)
    const number = before.number + 1
    const mine = newOwner(machine, abandoned)
    if (!(await this.#folder.publish(lockName(number), number, writeOwner(mine), false))) return 0
    const lock = new FileLock(this.#folder, this.#key, number, abandoned)
    try {
      if (await this.#isLate(number, before)) {
        await this.#folder.remove(lockName(number))
        return 0
      }
      return await lock.open()
    } catch (error) {
      // Nobody holds it.
      await lock.release().catch(() => undefined)
      throw error
    }
  }

  /** Numbers below the highest are free again: who was late may have taken one of those. */
  async #isLate(number: number, before: Predecessor): Promise<boolean> {
    const now = await this.#folder.list()
    return top(now) > number || (await this.#folder.read(lockName(before.number))) !== before.text
  }

  /** undefined: things have changed since they were listed. */
  async #predecessor(listing: Listing): Promise<Predecessor | undefined> {
    const number = top(listing) || (await this.#origin(listing))
    if (number === undefined) return undefined
    if (listing.locks[0] !== number) return { number, text: undefined, isReleased: true }
    const text = await this.#folder.read(lockName(number))
    if (text === undefined) return undefined
    return { number, text, isReleased: listing.released.includes(number) }
  }

  /** Where a folder was removed and made anew, its numbers are higher than before, for those who remember. */
  async #origin({ hasOrigin }: Listing): Promise<number | undefined> {
    const first = Math.floor(Date.now() / 1000)
    if (!hasOrigin) await this.#folder.publish(ORIGIN, first, `${first}\n`, false)
    const number = Number(await this.#folder.read(ORIGIN))
    return Number.isSafeInteger(number) && number > 0 ? number : first
  }

  /** Whether a holder gave no sign of life for the length of a lease, as far as this waiter has watched. */
  async #isSilent({ number }: Predecessor): Promise<boolean> {
    const pulse = `${number} ${await this.#folder.pulse(lockName(number))}`
    const now = performance.now()
    const watched = this.#watched
    if (watched?.pulse !== pulse) {
      this.#watched = { pulse, silence: 0, lookedAt: now }
      return false
    }
    watched.silence += Math.min(now - watched.lookedAt, LONGEST_STEP)
    watched.lookedAt = now
    return watched.silence >= this.#options.lease
  }
}

/** The highest number that was ever given: a record may outlive its lock when the machine loses its power. */
function top({ locks, records, released }: Listing): number {
  return Math.max(locks[0] ?? 0, records[0] ?? 0, released[0] ?? 0)
}
