import { readRevision } from '../../credential/record/record-format.ts'
import { RefreshError } from '../../errors.ts'
import { contentOf, type StoreEntry } from '../shared/entry.ts'
import { asking } from './client.ts'
import { failure } from './failure.ts'
import { decodeKey } from './key.ts'
import type { TableName } from './name.ts'
import { statementsOn } from './statements.ts'
import { poisoned } from './table.ts'
import type { Cells, PostgresClient } from './types.ts'

/** @throws RefreshError `store_failed` */
export async function inspectTable(client: PostgresClient, name: TableName): Promise<StoreEntry[]> {
  try {
    const rows = await asking(client)(statementsOn(name.quoted).list)
    return rows.map((cells) => inspect(cells, name.shown))
  } catch (error) {
    throw failure(error, name.shown)
  }
}

function inspect(
  [stored = '', revision, record, written, until, isOver, abandoned, isOdd, fence]: Cells,
  table: string,
): StoreEntry {
  const key = decodeKey(stored)
  const place = `The record of ${JSON.stringify(key)} in the table ${table}`
  const standing = {
    key,
    place: table,
    revision: readRevision(revision) ?? 0,
    expiresAt: undefined,
    canRefresh: false,
    writtenAt: written === undefined ? undefined : Number(written),
    holder:
      until === undefined
        ? undefined
        : { host: undefined, pid: undefined, until: Number(until), isGone: isOver === 'true' },
    isAbandoned: abandoned === 'true',
    problem: undefined,
  }
  if (readRevision(revision) === undefined || readRevision(fence) === undefined) {
    return { ...standing, state: 'unreadable', problem: poisoned(place) }
  }
  if (isOdd === 'true') return { ...standing, state: 'unreadable', problem: timeless(place) }
  if (record === undefined) return { ...standing, state: 'empty' }
  try {
    return { ...standing, ...contentOf(record, key, place) }
  } catch (error) {
    return { ...standing, state: 'unreadable', problem: failure(error, table) }
  }
}

function timeless(place: string): RefreshError {
  const what =
    'has a time (written, or until) that is infinite or before 1970, so another program has changed it'
  return new RefreshError('store_invalid', `${place} ${what}: set that column to NULL.`)
}
