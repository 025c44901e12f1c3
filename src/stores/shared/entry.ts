import { decodeRecord } from '../../credential/record/record-format.ts'
import type { RefreshError } from '../../errors.ts'

/** The state of an account in a store, without secrets. Every kind of store returns this form. */
export interface StoreEntry {
  /** The account. undefined if no record was written yet, or if the store cannot read it. */
  readonly key: string | undefined
  /** Where the store keeps the account: a folder, a table, or the name of a hash. */
  readonly place: string
  readonly state: 'empty' | 'stored' | 'logged_out' | 'unreadable'
  /** 0 if no record was ever written. */
  readonly revision: number
  /** epoch ms; undefined if it is not known. */
  readonly expiresAt: number | undefined
  /** True if there is a refresh token. */
  readonly canRefresh: boolean
  /** epoch ms, by the server's clock if there is one; undefined if the store does not record it (Redis). */
  readonly writtenAt: number | undefined
  /** The process that holds the account's lock now, for a refresh. */
  readonly holder: StoreEntryHolder | undefined
  /** True if a holder vanished, perhaps after it redeemed the refresh token, and no process has written since: the next refresh may fail. */
  readonly isAbandoned: boolean
  /** Why the account cannot be read; undefined if it can. */
  readonly problem: RefreshError | undefined
}

/** The process that holds the lock of an account. */
export interface StoreEntryHolder {
  /** The holder's host and pid. Files record them; servers do not. */
  readonly host: string | undefined
  readonly pid: number | undefined
  /** epoch ms, by the server's clock: the end of the holder's lease; undefined in files. */
  readonly until: number | undefined
  /** True if the holder vanished: the next process that refreshes takes the lock over. */
  readonly isGone: boolean
}

/** The state of the record in a server's row. */
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

/** Sorts entries by their keys, by code units. */
export function inOrder(entries: readonly StoreEntry[]): StoreEntry[] {
  return entries.toSorted(({ key: one = '' }, { key: other = '' }) =>
    one < other ? -1 : Number(one > other),
  )
}
