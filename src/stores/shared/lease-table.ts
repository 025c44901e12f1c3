import type { Finding } from '../../core/events.ts'
import type { RefreshError } from '../../errors.ts'

/** A record as its server keeps it. */
export interface Row {
  readonly revision: number
  /** What `encodeRecord` made. */
  readonly text: string
}

/** What came of a write. */
export interface RowWritten {
  /** The record in force. */
  readonly row: Row
  /** The revision of the record that was there before; 0: there was none. */
  readonly before: number
}

/** What came of a try to take a lock. */
export type Taken =
  | {
      readonly type: 'lock'
      /** Higher than all before, and than all records. */
      readonly number: number
      /** An earlier holder vanished, and nobody has written since. */
      readonly abandoned: boolean
      readonly row: Row | undefined
    }
  | { readonly type: 'newer' }
  /** `remaining`: of its lease, in ms; 0 where it is over. */
  | { readonly type: 'held'; readonly remaining: number }

/**
 * The locks and records of a server: a lock is a lease, judged by the server's clock, so that a holder that vanished is waited for no
 * longer than that. Each operation is one step there, which nothing can interrupt, and which does no harm when it is repeated: its
 * first answer may have been lost.
 *
 * Whoever takes a lock has a name, the `owner`, that nobody else has, a new one each time.
 */
export interface LeaseTable {
  read(key: string): Promise<Row | undefined>
  /**
   * Acquires the lock where it is free, or where this owner has it already.
   *
   * @param known `newer`, where there is a record with a higher revision. Where it is above 0 and there is no record, it is `held`
   *   for a lease, unless `mayTakeOver`: the holder of an unsaved token writes first
   * @param mayTakeOver the lock is also acquired where its lease is over
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
   * Writes a record where the one in force still has the revision `seen` (0: there is none), under a number above all locks and
   * records. The lock stays with its holder, whose own write comes too late then. Waiters are notified.
   *
   * @returns undefined where the record's revision is another one by now
   */
  swap(key: string, seen: number, text: string): Promise<Row | undefined>
  /**
   * Releases the lock unused, if it is still this owner's.
   *
   * @param abandoned the next one that takes it is told that its holder vanished
   * @param number the lock's, where it is known: a server that has forgotten the lock notes it, so that a renewal that is still on its
   *   way does not acquire the lock anew
   */
  free(key: string, owner: string, abandoned: boolean, number?: number): Promise<void>
  /** Tells of locks that became free; undefined where the server can tell nothing. */
  readonly subscribe: Subscribe | undefined
  /** What a notice calls a key, for it may be heard by many. Default: by its name. */
  readonly topic?: ((key: string) => string) | undefined
  /** Where a record is, for errors. */
  place(key: string): string
  /** Whether what went wrong may be gone in a moment: a connection that was lost, a server that starts. */
  isPassing(error: unknown): boolean
  /** Whether the server has refused, so that it has changed nothing. What is not known to be refused may have been done. */
  isRefusal(error: unknown): boolean
  /** Whether the client can do nothing any more, such as one that its user has closed. Default: no. */
  isEnded?(error: unknown): boolean
  /** What went wrong, and how to mend it. */
  explain(error: unknown): RefreshError
  /** What the client lacks that can be seen. Default: nothing. */
  findings?(): readonly Finding[]
  /** What is asked, for an error where it does not respond: `Redis at redis.internal:6379`. */
  readonly where?: string | undefined
}

/**
 * Resolves when notices come.
 *
 * @param wake is called with the topic of a key whose lock became free
 * @param lost is called where no more notices will come
 * @param over aborts when nobody waits any more, perhaps before any notice can come: no connection stays behind
 */
export type Subscribe = (
  wake: (topic: string) => void,
  lost: () => void,
  over: AbortSignal,
) => Promise<unknown>
