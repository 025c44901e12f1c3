import type { Finding } from '../../core/events.ts'
import type { RefreshError } from '../../errors.ts'

/** A record as its server keeps it. */
export interface Row {
  readonly revision: number
  /** The text that `encodeRecord` made. */
  readonly text: string
}

/** The result of a write. */
export interface RowWritten {
  /** The record in force. */
  readonly row: Row
  /** The revision of the record that was there before; 0: there was none. */
  readonly before: number
}

/** The result of a try to acquire a lock. */
export type Taken =
  | {
      readonly type: 'lock'
      /** Higher than the numbers of all earlier locks and records. */
      readonly number: number
      /** An earlier holder vanished, and no process has written since. */
      readonly abandoned: boolean
      readonly row: Row | undefined
    }
  | { readonly type: 'newer' }
  /** `remaining`: the rest of its lease, in ms; 0 if it is over. */
  | { readonly type: 'held'; readonly remaining: number }

/**
 * The locks and records of a server. A lock is a lease that the server's clock judges, so waiters wait no longer than that for a holder
 * that vanished. Each operation is one atomic step on the server. Repeating it does no harm: its first response may have been lost.
 *
 * An `owner` names one acquisition: each gets a new name that no other has.
 */
export interface LeaseTable {
  read(key: string): Promise<Row | undefined>
  /**
   * Acquires the lock if it is free, or if this owner has it already.
   *
   * @param known `newer`, if there is a record with a higher revision. If it is above 0 and there is no record, the lock is `held` for a
   *   lease, unless `mayTakeOver`: the holder of an unsaved token writes first
   * @param mayTakeOver the lock is also acquired if its lease is over
   */
  take(key: string, owner: string, known: number | undefined, mayTakeOver: boolean): Promise<Taken>
  /**
   * Extends the lease from now on, even if it was over, unless the lock is another's. A server that has forgotten the lock (there is
   * nothing under the key, or only lower numbers) gives it again.
   */
  extend(key: string, owner: string, number: number): Promise<boolean>
  /**
   * Writes a record whose revision is the lock's number, unless there is one with that number or a higher one; then releases the lock,
   * if it is still this owner's.
   */
  write(key: string, owner: string, row: Row): Promise<RowWritten>
  /**
   * Writes a record if the one in force still has the revision `seen` (0: there is none), under a number above all locks and records. The
   * lock stays with its holder, whose own write then comes too late. Waiters are notified.
   *
   * @returns undefined if the record's revision is another one by now
   */
  swap(key: string, seen: number, text: string): Promise<Row | undefined>
  /**
   * Releases the lock unused, if it is still this owner's.
   *
   * @param abandoned the next holder is told that this one vanished
   * @param number the lock's, if it is known: a server that has forgotten the lock records it, so that a renewal still on its way does not
   * acquire the lock anew
   */
  free(key: string, owner: string, abandoned: boolean, number?: number): Promise<void>
  /** Reports locks that became free; undefined if the server can report none. */
  readonly subscribe: Subscribe | undefined
  /** The name of a key in notifications, which others may receive. Default: the key. */
  readonly topic?: ((key: string) => string) | undefined
  /** The location of a record, for errors. */
  place(key: string): string
  /** True if the failure may pass in a moment: a lost connection, a server that starts. */
  isPassing(error: unknown): boolean
  /** True if the server has refused, so that it has changed nothing. Any other failed operation may have been done. */
  isRefusal(error: unknown): boolean
  /** True if the client is unusable for good, as when its user has closed it. Default: never. */
  isEnded?(error: unknown): boolean
  /** The error for a failure, with its remedy. */
  explain(error: unknown): RefreshError
  /** The visible lacks of the client's configuration. Default: none. */
  findings?(): readonly Finding[]
  /** The server's name in an error if it does not respond: `Redis at redis.internal:6379`. */
  readonly where?: string | undefined
}

/**
 * Resolves when notifications come.
 *
 * @param wake called with the topic of a key whose lock became free
 * @param lost called when no more notifications will come
 * @param over aborts when no caller waits any more, perhaps before any notification can come: no connection stays behind
 */
export type Subscribe = (
  wake: (topic: string) => void,
  lost: () => void,
  over: AbortSignal,
) => Promise<unknown>
