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
  /** The requested scope, separated by spaces (RFC 6749 section 3.3). */
  readonly scope?: string | undefined
}

/** The last failure of an account, which every process that shares the store obeys. */
export interface StoredFailure {
  readonly code: RefreshErrorCode
  /** True if only a new login, or another configuration, mends it. */
  readonly terminal: boolean
  /** epoch ms: when the endpoint refused. */
  readonly at: number
  /** epoch ms: no process asks the endpoint before this time. A reader waits at most 60 s after it first saw the failure. */
  readonly notBefore?: number | undefined
  /** `salt:hash` in hex, over all secrets and settings that the refused request presented: if one of them changes, the refusal ends. */
  readonly refused?: string | undefined
  /** An earlier holder of the lock vanished after it may have redeemed the refresh token, and no process has received a token since. */
  readonly abandoned?: boolean | undefined
}

/** The content of a record: all but its revision. A store keeps members that it does not know. */
export interface RecordContent {
  /**
   * undefined without a `failure`: the account was logged out (a tombstone). undefined with a `failure`: no token was issued yet.
   */
  readonly token: AccessToken | undefined
  /** Counts logins and logouts. @default 0 */
  readonly session?: number | undefined
  readonly failure?: StoredFailure | undefined
  readonly madeFor?: MadeFor | undefined
  /** `salt:hash` of each configured refresh token that was tried: the last 8. */
  readonly triedSeeds?: readonly string[] | undefined
}

/** A record in a store. */
export interface StoredRecord extends RecordContent {
  /** The fencing token of the lock that the record was written under. Every write raises it; it never falls. */
  readonly revision: number
}

/** What a store gives to the function that changes a record. */
export interface StoreContext {
  /** Aborts when the lock is lost: then a newer record may outrank a later write. */
  readonly signal: AbortSignal
  /** True if an earlier holder vanished, perhaps after it redeemed the refresh token and before it could write. */
  readonly abandoned: boolean
  /**
   * Confirms that the lock is still held. The caller calls it just before an action that must not happen twice, because the process may have
   * been stopped for a while, or the machine may have slept. Default: the lock cannot be lost.
   *
   * @throws RefreshError `store_failed`
   */
  readonly confirm?: (() => Promise<void>) | undefined
  /**
   * Tells the store that the request that redeems is on its way. If the lock ends without a write after that, it stays abandoned, so that
   * the next holder knows that the refresh token may be spent.
   */
  readonly sent?: (() => void) | undefined
  /** @internal Tells the store that the change may be lost, because it only writes a failure. The store keeps no lock for it. */
  readonly mayBeLost?: (() => void) | undefined
}

/**
 * The state of an update. `queued`: it waits for one of the store's `maxLocks`. `admitted`: that wait is over. `held`: it waits for another
 * holder's lock. `unwritten`: a try to write the change failed, and another follows. `vanished`: the record was gone from the store when the
 * change was written.
 */
export type UpdateNews = 'queued' | 'admitted' | 'held' | 'unwritten' | 'vanished'

/** Options of the caller that changes a record. */
export interface UpdateOptions {
  /**
   * The revision that the caller knows. If the record gets a higher one before the caller has the lock, a store need not call `change`, and
   * returns that record. So callers that wait for one refresh need not lock one after another.
   */
  readonly known?: number | undefined
  /** Ends the wait for the lock, with the signal's reason. It has no effect once `change` was called. */
  readonly signal?: AbortSignal | undefined
  /**
   * @internal True if the caller has given the update up. It also works where the signal does not: on a platform where one request cannot
   * abort another's work, and where the work of an ended request never settles.
   */
  readonly isOver?: (() => boolean) | undefined
  /** ms: a lock that is held for longer no longer counts among the store's `maxLocks`. @default 30_000 */
  readonly deadline?: number | undefined
  /** Called with the state of the update. A store need not call it. */
  readonly onNews?: ((news: UpdateNews, error?: RefreshError) => void) | undefined
  /** True if the token may be lost, because nothing was spent for it: then the store rejects if it cannot write within a second. */
  readonly isBrief?: boolean | undefined
}

/** Changes a record under its lock: returns the new content, or undefined to leave the record as it is. */
export type StoreChange = (
  current: StoredRecord | undefined,
  context: StoreContext,
) => Promise<RecordContent | undefined>

/** Holds credentials, so that other processes and hosts share them. */
export interface Store {
  /** Reads the record in force, without waiting for a holder of its lock; undefined if there is none. */
  read(key: string): Promise<StoredRecord | undefined>
  /**
   * Changes a record exclusively among all processes and hosts that share the store: acquire the lock, read, change, write, release.
   *
   * If a store cannot write a record with a token, it does not give up: the promise stays pending, the store keeps the lock, and it tries to
   * write until it succeeds or a newer record outranks this one. If a store rejects instead, it has lost its lock: the credential keeps the
   * token and calls `update()` again. The credential also calls again if the promise is still pending after three deadlines, because a
   * platform may have ended its request. That second call waits for the lock as if it came from another process.
   *
   * @returns the record afterwards; revision 0 if there is none
   */
  update(key: string, change: StoreChange, options?: UpdateOptions): Promise<StoredRecord>
  /**
   * Changes a record in one atomic step (read, change, compare and set, repeated if another write came between), under a number above all
   * others. It acquires no lock and waits for none, because a login or a logout must not wait for a refresh. If the lock's holder writes
   * later, this record stays in force.
   *
   * @param change may be called more than once; an error that it throws ends the call
   */
  replace(key: string, change: (current: StoredRecord | undefined) => RecordContent): Promise<StoredRecord>
  /** Replaces the record by a tombstone, as `replace()` does: no token, no failure, the session one higher; the other members stay. */
  delete(key: string): Promise<void>
  /** @internal The problems of the store's configuration that put a login at risk. */
  readonly findings?: (() => readonly Finding[]) | undefined
}
