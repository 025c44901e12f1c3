import { readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { keyOf } from '../../credential/record/record-format.ts'
import type { StoreEntry } from '../shared/entry.ts'
import { failure, present } from './failure.ts'
import { Folder } from './folder.ts'
import { Guard } from './guard/guard.ts'
import { readHolder } from './holder.ts'
import { thisMachine } from './machine.ts'
import { recordName } from './names.ts'
import { folderName } from './path.ts'
import { readHighest } from './records.ts'

/** @throws RefreshError `store_failed` */
export async function inspectFolder(path: string, trustParent: boolean): Promise<StoreEntry[]> {
  try {
    const guard = new Guard(path, trustParent)
    await guard.checkRoot()
    const entries = (await present(readdir(path, { withFileTypes: true }))) ?? []
    const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)
    return await Promise.all(folders.toSorted().map((name) => inspect(join(path, name), guard)))
  } catch (error) {
    throw failure(error, path)
  }
}

async function inspect(path: string, guard: Guard): Promise<StoreEntry> {
  const folder = new Folder(path, guard, undefined)
  const nothing = { key: undefined, place: path, revision: 0, expiresAt: undefined, writtenAt: undefined }
  const unknown = { ...nothing, canRefresh: false, holder: undefined, isAbandoned: false, problem: undefined }
  try {
    await folder.check()
    const { records } = await folder.list()
    const lock = await lockOf(folder, records[0] ?? 0)
    if (records[0] === undefined) return { ...unknown, ...lock, state: 'empty' }
    const name = recordName(records[0])
    const key = keyOf((await folder.read(name)) ?? '')
    const isHere = key !== undefined && folderName(key) === basename(path)
    const stored = await readHighest(folder, isHere ? key : '')
    const token = stored?.token
    return {
      ...unknown,
      ...lock,
      key,
      state: token === undefined ? 'logged_out' : 'stored',
      revision: stored?.revision ?? 0,
      expiresAt: token?.expiresAt,
      canRefresh: token?.refreshToken !== undefined,
      writtenAt: await folder.writtenAt(name),
    }
  } catch (error) {
    return { ...unknown, state: 'unreadable', problem: failure(error, path) }
  }
}

/** @param written the number of the record in force */
async function lockOf(folder: Folder, written: number): Promise<Pick<StoreEntry, 'holder' | 'isAbandoned'>> {
  for (;;) {
    const lock = await readHolder(folder, await folder.list(), await thisMachine())
    if (lock === 'changed') continue
    if (lock === undefined) return { holder: undefined, isAbandoned: false }
    const { number, owner, state } = lock
    // A holder that still runs has not abandoned its lock, but a holder before it may have.
    const isOver = state === 'released' || state === 'gone'
    const isAbandoned = (isOver ? lock.isAbandoned : owner?.abandoned === true) && written < number
    if (owner === undefined || state === 'released') return { holder: undefined, isAbandoned }
    const { host, pid } = owner
    return { holder: { host, pid, until: undefined, isGone: state === 'gone' }, isAbandoned }
  }
}
