import { decodeRecord } from '../../credential/record/record-format.ts'
import type { StoredRecord } from '../../credential/store.ts'
import { present } from './failure.ts'
import type { Folder } from './folder.ts'
import { type Draft, recordName } from './names.ts'

/**
 * The record with the highest number, which is the one in force.
 *
 * @throws RefreshError `store_invalid`
 */
export async function readHighest(folder: Folder, key: string): Promise<StoredRecord | undefined> {
  for (;;) {
    const [revision] = (await present(folder.list()))?.records ?? []
    if (revision === undefined) return undefined
    const record = await readRecord(folder, key, revision)
    // A record disappears only once there is a higher one.
    if (record !== undefined) return record
  }
}

/**
 * undefined: it is gone.
 *
 * @throws RefreshError `store_invalid`
 */
export async function readRecord(
  folder: Folder,
  key: string,
  revision: number,
): Promise<StoredRecord | undefined> {
  const text = await folder.read(recordName(revision))
  if (text === undefined) return undefined
  return { ...decodeRecord(text, key, `${folder.path}/${recordName(revision)}`), revision }
}

/** Removes our records below the one in force, and no other files. */
export async function removeLower(folder: Folder, key: string, revision: number): Promise<void> {
  const { records } = await folder.list()
  for (const lower of records.filter((number) => number < revision).toReversed()) {
    if (await isRecord(folder, key, recordName(lower))) await folder.remove(recordName(lower))
  }
}

/**
 * A holder that vanished may have left the only copy of a token that it received: a draft that is complete. It is published in that
 * holder's name.
 *
 * @param number of the lock, which is the highest, and was not released
 * @returns whether there was one
 */
export async function adoptDraft(
  folder: Folder,
  key: string,
  number: number,
  drafts: readonly Draft[],
): Promise<boolean> {
  const candidates = drafts
    .filter((draft) => draft.isRecord && draft.number === number)
    .toSorted((one, other) => other.count - one.count)
  for (const { name } of candidates) {
    if (!(await isRecord(folder, key, name))) continue
    await folder.adopt(name, recordName(number))
    return true
  }
  return false
}

async function isRecord(folder: Folder, key: string, name: string): Promise<boolean> {
  try {
    const text = await folder.read(name)
    if (text === undefined) return false
    decodeRecord(text, key, '')
    return true
  } catch {
    return false
  }
}
