import { encodeRecord } from '../../credential/record/record-format.ts'
import type { RecordContent, StoredRecord } from '../../credential/store.ts'
import { KeyedMutex } from '../../lib/keyed-mutex.ts'
import type { Folder } from './folder.ts'
import { type Listing, recordName, assertInRange, top } from './names.ts'
import { readOrigin } from './origin.ts'
import { readRecord, removeLower } from './records.ts'

/** Within a process only one call replaces an account's record at a time: the others would have to repeat their changes. */
const mutex = new KeyedMutex()

/**
 * This many locks may be acquired between the last look and the publishing, and a replacement still outranks them all. If the process is
 * stopped for longer, the new holders remove its draft.
 */
const AHEAD = 16

type Replacement = (current: StoredRecord | undefined) => RecordContent

/**
 * Publishes a changed record under a number above all locks and records, without the lock. A later write of the lock's holder has a lower
 * number.
 *
 * If another write came between reading and publishing, the change is repeated on top of it. A published change is never repeated: by then
 * another process may have redeemed the refresh token that it holds.
 */
export function replaceRecord(folder: Folder, key: string, change: Replacement): Promise<StoredRecord> {
  return mutex.take(folder.path, () => replaceInTurn(folder, key, change))
}

async function replaceInTurn(folder: Folder, key: string, change: Replacement): Promise<StoredRecord> {
  for (;;) {
    await folder.prepare()
    const before = await folder.list()
    if (top(before) === 0) {
      await raise(folder, before)
      continue
    }
    const [seen] = before.records
    const current = seen === undefined ? undefined : await readRecord(folder, key, seen)
    if (seen !== undefined && current === undefined) continue
    const content = change(current)
    const number = numberAbove(top(before))
    assertInRange(number, `The next record of ${folder.path}`)
    const isTimely = async (): Promise<boolean> => {
      const now = await folder.list()
      return now.records[0] === seen && top(now) < number
    }
    const publishing = { kind: 'replace', number, isDurable: true, isTimely } as const
    if (!(await folder.publish(recordName(number), encodeRecord(key, content), publishing))) continue
    // The record is in force. If we reported a later failure, the caller would write it again, over other processes' changes.
    await folder.sync().catch(() => undefined)
    // The next holder removes files that cannot be removed now.
    await removeLower(folder, key, number).catch(() => undefined)
    return { ...content, revision: number }
  }
}

/** Two that replace at once, with a lock or two acquired between them, get the same number, so that only one of them publishes it. */
function numberAbove(highest: number): number {
  return (Math.floor(highest / AHEAD) + 2) * AHEAD
}

/**
 * In an empty folder numbers come from a clock. Two replacements at once must get the same number, so that only one of them publishes it.
 * So the clock's number is written down first, as that of a lock that is held by no process.
 */
async function raise(folder: Folder, listing: Listing): Promise<void> {
  await folder.mark(await readOrigin(folder, listing))
}
