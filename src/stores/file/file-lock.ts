import { encodeRecord } from '../../credential/record/record-format.ts'
import type { RecordContent, StoredRecord } from '../../credential/store.ts'
import type { Lock, Written } from '../shared/lock.ts'
import { present } from './failure.ts'
import type { Folder } from './folder.ts'
import { giveUp, marked, tryLater } from './given-up.ts'
import { readHolder } from './holder.ts'
import type { Machine } from './machine.ts'
import { type Listing, lockName, recordName, releasedName } from './names.ts'
import { ABANDONED, type Owner, readOwner, writeOwner } from './owner.ts'
import { readHighest, removeLower } from './records.ts'

/** The pause in ms between looks, and their number: another waiter that created a lock meanwhile withdraws within that time */
const [WITHDRAWING, LOOKS] = [20, 10]

/** A held lock: the lock file with the highest number. */
export class FileLock implements Lock {
  readonly #folder: Folder
  readonly #key: string
  readonly #number: number
  readonly #owner: Owner
  readonly #machine: Machine
  #current: StoredRecord | undefined
  #hasVanished = false
  #beats = 0
  #tries = 0

  constructor(folder: Folder, key: string, number: number, owner: Owner, machine: Machine) {
    this.#folder = folder
    this.#key = key
    this.#number = number
    this.#owner = owner
    this.#machine = machine
  }

  get current(): StoredRecord | undefined {
    return this.#current
  }

  get abandoned(): boolean {
    return this.#owner.abandoned || this.#current?.failure?.abandoned === true
  }

  /**
   * Reads the record in force, and removes the files below the lock and the record.
   *
   * @returns undefined if the record in force has this lock's number or a higher one, because it was written meanwhile
   */
  async open(): Promise<this | undefined> {
    this.#current = await readHighest(this.#folder, this.#key)
    if (this.#current && this.#current.revision >= this.#number) return undefined
    // If a file cannot be removed now, as when another program has it open on Windows, the next holder removes it.
    await this.#tidy().catch(() => undefined)
    return this
  }

  async renew(): Promise<boolean> {
    const [folder, name] = [this.#folder, lockName(this.#number)]
    const listing = (await folder.check()) ? await present(folder.list()) : undefined
    const [highest = 0] = listing?.locks ?? []
    if (highest > this.#number) return false
    if (highest < this.#number) return this.#acquireAgain(listing)
    const text = await folder.read(name)
    if (text !== undefined && text !== writeOwner(this.#owner)) return false
    // Any new time will do, because waiters only check whether the time has changed.
    const time = new Date(Date.now() + ++this.#beats)
    return (text !== undefined && (await folder.touch(name, time))) || this.#acquireAgain(listing)
  }

  async write(content: RecordContent): Promise<Written> {
    const [folder, key, number] = [this.#folder, this.#key, this.#number]
    await folder.prepare()
    const { records } = await folder.list()
    const seen = this.#current?.revision
    if (seen !== undefined && !records.some((record) => record >= seen)) this.#hasVanished = true
    const isOutranked = (records[0] ?? 0) > number
    if (!isOutranked) await this.#publish(encodeRecord(key, content))
    const record = (await readHighest(folder, key)) ?? { ...content, revision: number }
    // The record is written. If a file cannot be removed now, the next holder removes it.
    const tidied =
      record.revision > number ? folder.remove(recordName(number)) : removeLower(folder, key, number)
    await tidied.catch(() => undefined)
    await this.release(false).catch(() => undefined)
    return { record, hasVanished: this.#hasVanished }
  }

  async release(abandoned: boolean): Promise<void> {
    const { id } = this.#owner
    // From now on this process counts the lock as released, even if the file system does not respond.
    giveUp(id, abandoned)
    const mark = async (): Promise<void> => {
      await this.#mark(abandoned)
      marked(id)
    }
    try {
      await mark()
    } catch (error) {
      tryLater(mark)
      throw error
    }
  }

  /** Publishes the record. If a file of that name exists, an earlier try published it, or another process published that try's draft. */
  async #publish(text: string): Promise<void> {
    const number = this.#number
    const publishing = { kind: 'record', number, count: ++this.#tries, isDurable: true } as const
    await this.#folder.publish(recordName(number), text, publishing)
    await this.#folder.sync()
  }

  async #mark(abandoned: boolean): Promise<void> {
    const [folder, number] = [this.#folder, this.#number]
    const name = releasedName(number)
    // If the folder was removed, so was the lock.
    if (!(await folder.check())) return
    if (abandoned) await present(folder.publish(name, ABANDONED, { kind: 'released', number }))
    else await present(folder.mark(number))
  }

  /** Acquires the lock again after the folder was emptied, removed or replaced by an older copy. No other process can have this number. */
  async #acquireAgain(listing: Listing | undefined): Promise<boolean> {
    const [folder, number] = [this.#folder, this.#number]
    const before = listing?.locks ?? []
    const holder = listing && (await readHolder(folder, listing, this.#machine))
    if (holder === 'changed') return this.renew()
    if (holder && holder.state !== 'released' && holder.state !== 'gone') return false
    await folder.prepare()
    const name = lockName(number)
    if (!(await folder.publish(name, writeOwner(this.#owner), { kind: 'lock', number }))) return this.renew()
    for (let looks = 0; looks < LOOKS; looks++) {
      const { locks } = await folder.list()
      if (locks.every((lock) => lock === number || before.includes(lock))) return true
      // A waiter that sees our lock withdraws its own. A lock that stays has a holder.
      await new Promise((resolve) => setTimeout(resolve, WITHDRAWING))
    }
    await folder.remove(name)
    return false
  }

  async #tidy(): Promise<void> {
    await this.#removeLower()
    if (this.#current) await removeLower(this.#folder, this.#key, this.#current.revision)
  }

  /** Removes the lock files below this one, the lowest first, so that a removal that stops halfway leaves no gap. */
  async #removeLower(): Promise<void> {
    const [folder, number] = [this.#folder, this.#number]
    const { locks, released, drafts } = await folder.list()
    for (const lower of locks.filter((other) => other < number).toReversed()) {
      const text = await folder.read(lockName(lower))
      const isOurs = text !== undefined && (text.trim() === '' || readOwner(text) !== undefined)
      if (isOurs) await folder.remove(lockName(lower))
    }
    for (const lower of released) if (lower < number) await folder.remove(releasedName(lower))
    for (const draft of drafts) if (draft.number < number) await folder.remove(draft.name)
  }
}
