import { open } from 'node:fs/promises'
import { codeOf } from '../failure.ts'

/** Errors of Windows, and of file systems that cannot sync a folder. They keep the order of names by themselves. */
const UNABLE = new Set<unknown>(['EINVAL', 'EPERM', 'EISDIR', 'ENOTSUP', 'EACCES'])

/** Writes the names in a folder to the disk. */
export async function syncFolder(path: string): Promise<void> {
  try {
    const handle = await open(path, 'r')
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (!UNABLE.has(codeOf(error))) throw error
  }
}
