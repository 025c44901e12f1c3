import type { AccessToken } from './token.ts'

/** A record in a store. */
export interface StoredToken {
  /** undefined: logged out. */
  readonly token: AccessToken | undefined
  /** Raised by every write, under the lock; it never falls, not even when the token is deleted. */
  readonly revision: number
}

/** What a store tells whoever changes a record. */
export interface StoreContext {
  /** Aborts when the lock is lost: what is written then may be covered by what is newer. */
  readonly signal: AbortSignal
  /** An earlier holder vanished, perhaps after it redeemed the refresh token and before it could write. */
  readonly abandoned: boolean
  /**
   * Makes sure that the lock is still held, just before something is done that must not be done twice: the process may have been
   * stopped for a while, or have slept. Default: the lock cannot be lost.
   *
   * @throws RefreshError `store_failed`
   */
  readonly confirm?: (() => Promise<void>) | undefined
}

/** What whoever changes a record has to say. */
export interface UpdateOptions {
  /**
   * The revision that is known. Where the record's is higher before the lock is there, a store may leave it at that: `change`
   * is not called. So those who wait for somebody's refresh need not lock one after another.
   */
  readonly known?: number | undefined
}

/** Changes a record: gives the token to write, or undefined to leave things as they are. */
export type Change = (
  current: StoredToken | undefined,
  context: StoreContext,
) => Promise<AccessToken | undefined>

/** Where credentials live, so that other processes and hosts share them. */
export interface Store {
  /** The record as it is, without waiting for whoever changes it. */
  read(key: string): Promise<StoredToken | undefined>
  /**
   * Exclusive among all that share the store: lock, re-read, change, persist, unlock.
   *
   * @returns the record as it is afterwards; revision 0 where there is none
   */
  update(key: string, change: Change, options?: UpdateOptions): Promise<StoredToken>
  /** Leaves a record without a token, whose revision is higher. */
  delete(key: string): Promise<void>
}
