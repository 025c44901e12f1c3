import type { Finding } from '../core/events.ts'
import type { RefreshError, RefreshErrorCode } from '../errors.ts'
import type { AccessToken } from './token.ts'

/** The issuer and client of a token: a fingerprint of the configuration. It never holds a secret or a key. */
export interface MadeFor {
  /** The issuer, or the token endpoint if no issuer is configured. Of a source of this machine, what kind it is, such as `command:az`. */
  readonly issuer?: string | undefined
  /** The client's id. */
  readonly client?: string | undefined
  /** Whose tokens they are, if neither the issuer nor the client tells it: an account, or a salted hash of what may hold a secret. */
  readonly identity?: string | undefined
  readonly audience?: string | undefined
  readonly resource?: string | undefined
  /** The scope that was asked for, separated by spaces. */
  readonly scope?: string | undefined
}

/** The last failure of an account, which every process that shares the store obeys. */
export interface StoredFailure {
  readonly code: RefreshErrorCode
  /** Only a new login, or another configuration, mends it. */
  readonly terminal: boolean
  /** epoch ms: when the endpoint refused. */
  readonly at: number
  /** epoch ms: no process asks the endpoint before. A reader waits at most 60 s after it first saw the failure. */
  readonly notBefore?: number | undefined
  /** `salt:hash` in hex, over all that was presented: any change of it ends the refusal. */
  readonly refused?: string | undefined
  /** An earlier holder vanished after it may have redeemed the refresh token, and nothing was received since. */
  readonly abandoned?: boolean | undefined
}

/** The content that is written into a store: a record without its number. Unknown members are kept. */
export interface RecordContent {
  /**
   * undefined without a `failure`: the account was logged out (a tombstone). undefined with one: nothing was issued yet, and
   * that is no logout.
   */
  readonly token: AccessToken | undefined
  /** Counts logins and logouts. Absent: 0. */
  readonly session?: number | undefined
  readonly failure?: StoredFailure | undefined
  readonly madeFor?: MadeFor | undefined
  /** `salt:hash` of each configured refresh token that was tried, the last 8. */
  readonly triedSeeds?: readonly string[] | undefined
}

/** A record in a store. */
export interface StoredRecord extends RecordContent {
  /** The fencing token that the record was written under. Every write raises it; it never falls. */
  readonly revision: number
}

/** The store's side of a change: what it tells the caller that changes a record. */
export interface StoreContext {
  /** Aborts when the lock is lost: a newer record may cover a later write. */
  readonly signal: AbortSignal
  /** An earlier holder vanished, perhaps after it redeemed the refresh token but before it could write. */
  readonly abandoned: boolean
  /**
   * Confirms that the lock is still held, just before an action that must not happen twice: the process may have been stopped for a while,
   * or have slept. Default: the lock cannot be lost.
   *
   * @throws RefreshError `store_failed`
   */
  readonly confirm?: (() => Promise<void>) | undefined
  /**
   * Tells the store that a redemption is on its way. From here a lock that ends without a write stays abandoned, so that the
   * next holder knows that the refresh token may be spent.
   */
  readonly sent?: (() => void) | undefined
  /** @internal Tells the store that the change to be written may be lost: a failure alone. No lock is kept for it. */
  readonly mayBeLost?: (() => void) | undefined
}

/**
 * The state of an update before and after its change. `queued`: it waits for one of the store's `maxLocks`. `admitted`: that wait is over.
 * `held`: it waits for another holder's lock. `unwritten`: a try to write the change failed, and another follows. `vanished`: the record
 * was gone from the store when the change was written.
 */
export type UpdateNews = 'queued' | 'admitted' | 'held' | 'unwritten' | 'vanished'

/** Options of the caller that changes a record. */
export interface UpdateOptions {
  /**
   * The revision that the caller knows. If the record has a higher one before the lock is acquired, a store need not call `change`. So
   * callers that wait for one refresh need not lock one after another.
   */
  readonly known?: number | undefined
  /** Ends the wait for the lock, with the signal's reason. It ends nothing once `change` was called. */
  readonly signal?: AbortSignal | undefined
  /**
   * @internal The caller has given the update up. Unlike the signal it also tells on a platform where one request cannot abort what another
   * began, and where what that other one left behind never goes on.
   */
  readonly isOver?: (() => boolean) | undefined
  /** ms: a lock that is held for longer no longer counts among the store's `maxLocks`. @default 30_000 */
  readonly deadline?: number | undefined
  /** Called with the state of the update. A store need not call it. */
  readonly onNews?: ((news: UpdateNews, error?: RefreshError) => void) | undefined
  /** The token may be lost, because nothing was spent for it: the store rejects if it cannot write it within a second. */
  readonly isBrief?: boolean | undefined
}

/** Changes a record under its lock: returns the new content, or undefined to leave the record as it is. */
export type StoreChange = (
  current: StoredRecord | undefined,
  context: StoreContext,
) => Promise<RecordContent | undefined>

/** Holds credentials, so that other processes and hosts share them. */
export interface Store {
  /** The record as it is, without waiting for a holder of its lock. */
  read(key: string): Promise<StoredRecord | undefined>
  /**
   * Exclusive among all processes and hosts that share the store: lock, re-read, change, persist, unlock.
   *
   * A store does not give up a record with a token that it cannot write: the promise stays pending, the store keeps the lock, and tries to
   * write again until it succeeds or a newer record covers it. A store that rejects instead has lost its lock: the credential keeps the
   * token and calls `update()` again. It also calls again if the promise is still pending after three deadlines, because a platform may
   * have ended its request: that call waits for the lock like one in another process.
   *
   * @returns the record afterwards; revision 0 if there is none
   */
  update(key: string, change: StoreChange, options?: UpdateOptions): Promise<StoredRecord>
  /**
   * Changes a record in one atomic step (read, change, compare and set, repeated if another write came between), under a number above all
   * others. It takes no lock and waits for none: a login or a logout must not wait for a refresh. A later write of the lock's holder does
   * not cover it.
   *
   * @param change may be called more than once; an error that it throws ends the call
   */
  replace(key: string, change: (current: StoredRecord | undefined) => RecordContent): Promise<StoredRecord>
  /** `replace()` by a tombstone: no token, no failure, the session one higher; everything else stays. */
  delete(key: string): Promise<void>
  /** @internal The flaws of the store's configuration that put a login at risk. */
  readonly findings?: (() => readonly Finding[]) | undefined
}
