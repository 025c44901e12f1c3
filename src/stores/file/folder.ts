import { randomUUID } from 'node:crypto'
import { constants, type Stats } from 'node:fs'
import { type FileHandle, link, lutimes, lstat, open, readdir, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { RefreshError } from '../../errors.ts'
import type { OnStep } from '../shared/lock.ts'
import { codeOf, present } from './failure.ts'
import type { Checked, Guard, Inside, Ownership } from './guard/guard.ts'
import { inTurn } from './guard/step-turn.ts'
import { syncFolder } from './guard/sync.ts'
import { isName, type Listing, listingOf, releasedName } from './names.ts'

/** Options of publishing a file. */
export interface Publishing {
  /** Part of the draft's name, and of the steps that tests stop at. Another process may publish only the draft of a `record`. */
  readonly kind: 'lock' | 'origin' | 'record' | 'replace' | 'released'
  readonly number: number
  readonly count?: number
  /** True to write the content to the disk before the file gets its name. `sync()` then writes the name to the disk. */
  readonly isDurable?: boolean
  /** Called just before the file gets its name. If it returns false, nothing is published. */
  readonly isTimely?: () => Promise<boolean>
}

/** Bytes: a larger file is no file of this store. */
const LONGEST = 16 * 1024 * 1024

/** The folder of one account. No file in it is ever replaced: new content gets a new name. */
export class Folder {
  readonly path: string
  readonly #guard: Guard
  readonly #onStep: OnStep | undefined
  #checked: Checked | undefined

  constructor(path: string, guard: Guard, onStep: OnStep | undefined) {
    this.path = path
    this.#guard = guard
    this.#onStep = onStep
  }

  /**
   * Makes the folder if it is missing, and checks that only this user can write to it.
   *
   * @throws RefreshError `store_failed`
   */
  async prepare(): Promise<void> {
    this.#checked = await inTurn(() => this.#guard.make(this.path))
  }

  /**
   * Checks, before a file is read, that only this user could have written it.
   *
   * @returns false if there is no such folder
   * @throws RefreshError `store_failed`
   */
  async check(): Promise<boolean> {
    this.#checked = await inTurn(() => this.#guard.check(this.path))
    return this.#checked !== undefined
  }

  /**
   * Lists the store's files.
   *
   * @throws the system error if there is no such folder
   * @throws RefreshError `store_invalid` for an entry that has the name of this store's files but cannot be one
   */
  async list(): Promise<Listing> {
    const entries = await this.#inside((base) => readdir(base, { withFileTypes: true }))
    const links = entries.filter((entry) => entry.isSymbolicLink() && isName(entry.name))
    for (const { name } of links) await this.#refuseLink(name)
    return listingOf(
      entries.map(({ name }) => name),
      this.path,
    )
  }

  /**
   * Reads a file; undefined if there is no such file.
   *
   * @throws RefreshError `store_invalid` for a link, for an entry that is no file, and for another user's file
   */
  async read(name: string): Promise<string | undefined> {
    return this.#inside(async (base, isOurs) => {
      const handle = await present(this.#openToRead(base, name))
      if (handle === undefined) return undefined
      try {
        this.#assertFile(await handle.stat(), name, isOurs)
        return await handle.readFile('utf8')
      } finally {
        await handle.close()
      }
    })
  }

  /** A text that changes with every sign of life of a lock's holder, even if clocks differ. undefined if there is no such file. */
  async pulse(name: string): Promise<string | undefined> {
    const seen = await this.#inside((base) => present(lstat(join(base, name), { bigint: true })))
    return seen && `${seen.ino} ${seen.mtimeNs}`
  }

  /** Sets the time of a file, but not of a link's target. Returns false if there is no such file. */
  async touch(name: string, time: Date): Promise<boolean> {
    const touched = await this.#inside((base) =>
      present(lutimes(join(base, name), time, time).then(() => true)),
    )
    return touched ?? false
  }

  /** epoch ms; undefined if there is no such file. */
  async writtenAt(name: string): Promise<number | undefined> {
    return (await this.#inside((base) => present(lstat(join(base, name)))))?.mtimeMs
  }

  /**
   * Writes a draft, and gives the complete file its name, unless that name exists.
   *
   * @returns false if the name exists, or if `isTimely` returns false
   */
  async publish(name: string, text: string, publishing: Publishing): Promise<boolean> {
    const { kind, number, count = 1, isDurable = false, isTimely } = publishing
    for (;;) {
      const draft = `draft-${kind}-${number}-${count}-${randomUUID()}`
      try {
        await this.#write(draft, text, kind, isDurable)
        await this.#onStep?.(`${kind}_drafted`)
        if (isTimely !== undefined && !(await isTimely())) return false
        await this.#onStep?.(`${kind}_looked`)
        await this.#inside((base) => link(join(base, draft), join(base, name)))
        await this.#onStep?.(`${kind}_linked`)
        return true
      } catch (error) {
        const code = codeOf(error)
        if (code === 'EEXIST') return false
        // The next holder of the lock has removed the draft, because it looked like one of a vanished writer. Write it again.
        const isDraftGone = code === 'ENOENT' && (await present(stat(this.path))) !== undefined
        if (!isDraftGone) throw error
      } finally {
        // If the draft cannot be removed now, as when another program has it open on Windows, the next holder removes it.
        await this.remove(draft).catch(() => undefined)
      }
    }
  }

  /** Publishes the draft of a writer that vanished, unless the file with that name exists already. */
  async adopt(draft: string, name: string): Promise<void> {
    await this.#inside(async (base) => {
      const handle = await present(this.#openToRead(base, draft))
      try {
        // The writer may have vanished before it wrote the content to the disk.
        await handle?.sync()
      } finally {
        await handle?.close()
      }
      await present(link(join(base, draft), join(base, name))).catch((error: unknown) => {
        if (codeOf(error) !== 'EEXIST') throw error
      })
    })
    await this.#onStep?.('record_adopted')
    await this.sync()
    await this.remove(draft).catch(() => undefined)
  }

  /**
   * Marks a lock as released by an empty file, unless that name exists. It never opens an existing file, which may be a link.
   *
   * If root works in another user's folder, it gives the mark to that user before the mark gets its name. Otherwise that user could not read
   * the mark for a moment.
   */
  async mark(number: number): Promise<void> {
    const name = releasedName(number)
    try {
      const isMade = await this.#inside(async (base, _isOurs, own) => {
        if (own) return false
        await (await open(join(base, name), 'wx', 0o600)).close()
        return true
      })
      if (!isMade) await this.publish(name, '', { kind: 'released', number })
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error
    }
  }

  async remove(name: string): Promise<void> {
    await this.#inside((base) => present(unlink(join(base, name))))
  }

  /** Writes the names of the folder's files to the disk. */
  async sync(): Promise<void> {
    await this.#inside((base) => syncFolder(base))
  }

  #inside<R>(use: Inside<R>): Promise<R> {
    return inTurn(async () => {
      this.#checked ??= await this.#guard.check(this.path)
      if (this.#checked === undefined)
        throw Object.assign(new Error(`ENOENT: ${this.path}`), { code: 'ENOENT' })
      return this.#guard.inside(this.#checked, this.path, use)
    })
  }

  async #write(name: string, text: string, kind: string, isDurable: boolean): Promise<void> {
    await this.#inside(async (base, _isOurs, own) => {
      // `wx` creates a new file, so it never opens a file or link that another program has put there.
      const handle = await open(join(base, name), 'wx', 0o600)
      try {
        await this.#onStep?.(`${kind}_opened`)
        await handle.writeFile(text)
        await this.#onStep?.(`${kind}_written`)
        if (isDurable) await handle.sync()
      } finally {
        await finish(handle, own)
      }
    })
  }

  async #openToRead(base: string, name: string): Promise<FileHandle> {
    // O_NONBLOCK, because opening a pipe without a writer would block.
    const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)
    try {
      return await open(join(base, name), flags)
    } catch (error) {
      if (codeOf(error) === 'ELOOP') await this.#refuseLink(name)
      throw error
    }
  }

  #assertFile(seen: Stats, name: string, isOurs: (uid: number) => boolean): void {
    const path = join(this.path, name)
    const refuse = (what: string): RefreshError =>
      new RefreshError('store_invalid', `${path} ${what} It is left as it is: move it away.`)
    if (!seen.isFile()) throw refuse('is no file.')
    if (!isOurs(seen.uid)) throw refuse(`belongs to another user (uid ${seen.uid}), who may have planted it.`)
    if (seen.size > LONGEST) throw refuse('is too large for a file of this store.')
  }

  /** @throws RefreshError `store_invalid` */
  async #refuseLink(name: string): Promise<never> {
    const path = join(this.path, name)
    const isDangling = (await stat(path).catch(() => undefined)) === undefined
    const what = isDangling
      ? 'is a link that leads nowhere'
      : 'is a symbolic link, which this store never makes: somebody may have planted it'
    throw new RefreshError('store_invalid', `${path} ${what}: move it away.`)
  }
}

/** Closes a new file. If root made it in another user's folder, it gives the file to that user. Root gives no older file away. */
async function finish(handle: FileHandle, own: Ownership | undefined): Promise<void> {
  try {
    if (own) await handle.chown(own.uid, own.gid)
  } finally {
    await handle.close()
  }
}
