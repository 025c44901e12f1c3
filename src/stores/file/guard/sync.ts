import { open } from 'node:fs/promises'
import { codeOf } from '../failure.ts'

/** File systems that cannot do this for a folder, and Windows, keep the order of names by themselves. */
const UNABLE = new Set<unknown>(['EINVAL', 'EPERM', 'EISDIR', 'ENOTSUP', 'EACCES'])

/** Makes sure that the names in a folder are on the disk. */
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
