import { decodeRecord } from '../../credential/record/record-format.ts'
import type { RefreshError } from '../../errors.ts'

/** The state of an account in a store, without secrets. Every kind of store returns this form. */
export interface StoreEntry {
  /** The account. undefined: nothing was written yet, or the store cannot read it. */
  readonly key: string | undefined
  /** Where the store keeps the account: a folder, a table, or the name of a hash. */
  readonly place: string
  readonly state: 'empty' | 'stored' | 'logged_out' | 'unreadable'
  /** 0: nothing was ever written. */
  readonly revision: number
  /** epoch ms; undefined if it is not known. */
  readonly expiresAt: number | undefined
  /** There is a refresh token. */
  readonly canRefresh: boolean
  /** epoch ms, by the server's clock if there is one; undefined if the store does not record it (Redis). */
  readonly writtenAt: number | undefined
  /** The process that refreshes at the moment. */
  readonly holder: StoreEntryHolder | undefined
  /** A holder vanished, perhaps after it redeemed the refresh token, and no process has written since: the next refresh may be refused. */
  readonly isAbandoned: boolean
  /** Why the account cannot be read. */
  readonly problem: RefreshError | undefined
}

/** The process that holds the lock of an account. */
export interface StoreEntryHolder {
  /** The holder's host and pid. Files record them; servers do not. */
  readonly host: string | undefined
  readonly pid: number | undefined
  /** The end of its lease, epoch ms, by the server's clock; undefined in files. */
  readonly until: number | undefined
  /** It vanished: the next process that refreshes takes over. */
  readonly isGone: boolean
}

/** The content of a record in a server's row. */
export function contentOf(
  record: string,
  key: string,
  place: string,
): Pick<StoreEntry, 'state' | 'expiresAt' | 'canRefresh'> {
  const { token, failure } = decodeRecord(record, key, place)
  const { expiresAt, refreshToken } = token ?? {}
  const without = failure === undefined ? 'logged_out' : 'empty'
  return { state: token ? 'stored' : without, expiresAt, canRefresh: refreshToken !== undefined }
}

/** In the order of their keys, by code units. */
export function inOrder(entries: readonly StoreEntry[]): StoreEntry[] {
  return entries.toSorted(({ key: one = '' }, { key: other = '' }) =>
    one < other ? -1 : Number(one > other),
  )
}
