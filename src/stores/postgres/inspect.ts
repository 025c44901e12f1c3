import { decodeRecord, readRevision } from '../../credential/record/record-format.ts'
import { RefreshError } from '../../errors.ts'
import { asking } from './client.ts'
import { failure } from './failure.ts'
import { decodeKey } from './key.ts'
import type { TableName } from './name.ts'
import { statementsOn } from './statements.ts'
import { poisoned } from './table.ts'
import type { Cells, PostgresClient } from './types.ts'

/** How an account of a PostgreSQL store stands, without secrets. */
export interface PostgresStoreEntry {
  /** The account. */
  readonly key: string
  readonly state: 'empty' | 'stored' | 'logged_out' | 'unreadable'
  /** 0: nothing was ever written. */
  readonly revision: number
  /** epoch ms; undefined where it is not known. */
  readonly expiresAt: number | undefined
  /** There is a refresh token. */
  readonly canRefresh: boolean
  /** epoch ms, by the server's clock */
  readonly writtenAt: number | undefined
  /** Who refreshes at the moment. `until`: epoch ms, by the server's clock; `isGone`: it vanished, and the next one to refresh takes over. */
  readonly holder: { readonly until: number; readonly isGone: boolean } | undefined
  /** Somebody vanished, perhaps after redeeming the refresh token, and nobody has written since: the next refresh may be refused. */
  readonly isAbandoned: boolean
  /** Why it cannot be read. */
  readonly problem: RefreshError | undefined
}

/** @throws RefreshError `store_failed` */
export async function inspectTable(client: PostgresClient, name: TableName): Promise<PostgresStoreEntry[]> {
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
): PostgresStoreEntry {
  const key = decodeKey(stored)
  const place = `The record of ${JSON.stringify(key)} in the table ${table}`
  const standing = {
    key,
    revision: readRevision(revision) ?? 0,
    expiresAt: undefined,
    canRefresh: false,
    writtenAt: written === undefined ? undefined : Number(written),
    holder: until === undefined ? undefined : { until: Number(until), isGone: isOver === 'true' },
    isAbandoned: abandoned === 'true',
    problem: undefined,
  }
  if (readRevision(revision) === undefined || readRevision(fence) === undefined) {
    return { ...standing, state: 'unreadable', problem: poisoned(place) }
  }
  if (isOdd === 'true') return { ...standing, state: 'unreadable', problem: timeless(place) }
  if (record === undefined) return { ...standing, state: 'empty' }
  try {
    const { token, failure: failed } = decodeRecord(record, key, place)
    if (token === undefined) return { ...standing, state: failed === undefined ? 'logged_out' : 'empty' }
    const { expiresAt, refreshToken } = token
    return { ...standing, state: 'stored', expiresAt, canRefresh: refreshToken !== undefined }
  } catch (error) {
    return { ...standing, state: 'unreadable', problem: failure(error, table) }
  }
}

function timeless(place: string): RefreshError {
  const what =
    'has a time (written, or until) that is infinite or before 1970, so another program has changed it'
  return new RefreshError('store_invalid', `${place} ${what}: set that column to NULL.`)
}
