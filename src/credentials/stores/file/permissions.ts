import { chmod, stat } from 'node:fs/promises'
import { RefreshError } from '../../../core/errors.ts'

/** Whose the files of a folder are. */
export interface Ownership {
  readonly uid: number
  readonly gid: number
}

/**
 * Closes a folder to others: 0700.
 *
 * @returns whose its new files must be, where that is not who makes them: root works for the folder's owner
 * @throws RefreshError `store_failed` where it is open, and cannot be closed
 */
export async function secure(path: string): Promise<Ownership | undefined> {
  const { uid, gid, mode } = await stat(path)
  const user = process.getuid?.()
  if (user === undefined) return undefined
  if ((mode & 0o077) !== 0) {
    await chmod(path, 0o700).catch((cause: unknown) => {
      const shown = (mode & 0o777).toString(8)
      const message = `The folder ${path} is open to others (mode ${shown}), and belongs to another user: chmod 700, or choose another folder.`
      throw new RefreshError('store_failed', message, { cause })
    })
  }
  return user === 0 && uid !== 0 ? { uid, gid } : undefined
}
