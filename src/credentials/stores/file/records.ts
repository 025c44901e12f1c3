import { decodeRecord } from '../../encoding.ts'
import type { StoredToken } from '../../store.ts'
import { present } from './failure.ts'
import { type Folder, recordName } from './folder.ts'

/**
 * The record with the highest number, which is the one in force.
 *
 * @throws RefreshError `store_invalid`
 */
export async function readHighest(folder: Folder, key: string): Promise<StoredToken | undefined> {
  for (;;) {
    const [revision] = (await present(folder.list()))?.records ?? []
    if (revision === undefined) return undefined
    const text = await folder.read(recordName(revision))
    // It is gone only where there is a higher one by now.
    if (text === undefined) continue
    const token = decodeRecord(text, key, `${folder.path}/${recordName(revision)}`)
    return { token, revision }
  }
}

/** Removes what is lower than the record in force, and nothing that is not ours. */
export async function removeLower(folder: Folder, key: string, revision: number): Promise<void> {
  const { records } = await folder.list()
  for (const lower of records.filter((number) => number < revision).toReversed()) {
    const text = await folder.read(recordName(lower))
    try {
      if (text !== undefined) decodeRecord(text, key, '')
    } catch {
      continue
    }
    await folder.remove(recordName(lower))
  }
}
