import type { Finding } from '../../core/events.ts'
import type { RefreshError } from '../../errors.ts'

/** A record as the server keeps it. */
export interface Row {
  readonly revision: number
  /** The text that `encodeRecord` made. */
  readonly text: string
}

/** The result of a write. */
export interface RowWritten {
  /** The record in force. */
  readonly row: Row
  /** The revision of the record before the write; 0 if there was none. */
  readonly before: number
}

/** The result of a try to acquire a lock. */
export type Taken =
  | {
      readonly type: 'lock'
      /** Higher than the numbers of all earlier locks and records. */
      readonly number: number
      /** True if an earlier holder vanished, and no process has written since. */
      readonly abandoned: boolean
      readonly row: Row | undefined
    }
  | { readonly type: 'newer' }
  /** Another owner holds the lock. `remaining`: the rest of its lease, in ms; 0 if the lease is over. */
  | { readonly type: 'held'; readonly remaining: number }

/**
 * The locks and records of a server. A lock is a lease that ends by the server's clock, so a holder that vanished does not keep it. Each
 * operation is one atomic step on the server. A caller may repeat an operation whose response was lost: that does no harm.
 *
 * An `owner` is the name of one acquisition of a lock. Each acquisition uses a new name.
 */
export interface LeaseTable {
  read(key: string): Promise<Row | undefined>
  /**
   * Acquires the lock if it is free, or if this owner holds it already.
   *
   * @param known the revision that the caller knows. If the record has a higher one, the result is `newer`. If there is no record although
   *   `known` is above 0, the result is `held` unless `mayTakeOver`, so that the holder of an unsaved token can write first
   * @param mayTakeOver true to acquire the lock also if another owner holds it and the lease is over
   */
  take(key: string, owner: string, known: number | undefined, mayTakeOver: boolean): Promise<Taken>
  /**
   * Extends the lease from now on, even if it was over. A server that has forgotten the lock (it has nothing under the key, or only lower
   * numbers) gives the lock again.
   *
   * @returns false if another owner has acquired the lock, or if the lock was released
   */
  extend(key: string, owner: string, number: number): Promise<boolean>
  /**
   * Writes a record whose revision is the lock's number, unless there is a record with that number or a higher one. Then it releases the
   * lock, if this owner still holds it.
   */
  write(key: string, owner: string, row: Row): Promise<RowWritten>
  /**
   * Writes a record under a number above all locks and records, if the record in force still has the revision `seen` (0: no record). The lock
   * stays with its holder, but the holder's own write then has a lower number. It notifies waiters.
   *
   * @returns undefined if the record in force has another revision by now
   */
  swap(key: string, seen: number, text: string): Promise<Row | undefined>
  /**
   * Releases the lock without a write, if this owner still holds it.
   *
   * @param abandoned true to tell the next holder that this one may have redeemed the refresh token
   * @param number the lock's number, if it is known. A server that has forgotten the lock notes it, so that a renewal still on its way does
   * not acquire the lock anew
   */
  free(key: string, owner: string, abandoned: boolean, number?: number): Promise<void>
  /** Reports locks that became free; undefined if the server can report none. */
  readonly subscribe: Subscribe | undefined
  /** The name of a key in notifications, which other users of the server may receive. Default: the key. */
  readonly topic?: ((key: string) => string) | undefined
  /** The location of a record, for errors. */
  place(key: string): string
  /** True if the failure may pass in a moment: a lost connection, a server that starts. */
  isPassing(error: unknown): boolean
  /** True if the server has refused, so that it has changed nothing. After any other error, the server may have carried the operation out. */
  isRefusal(error: unknown): boolean
  /** True if the client is unusable for good, as when its user has closed it. Default: never. */
  isEnded?(error: unknown): boolean
  /** The error for a failure, with its remedy. */
  explain(error: unknown): RefreshError
  /** The problems of the client's configuration that put a login at risk. Default: none. */
  findings?(): readonly Finding[]
  /** The server's name in an error if it does not respond: `Redis at redis.internal:6379`. */
  readonly where?: string | undefined
}

/**
 * Subscribes to notifications. The promise resolves when they begin to arrive.
 *
 * @param wake called with the topic of a key whose lock became free
 * @param lost called when no more notifications will arrive
 * @param over aborts when no caller waits any more, perhaps before the subscription is complete: then no connection may stay open
 */
export type Subscribe = (
  wake: (topic: string) => void,
  lost: () => void,
  over: AbortSignal,
) => Promise<unknown>
