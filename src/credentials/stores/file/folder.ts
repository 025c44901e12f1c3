import { randomUUID } from 'node:crypto'
import { type FileHandle, link, lstat, mkdir, open, readdir, readFile, stat, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { RefreshError } from '../../../core/errors.ts'
import type { OnStep } from '../../lock.ts'
import { codeOf, present } from './failure.ts'
import { type Ownership, secure } from './permissions.ts'

/** The files of one account, by their numbers. */
export interface Listing {
  /** There is a file that tells the first number. */
  readonly hasOrigin: boolean
  /** The highest first, as in all of these. */
  readonly locks: readonly number[]
  readonly released: readonly number[]
  readonly records: readonly number[]
  /** Names of what is being written, or was left when its writer vanished. */
  readonly drafts: readonly { readonly name: string; readonly number: number }[]
}

const NAME =
  /^(?:(lock)-([1-9]\d{0,14})(\.released)?|(record)-([1-9]\d{0,14})\.json|draft-([1-9]\d{0,14})-[\da-f-]{36})$/u

/** Tells the number before the first. It stays for as long as the folder does. */
export const ORIGIN = 'origin'
export const lockName = (number: number): string => `lock-${number}`
export const releasedName = (number: number): string => `lock-${number}.released`
export const recordName = (number: number): string => `record-${number}.json`

/** The folder of one account. Nothing in it is ever replaced: what is new gets a new name. */
export class Folder {
  readonly path: string
  readonly #onStep: OnStep | undefined
  #ownership: Ownership | undefined

  constructor(path: string, onStep: OnStep | undefined) {
    this.path = path
    this.#onStep = onStep
  }

  /** Makes the folder where it is missing, and sees to it that it is closed to others. */
  async prepare(): Promise<void> {
    const first = await mkdir(this.path, { recursive: true, mode: 0o700 })
    this.#ownership = await secure(this.path)
    if (first === undefined) return
    for (let made = this.path; made.length >= first.length; made = dirname(made))
      await syncFolder(dirname(made))
  }

  /** @throws where there is no such folder */
  async list(): Promise<Listing> {
    const found = { locks: [] as number[], released: [] as number[], records: [] as number[] }
    const drafts: { name: string; number: number }[] = []
    const names = await readdir(this.path)
    for (const name of names) {
      const [, lock, ofLock, isReleased, record, ofRecord, ofDraft] = NAME.exec(name) ?? []
      if (lock !== undefined) (isReleased === undefined ? found.locks : found.released).push(Number(ofLock))
      else if (record !== undefined) found.records.push(Number(ofRecord))
      else if (ofDraft !== undefined) drafts.push({ name, number: Number(ofDraft) })
    }
    for (const numbers of Object.values(found)) numbers.sort((one, other) => other - one)
    return { ...found, drafts, hasOrigin: names.includes(ORIGIN) }
  }

  /**
   * undefined: there is no such file.
   *
   * @throws RefreshError `store_invalid`
   */
  async read(name: string): Promise<string | undefined> {
    const path = join(this.path, name)
    const text = await present(readFile(path, 'utf8'))
    // It would be listed, and be missing, for ever.
    if (text === undefined && (await present(lstat(path)))?.isSymbolicLink() === true)
      throw new RefreshError('store_invalid', `${path} is a link that leads nowhere: move it away.`)
    return text
  }

  /** Changes with every sign of life of a lock's holder, whatever the clocks say. undefined: there is no such file. */
  async pulse(name: string): Promise<string | undefined> {
    const seen = await present(stat(join(this.path, name), { bigint: true }))
    return seen && `${seen.ino} ${seen.mtimeNs}`
  }

  /**
   * Puts a file in its place, complete, if there is none of that name.
   *
   * @param isDurable it is on the disk before it can be seen, and so is its name when this is done
   * @returns false where there is one
   */
  async publish(name: string, number: number, text: string, isDurable: boolean): Promise<boolean> {
    const [kind] = name.split('-')
    for (;;) {
      const draft = `draft-${number}-${randomUUID()}`
      try {
        await this.#write(draft, text, isDurable)
        await this.#onStep?.(`${kind}_drafted`)
        await link(join(this.path, draft), join(this.path, name))
        await this.#onStep?.(`${kind}_linked`)
        if (isDurable) await syncFolder(this.path)
        return true
      } catch (error) {
        const code = codeOf(error)
        if (code === 'EEXIST') return false
        // Whoever holds the lock by now took the draft for one that was left behind.
        const isDraftGone = code === 'ENOENT' && (await present(stat(this.path))) !== undefined
        if (!isDraftGone) throw error
      } finally {
        // A draft that cannot be removed now, as where something else has it open on Windows, is removed by the next holder.
        await this.remove(draft).catch(() => undefined)
      }
    }
  }

  async mark(name: string): Promise<void> {
    const handle = await open(join(this.path, name), 'w', 0o600)
    await this.#finish(handle)
  }

  async remove(name: string): Promise<void> {
    await present(unlink(join(this.path, name)))
  }

  async #write(name: string, text: string, isDurable: boolean): Promise<void> {
    const handle = await open(join(this.path, name), 'wx', 0o600)
    try {
      await handle.writeFile(text)
      if (isDurable) await handle.sync()
    } finally {
      await this.#finish(handle)
    }
  }

  async #finish(handle: FileHandle): Promise<void> {
    try {
      if (this.#ownership) await handle.chown(this.#ownership.uid, this.#ownership.gid)
    } finally {
      await handle.close()
    }
  }
}

/** File systems that cannot do this for a folder, and Windows, keep the order of names by themselves. */
async function syncFolder(path: string): Promise<void> {
  const unable = new Set<unknown>(['EINVAL', 'EPERM', 'EISDIR', 'ENOTSUP', 'EACCES'])
  try {
    const handle = await open(path, 'r')
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (!unable.has(codeOf(error))) throw error
  }
}
