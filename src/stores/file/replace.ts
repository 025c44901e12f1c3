import { encodeRecord } from '../../credential/record/record-format.ts'
import type { RecordContent, StoredRecord } from '../../credential/store.ts'
import { KeyedMutex } from '../../lib/keyed-mutex.ts'
import type { Folder } from './folder.ts'
import { type Listing, recordName, assertInRange, top } from './names.ts'
import { readOrigin } from './origin.ts'
import { readRecord, removeLower } from './records.ts'

/** Within a process one call replaces an account's record at a time, because calls at once would have to repeat their changes. */
const mutex = new KeyedMutex()

/**
 * A replacement gets a number that leaves room for this many locks: even if they are acquired between the last look and the publishing, the
 * replacement outranks them. If the process is stopped for longer, the new holders remove its draft.
 */
const AHEAD = 16

type Replacement = (current: StoredRecord | undefined) => RecordContent

/**
 * Publishes a changed record under a number above all locks and records, without acquiring the lock. A later write of the lock's holder has a
 * lower number.
 *
 * If another write came between reading and publishing, the change runs again on that record. A published change never runs again, because
 * another process may have redeemed its refresh token by then.
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
    // The record is in force, so ignore a later failure. If we threw it, the caller would write again, over the changes of other processes.
    await folder.sync().catch(() => undefined)
    // If a file cannot be removed now, the next holder removes it.
    await removeLower(folder, key, number).catch(() => undefined)
    return { ...content, revision: number }
  }
}

/**
 * The number of a replacement. Two processes that replace at once get the same number, even if locks are acquired between them, so that only
 * one of them can publish.
 */
function numberAbove(highest: number): number {
  return (Math.floor(highest / AHEAD) + 2) * AHEAD
}

/**
 * In an empty folder numbers come from the clock, and two replacements at once must still get the same number. So the first one writes the
 * clock's number down, as the release mark of a lock that no process holds.
 */
async function raise(folder: Folder, listing: Listing): Promise<void> {
  await folder.mark(await readOrigin(folder, listing))
}
