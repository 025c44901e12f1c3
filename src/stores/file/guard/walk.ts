import { constants, type Stats } from 'node:fs'
import { type FileHandle, lstat, open, readlink } from 'node:fs/promises'
import { dirname, isAbsolute, join, parse, sep } from 'node:path'
import { present } from '../failure.ts'

/** A folder on the way to a path. */
export interface Passed {
  readonly path: string
  readonly stats: Stats
}

/** A symbolic link on the way to a path. */
export interface Link {
  readonly path: string
  readonly uid: number
  /** The owner of the folder that the link leads to; undefined if it leads nowhere. */
  targetUid: number | undefined
}

/** The folders and links on the way to a path. Every link is followed. */
export interface Way {
  /** Real folders, from the root of the file system on. */
  readonly folders: readonly Passed[]
  readonly links: readonly Link[]
  /** The names that do not exist yet. */
  readonly missing: readonly string[]
  /** The path without links; it may end in missing names. */
  readonly real: string
}

const MOST_LINKS = 40
/** O_PATH of Linux, which needs no permission to read the folder. */
const O_PATH = 0o10_000_000
const AS_STEP = O_PATH | (constants.O_DIRECTORY ?? 0) | (constants.O_NOFOLLOW ?? 0)

/** True for root on Linux: another user may exchange parts of a path while root works there, so root works through open folders. */
export function isPinning(): boolean {
  return process.platform === 'linux' && process.geteuid?.() === 0
}

/**
 * Reads every folder and every link on the way to a path, because a user who can change one of them decides where the path leads.
 *
 * For root, each step begins at the open folder of the step before, even if the path leads elsewhere by then.
 *
 * @throws the file system's errors, including `ENOTDIR` and `ELOOP`
 */
export async function walk(path: string): Promise<Way> {
  const walker = new Walker()
  try {
    return await walker.walk(path)
  } finally {
    await walker.end()
  }
}

class Walker {
  readonly #folders: Passed[] = []
  readonly #links: { readonly link: Link; readonly left: number }[] = []
  #real = ''
  #handle: FileHandle | undefined

  async walk(path: string): Promise<Way> {
    const { root } = parse(path)
    await this.#enter(root, root)
    let rest = namesOf(path.slice(root.length))
    for (let name = rest[0]; name !== undefined; name = rest[0]) {
      const after = rest.slice(1)
      const next = name === '..' ? dirname(this.#real) : join(this.#real, name)
      const from = this.#base(name)
      const stats = await present(lstat(from))
      if (stats === undefined) return this.#way(rest)
      if (stats.isSymbolicLink()) {
        if (this.#links.length === MOST_LINKS) throw systemError('ELOOP', next)
        const link = { path: next, uid: stats.uid, targetUid: undefined }
        this.#links.push({ link, left: after.length })
        const target = await readlink(from)
        const start = isAbsolute(target) ? parse(target).root : undefined
        if (start !== undefined) await this.#enter(start, start)
        rest = [...namesOf(target.slice(start?.length ?? 0)), ...after]
        if (rest.length === after.length) this.#arrive(rest.length)
        continue
      }
      if (!stats.isDirectory()) throw systemError('ENOTDIR', next)
      await this.#enter(from, next, stats)
      rest = after
      this.#arrive(rest.length)
    }
    return this.#way([])
  }

  async end(): Promise<void> {
    await this.#handle?.close()
  }

  #way(missing: readonly string[]): Way {
    const links = this.#links.map(({ link }) => link)
    return { folders: this.#folders, links, missing, real: join(this.#real, ...missing) }
  }

  #base(name: string): string {
    return this.#handle ? `/proc/self/fd/${this.#handle.fd}/${name}` : join(this.#real, name)
  }

  async #enter(from: string, path: string, seen?: Stats): Promise<void> {
    let stats = seen
    if (isPinning()) {
      const next = await open(from, AS_STEP)
      await this.#handle?.close()
      this.#handle = next
      stats = await next.stat()
    }
    this.#folders.push({ path, stats: stats ?? (await lstat(from)) })
    this.#real = path
  }

  /** Notes the owner of the folder that the walk has reached, for all links whose target ends there. */
  #arrive(left: number): void {
    const uid = this.#folders.at(-1)?.stats.uid
    for (const one of this.#links) if (one.left === left) one.link.targetUid ??= uid
  }
}

function namesOf(path: string): string[] {
  return path.split(sep).filter((name) => name !== '' && name !== '.')
}

function systemError(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code })
}
