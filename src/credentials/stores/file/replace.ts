import { encodeRecord } from '../../encoding.ts'
import type { RecordContent, StoredRecord } from '../../store.ts'
import { Turns } from '../../turns.ts'
import { type Folder, type Listing, recordName, releasedName } from './folder.ts'
import { assertInRange, readOrigin, top } from './numbers.ts'
import { readRecord, removeLower } from './records.ts'

const NOTHING = { locks: [], records: [], released: [] }

/** Of one process only one replaces an account's record at a time: the others would only have to make their changes again. */
const turns = new Turns()

type Replacement = (current: StoredRecord | undefined) => RecordContent

/**
 * Publishes a changed record under a number above all locks and records, without the lock. What the lock's holder writes afterwards has a
 * lower number.
 *
 * Where another write, or another lock, came between the reading and the publishing, the change is made again, on top of that.
 */
export function replaceRecord(folder: Folder, key: string, change: Replacement): Promise<StoredRecord> {
  return turns.take(folder.path, () => replaceInTurn(folder, key, change))
}

async function replaceInTurn(folder: Folder, key: string, change: Replacement): Promise<StoredRecord> {
  /** Ours that something came before: it stands until the next is there. */
  let outdated: number | undefined
  const changed = (current: StoredRecord | undefined): RecordContent => {
    try {
      return change(current)
    } catch (error) {
      if (outdated !== undefined) folder.remove(recordName(outdated)).catch(() => undefined)
      throw error
    }
  }
  for (;;) {
    await folder.prepare()
    const before = await folder.list()
    if (top(before) === 0) {
      await raise(folder, before)
      continue
    }
    const seen = before.records.find((record) => record !== outdated) ?? 0
    const current = seen === 0 ? undefined : await readRecord(folder, key, seen)
    if (seen !== 0 && current === undefined) continue
    const content = changed(current)
    const number = top(before) + 1
    assertInRange(number, `The next record of ${folder.path}`)
    const publishing = { kind: 'replace', number, isDurable: true } as const
    if (!(await folder.publish(recordName(number), encodeRecord(key, content), publishing))) continue
    // It is in force: to report a failure of what follows would have the caller write it again, over what others made of it.
    await folder.sync().catch(() => undefined)
    if (outdated !== undefined) await folder.remove(recordName(outdated)).catch(() => undefined)
    const { locks, records, released } = await folder.list().catch(() => NOTHING)
    const isOvertaken =
      records.some((record) => record > seen && record < number && record !== outdated) ||
      [...locks, ...released].some((lock) => lock >= number)
    if (!isOvertaken) {
      // What cannot be removed now is removed by the next holder.
      await removeLower(folder, key, number).catch(() => undefined)
      return { ...content, revision: number }
    }
    outdated = number
  }
}

/**
 * In an empty folder numbers come from a clock. Two that replace at once must get the same number, so that only one of them publishes
 * it: so the clock's number is put down first, as that of a lock that nobody has.
 */
async function raise(folder: Folder, listing: Listing): Promise<void> {
  await folder.mark(releasedName(await readOrigin(folder, listing)))
}
