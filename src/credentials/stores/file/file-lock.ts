import { utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { encodeRecord } from '../../encoding.ts'
import type { Lock } from '../../lock.ts'
import type { StoredToken } from '../../store.ts'
import type { AccessToken } from '../../token.ts'
import { present } from './failure.ts'
import { type Folder, lockName, recordName, releasedName } from './folder.ts'
import { readOwner } from './owner.ts'
import { readHighest, removeLower } from './records.ts'

/** The lock with the highest number. */
export class FileLock implements Lock {
  readonly abandoned: boolean
  readonly #folder: Folder
  readonly #key: string
  readonly #number: number
  #current: StoredToken | undefined
  #beats = 0

  /** @param abandoned an earlier holder vanished, and has not written */
  constructor(folder: Folder, key: string, number: number, abandoned: boolean) {
    this.#folder = folder
    this.#key = key
    this.#number = number
    this.abandoned = abandoned
  }

  get current(): StoredToken | undefined {
    return this.#current
  }

  /** Reads what is in force, and removes what it and this lock make superfluous. */
  async open(): Promise<this> {
    this.#current = await readHighest(this.#folder, this.#key)
    // What cannot be removed now, as where something else has it open on Windows, is removed by the next holder.
    await this.#tidy().catch(() => undefined)
    return this
  }

  async #tidy(): Promise<void> {
    await this.#removeLower()
    if (this.#current) await removeLower(this.#folder, this.#key, this.#current.revision)
  }

  async renew(): Promise<boolean> {
    const { locks } = await this.#folder.list()
    if (locks[0] !== this.#number) return false
    // Any other time will do: who watches it asks only whether it has changed.
    const time = new Date(Date.now() + ++this.#beats)
    const path = join(this.#folder.path, lockName(this.#number))
    return (await present(utimes(path, time, time).then(() => true))) ?? false
  }

  async write(token: AccessToken | undefined): Promise<StoredToken> {
    const [folder, key, number] = [this.#folder, this.#key, this.#number]
    await folder.publish(recordName(number), number, encodeRecord(key, token), true)
    const inForce = (await readHighest(folder, key)) ?? { token, revision: number }
    // It is written: what cannot be tidied up now is tidied up by the next.
    const tidied =
      inForce.revision > number ? folder.remove(recordName(number)) : removeLower(folder, key, number)
    await tidied.catch(() => undefined)
    await this.release().catch(() => undefined)
    return inForce
  }

  release(): Promise<void> {
    return this.#folder.mark(releasedName(this.#number))
  }

  /** The lowest first: where one is there, so are all above it. */
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
