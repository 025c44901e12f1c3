import type { Stats } from 'node:fs'
import { lstat, mkdir, open, readdir, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { RefreshError } from '../../../errors.ts'
import { codeOf, present } from '../failure.ts'
import { isFolderName } from '../path.ts'
import { AS_FOLDER, exchanged, identityOf, makeMissing, tighten } from './making.ts'
import { assertLinks, flawOf, isTrusted, shown, type Trust, trustOf } from './trust.ts'
import { isPinning, walk, type Way } from './walk.ts'

/** The user and group that own a folder's files. */
export interface Ownership {
  readonly uid: number
  readonly gid: number
}

/** The folder of an account, which no other user can write to. */
export interface Checked {
  /** The path of the folder without links. */
  readonly real: string
  /** Distinguishes the folder from one that was made later or put in its place. */
  readonly identity: string
  /** The owner that new files must get, if root works in another user's folder; else undefined. */
  readonly own: Ownership | undefined
  readonly trust: Trust | undefined
}

/** Works in a folder. `base` is a path that leads to this folder and to no other. */
export type Inside<R> = (
  base: string,
  isOurs: (uid: number) => boolean,
  own: Ownership | undefined,
) => Promise<R>

const MOST_KNOWN = 1_000
/** Tries to make a folder: another user may remove it each time. */
const MOST_TRIES = 5
/** Windows has no owners and modes of this kind. Its home folders are closed to other users. */
const HAS_USERS = process.geteuid !== undefined

/** Ensures that no other user can plant, change or exchange files in a store's folders. */
export class Guard {
  readonly #root: string
  readonly #trustParent: boolean
  /** The folders that passed the check, with their attributes at that time. */
  readonly #known = new Map<string, { readonly looks: string; readonly checked: Checked }>()

  /** @param root the store's own folder */
  constructor(root: string, trustParent: boolean) {
    this.#root = root
    this.#trustParent = trustParent
  }

  /**
   * Makes a folder of the store if it is missing.
   *
   * @throws RefreshError `store_failed`
   */
  async make(path: string): Promise<Checked> {
    for (let tries = 0; ; tries++) {
      const checked = await this.check(path)
      if (checked) return checked
      if (tries === MOST_TRIES) throw exchanged(path)
      if (!HAS_USERS) {
        await mkdir(path, { recursive: true })
        continue
      }
      const way = await walk(path)
      // Check the folder above before making one in it: if the check failed later, nothing would remove the new folder.
      await this.#assertAbove(way, await trustOf(way))
      await makeMissing(way, path)
    }
  }

  /**
   * Checks a folder of the store.
   *
   * @returns undefined if there is no such folder
   * @throws RefreshError `store_failed`
   */
  async check(path: string): Promise<Checked | undefined> {
    if (!HAS_USERS) return (await present(stat(path))) && unguarded(path)
    const looks = await this.#look(path)
    const known = this.#known.get(path)
    if (looks !== undefined && known?.looks === looks) return known.checked
    let way = await walk(path)
    if (!isUsual(way, path)) {
      await this.checkRoot()
      way = await walk(path)
    }
    const folder = way.folders.at(-1)
    if (way.missing.length > 0 || folder === undefined) return undefined
    const trust = await trustOf(way)
    if (trust === undefined) return unguarded(path)
    const checked = await this.#assertOwn(way, folder.stats, trust)
    const now = await this.#look(path)
    if (this.#known.size >= MOST_KNOWN) this.#known.clear()
    if (now !== undefined) this.#known.set(path, { looks: now, checked })
    return checked
  }

  /**
   * Checks the store's own folder, which contains the folders of the accounts.
   *
   * @returns the path without links; undefined if there is no such folder
   * @throws RefreshError `store_failed`
   */
  async checkRoot(): Promise<string | undefined> {
    const way = await walk(this.#root)
    if (way.missing.length > 0) return undefined
    const trust = await trustOf(way)
    const isClosed = trust !== undefined && (await this.#close(way, trust))
    await this.#assertAbove(isClosed ? await walk(this.#root) : way, trust)
    return way.real
  }

  /**
   * Runs `use` in a folder that passed the check. If root works in another user's folder, that user may exchange any part of the path at any
   * moment, so `use` gets a path through the open folder.
   */
  async inside<R>({ real, identity, own, trust }: Checked, path: string, use: Inside<R>): Promise<R> {
    const isOurs = (uid: number): boolean => trust === undefined || isTrusted(uid, trust)
    if (trust?.served === undefined || !isPinning()) return use(path, isOurs, own)
    const handle = await open(real, AS_FOLDER).catch((error: unknown) => {
      throw codeOf(error) === 'ENOENT' ? error : exchanged(real, error)
    })
    try {
      if (identityOf(await handle.stat()) !== identity) throw exchanged(real)
      return await use(`/proc/self/fd/${handle.fd}`, isOurs, own)
    } finally {
      await handle.close()
    }
  }

  /**
   * Closes the store's own folder if it is open to other users. It leaves a folder that contains anything else, which may be a home folder or
   * `/tmp`.
   */
  async #close(way: Way, trust: Trust): Promise<boolean> {
    const { path, stats } = way.folders.at(-1) ?? {}
    if (this.#trustParent || path === undefined || stats === undefined) return false
    const isOurs = stats.uid === trust.uid || stats.uid === trust.served
    if (!isOurs || (stats.mode & 0o077) === 0 || (stats.mode & 0o1000) !== 0 || dirname(path) === path)
      return false
    await this.#assertAbove({ ...way, folders: way.folders.slice(0, -1) }, trust)
    const entries = await readdir(path, { withFileTypes: true }).catch(() => undefined)
    if (entries?.every((entry) => entry.isDirectory() && isFolderName(entry.name)) !== true) return false
    await tighten(path, identityOf(stats))
    return true
  }

  async #look(path: string): Promise<string | undefined> {
    const seen = await Promise.all([this.#root, path].map((one) => present(lstat(one))))
    return seen.includes(undefined)
      ? undefined
      : seen.map((one) => one && `${identityOf(one)} ${one.uid} ${one.gid} ${one.mode}`).join()
  }

  /** Checks all existing folders except those of accounts. */
  async #assertAbove(way: Way, trust: Trust | undefined): Promise<void> {
    if (trust === undefined) return
    assertLinks(way, trust)
    if (this.#trustParent) return
    for (const { path, stats } of way.folders) {
      const flaw = await flawOf(stats, trust)
      if (flaw === undefined) continue
      const mending =
        'choose another folder, change its owner or mode (chmod go-w), or, where only your own programs reach it, name the path and set trustParent: true.'
      throw new RefreshError('store_failed', `The folder ${path} ${flaw}, and a token with them: ${mending}`)
    }
  }

  /** Checks the folder of an account, and closes it to other users. */
  async #assertOwn(way: Way, found: Stats, trust: Trust): Promise<Checked> {
    assertLinks(way, trust)
    const { real } = way
    const { uid, gid } = found
    const above = way.folders.slice(0, -1)
    // If every user may make folders there (as in `/tmp`), another user may have planted this one.
    const isPlanted =
      (above.at(-1)?.stats.mode ?? 0) & 0o1000 && above.every(({ stats }) => stats.uid !== uid)
    if (uid !== trust.uid && (uid !== trust.served || isPlanted)) {
      const mending = 'move it away, or choose another folder.'
      throw new RefreshError(
        'store_failed',
        `The folder ${real} belongs to another user (uid ${uid}): ${mending}`,
      )
    }
    // The account's folder may be a link to a folder elsewhere, so check the folders above that one.
    await this.#assertAbove({ ...way, folders: above }, trust)
    const [now, cause] = await tighten(real, identityOf(found))
    if ((now.mode & 0o077) !== 0 && !this.#trustParent) {
      const message = `The folder ${real} is open to other users (mode ${shown(now)}), and cannot be closed: chmod 700, or choose another folder.`
      throw new RefreshError('store_failed', message, { cause })
    }
    const own = trust.uid === 0 && uid !== 0 ? { uid, gid } : undefined
    return { real, identity: identityOf(now), own, trust }
  }
}

/** True if the store's own folder needs no check of its own: it is closed, and contains the account's folder, which is no link. */
function isUsual({ folders, missing, links, real }: Way, path: string): boolean {
  const root = folders.at(-2)
  return (
    missing.length === 0 &&
    root !== undefined &&
    (root.stats.mode & 0o077) === 0 &&
    real === join(root.path, basename(path)) &&
    links.every((link) => basename(link.path) !== basename(path))
  )
}

function unguarded(path: string): Checked {
  return { real: path, identity: '', own: undefined, trust: undefined }
}
