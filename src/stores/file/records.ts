import { decodeRecord } from '../../credential/record/record-format.ts'
import type { StoredRecord } from '../../credential/store.ts'
import { present } from './failure.ts'
import type { Folder } from './folder.ts'
import { type Draft, recordName } from './names.ts'

/**
 * Reads the record with the highest number, which is the one in force.
 *
 * @throws RefreshError `store_invalid`
 */
export async function readHighest(folder: Folder, key: string): Promise<StoredRecord | undefined> {
  for (;;) {
    const [revision] = (await present(folder.list()))?.records ?? []
    if (revision === undefined) return undefined
    const record = await readRecord(folder, key, revision)
    // If the record is gone, a higher one exists by now, because only then a record is removed. Look again.
    if (record !== undefined) return record
  }
}

/**
 * Reads the record of one revision; undefined if it is gone.
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

/** Removes the records of this account below the one in force. It leaves files that another program wrote. */
export async function removeLower(folder: Folder, key: string, revision: number): Promise<void> {
  const { records } = await folder.list()
  for (const lower of records.filter((number) => number < revision).toReversed()) {
    if (await isRecord(folder, key, recordName(lower))) await folder.remove(recordName(lower))
  }
}

/**
 * Publishes the complete draft of a holder that vanished, under that holder's number. It may be the only copy of a token that the holder
 * received.
 *
 * @param number the number of the highest lock, which its holder did not release
 * @returns true if there was such a draft
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
