import type { Finding } from '../../core/events.ts'
import type { RecordContent, StoredRecord } from '../../credential/store.ts'
import type { RefreshError } from '../../errors.ts'

/**
 * What one kind of store can do. `ExclusiveStore` waits for its lock, renews it and releases it in the same way for all of them.
 */
export interface Backend {
  /** What is asked, for an error where it does not respond: `Redis at redis.internal:6379`. Default: `The store`. */
  readonly where?: string | undefined
  /** The record as it is, without waiting for a holder of its lock. */
  read(key: string): Promise<StoredRecord | undefined>
  /**
   * Somebody wants the lock of a key: `ExclusiveStore` calls `tryLock` until it gives one.
   *
   * @param known a revision: a record with a higher one will do as well. Where it is above 0 and the store holds no record at all, the
   *   record has vanished, and a holder of an unsaved token may be about to write it: the contender gets the lock only after the
   *   store has answered it for a whole lease.
   */
  lockWaiter(key: string, known: number | undefined): LockWaiter
  /**
   * Calls `wake` whenever the lock of the key may have become free, until `over` aborts.
   *
   * @returns resolves when notifications come; undefined where there are none
   */
  watch(key: string, wake: () => void, over: AbortSignal): Promise<unknown> | undefined
  /**
   * Changes a record in one atomic step: read, change, compare and set, again where another write came between. The new record's
   * revision is above all locks and records. No lock is waited for, taken or released; waiters are woken.
   */
  replace(key: string, change: (current: StoredRecord | undefined) => RecordContent): Promise<StoredRecord>
  /** What went wrong, and how to mend it. */
  explain(error: unknown): RefreshError
  /** No later try can succeed, as where the user has closed the client. Default: none is. */
  readonly isFinal?: ((error: unknown) => boolean) | undefined
  /** What of the store's configuration puts a login at risk, such as a client without a time limit. */
  readonly findings?: (() => readonly Finding[]) | undefined
}

/** One that wants a lock. */
export interface LockWaiter {
  /** The lock; `newer`: there is a record that will do as well; else, in how many ms the lock may be free without notice. */
  tryLock(): Promise<Lock | 'newer' | number>
}

/** What came of a write. */
export interface Written {
  /** The record in force afterwards: a newer one stays. */
  readonly record: StoredRecord
  /** The record that was there when the lock was acquired had gone from the store. */
  readonly hasVanished: boolean
}

/**
 * A lock that is held. Each has a fencing token that is higher than all before: a record bears that of the lock under which it was
 * written, and the highest is in force. So a holder that outstayed its lease covers nothing that is newer.
 */
export interface Lock {
  readonly current: StoredRecord | undefined
  /** An earlier holder vanished, and has not written. */
  readonly abandoned: boolean
  /**
   * Extends the lease; false where the lock is another's by now. A store that has forgotten the lock (it came back empty, or from an
   * older copy) gives it again, unless another has acquired one meanwhile.
   */
  renew(): Promise<boolean>
  /** Writes a record, and releases the lock. It may be called again where it failed. */
  write(content: RecordContent): Promise<Written>
  /** @param abandoned the next holder is told that a redemption may be on its way */
  release(abandoned: boolean): Promise<void>
}

/** A step of an update, for tests to stop at. */
export type OnStep = (step: string) => Promise<void> | void
