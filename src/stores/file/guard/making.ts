import { constants, type Stats } from 'node:fs'
import { type FileHandle, mkdir, open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { RefreshError } from '../../../errors.ts'
import { codeOf } from '../failure.ts'
import { syncFolder } from './sync.ts'
import { isPinning, type Way } from './walk.ts'

/** Flags that open a folder, but no link to a folder. */
export const AS_FOLDER: number =
  constants.O_RDONLY | (constants.O_DIRECTORY ?? 0) | (constants.O_NOFOLLOW ?? 0)

/** Closes a folder to other users (0700). Returns the folder's attributes afterwards, and the error if it could not be closed. */
export async function tighten(real: string, identity: string): Promise<[now: Stats, cause: unknown]> {
  const handle = await open(real, AS_FOLDER).catch((error: unknown) => {
    throw codeOf(error) === 'ELOOP' ? exchanged(real, error) : error
  })
  try {
    const before = await handle.stat()
    if (identityOf(before) !== identity) throw exchanged(real)
    let cause: unknown
    if ((before.mode & 0o077) !== 0) await handle.chmod(0o700).catch((error: unknown) => (cause = error))
    return [await handle.stat(), cause]
  } finally {
    await handle.close()
  }
}

/** Makes each missing folder within the open folder above it, so that an exchange of the path meanwhile changes nothing. */
export async function makeMissing({ folders, missing, links }: Way, path: string): Promise<void> {
  const above = folders.at(-1)
  if (above === undefined || links.some(({ targetUid }) => targetUid === undefined)) {
    // A link leads nowhere, so this fails with the system's error.
    await mkdir(path, { recursive: true, mode: 0o700 })
    return
  }
  if (!isPinning()) {
    await mkdir(join(above.path, ...missing), { recursive: true, mode: 0o700 })
    for (let n = 0; n < missing.length; n++) await syncFolder(join(above.path, ...missing.slice(0, n)))
    return
  }
  let handle = await open(above.path, AS_FOLDER)
  try {
    if (identityOf(await handle.stat()) !== identityOf(above.stats)) throw exchanged(above.path)
    for (const name of missing) handle = await step(handle, name)
  } finally {
    await handle.close()
  }
}

async function step(handle: FileHandle, name: string): Promise<FileHandle> {
  const inside = `/proc/self/fd/${handle.fd}/${name}`
  let isNew = true
  await mkdir(inside, { mode: 0o700 }).catch((error: unknown) => {
    if (codeOf(error) !== 'EEXIST') throw error
    isNew = false
  })
  const next = await open(inside, AS_FOLDER)
  if (isNew) await handOver(next, await handle.stat())
  await handle.sync().catch(() => undefined)
  await handle.close()
  return next
}

/**
 * Gives a folder that root made in another user's folder to that user, who could not use it otherwise. That user may have put another folder
 * of root's in its place, so root does not give away a folder that is mounted or is not empty.
 */
async function handOver(made: FileHandle, above: Stats): Promise<void> {
  if (above.uid === 0) return
  const { uid, dev } = await made.stat()
  const isOurs = uid === 0 && dev === above.dev
  if (isOurs && (await readdir(`/proc/self/fd/${made.fd}`)).length === 0)
    await made.chown(above.uid, above.gid)
}

/** Distinguishes a folder from one that was put in its place. */
export function identityOf({ dev, ino }: Stats): string {
  return `${dev} ${ino}`
}

export function exchanged(path: string, cause?: unknown): RefreshError {
  const message = `The folder ${path} was exchanged while it was in use: another user's program may be at work there. Look at it, or choose another folder.`
  return new RefreshError('store_failed', message, { cause })
}
