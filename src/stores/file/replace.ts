import { encodeRecord } from '../../credential/record/record-format.ts'
import type { RecordContent, StoredRecord } from '../../credential/store.ts'
import { KeyedMutex } from '../../lib/keyed-mutex.ts'
import type { Folder } from './folder.ts'
import { type Listing, recordName, assertInRange, top } from './names.ts'
import { readOrigin } from './origin.ts'
import { readRecord, removeLower } from './records.ts'

/** Of one process only one replaces an account's record at a time: the others would only have to make their changes again. */
const mutex = new KeyedMutex()

/**
 * So many locks may be acquired between the last look and the publishing, and a replacement still outranks them all. Of a process that was
 * stopped for longer they remove the draft.
 */
const AHEAD = 16

type Replacement = (current: StoredRecord | undefined) => RecordContent

/**
 * Publishes a changed record under a number above all locks and records, without the lock. What the lock's holder writes afterwards has a
 * lower number.
 *
 * Where another write came between the reading and the publishing, the change is made again, on top of that. Once it is published it is
 * not made again: another process may have redeemed the refresh token that it holds by then.
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
    // It is in force: to report a failure of what follows would have the caller write it again, over what others made of it.
    await folder.sync().catch(() => undefined)
    // What cannot be removed now is removed by the next holder.
    await removeLower(folder, key, number).catch(() => undefined)
    return { ...content, revision: number }
  }
}

/** Two that replace at once, with a lock or two acquired between them, get the same number, so that only one of them publishes it. */
function numberAbove(highest: number): number {
  return (Math.floor(highest / AHEAD) + 2) * AHEAD
}

/**
 * In an empty folder numbers come from a clock. Two that replace at once must get the same number, so that only one of them publishes
 * it: so the clock's number is put down first, as that of a lock that nobody has.
 */
async function raise(folder: Folder, listing: Listing): Promise<void> {
  await folder.mark(await readOrigin(folder, listing))
}
