import { readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { keyOf } from '../../credential/record/record-format.ts'
import type { RefreshError } from '../../errors.ts'
import { failure, present } from './failure.ts'
import { Folder } from './folder.ts'
import { Guard } from './guard/guard.ts'
import { readHolder } from './holder.ts'
import { thisMachine } from './machine.ts'
import { recordName } from './names.ts'
import { folderName } from './path.ts'
import { readHighest } from './records.ts'

/** How an account of a file store stands, without secrets. */
export interface FileStoreEntry {
  /** The account. undefined: nothing was ever written, or it cannot be read. */
  readonly key: string | undefined
  readonly folder: string
  readonly state: 'empty' | 'stored' | 'logged_out' | 'unreadable'
  /** 0: nothing was ever written. */
  readonly revision: number
  /** epoch ms; undefined where it is not known. */
  readonly expiresAt: number | undefined
  /** There is a refresh token. */
  readonly canRefresh: boolean
  /** epoch ms */
  readonly writtenAt: number | undefined
  /** Who refreshes at the moment. `isGone`: it vanished, and the next one to refresh takes over. */
  readonly holder: { readonly host: string; readonly pid: number; readonly isGone: boolean } | undefined
  /** Why it cannot be read. */
  readonly problem: RefreshError | undefined
}

/** @throws RefreshError `store_failed` */
export async function inspectFolder(path: string, trustParent: boolean): Promise<FileStoreEntry[]> {
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

async function inspect(path: string, guard: Guard): Promise<FileStoreEntry> {
  const folder = new Folder(path, guard, undefined)
  const nothing = { key: undefined, folder: path, revision: 0, expiresAt: undefined, writtenAt: undefined }
  const unknown = { ...nothing, canRefresh: false, holder: undefined, problem: undefined }
  try {
    await folder.check()
    const { records } = await folder.list()
    const holder = await holderOf(folder)
    if (records[0] === undefined) return { ...unknown, state: 'empty', holder }
    const name = recordName(records[0])
    const key = keyOf((await folder.read(name)) ?? '')
    const isHere = key !== undefined && folderName(key) === basename(path)
    const stored = await readHighest(folder, isHere ? key : '')
    const token = stored?.token
    return {
      ...unknown,
      key,
      holder,
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

async function holderOf(folder: Folder): Promise<FileStoreEntry['holder']> {
  for (;;) {
    const holder = await readHolder(folder, await folder.list(), await thisMachine())
    if (holder === 'changed') continue
    if (holder?.owner === undefined || holder.state === 'released') return undefined
    const { host, pid } = holder.owner
    return { host, pid, isGone: holder.state === 'gone' }
  }
}
