import type { Finding } from '../../core/events.ts'
import type { RecordContent, StoredRecord } from '../../credential/store.ts'
import type { RefreshError } from '../../errors.ts'

/**
 * The operations of one kind of store. `ExclusiveStore` waits for the lock, renews it and releases it in the same way for all of them.
 */
export interface Backend {
  /** The store's name in an error if it does not respond: `Redis at redis.internal:6379`. Default: `The store`. */
  readonly where?: string | undefined
  /** The record as it is, without waiting for a holder of its lock. */
  read(key: string): Promise<StoredRecord | undefined>
  /**
   * Makes a waiter for the lock of a key: `ExclusiveStore` calls `tryLock` until it returns one.
   *
   * @param known a revision: a record with a higher one will do as well. If it is above 0 and the store holds no record at all, the record
   *   has vanished, and a holder of an unsaved token may be about to write it: the waiter gets the lock only after the store has responded
   *   for a whole lease.
   */
  lockWaiter(key: string, known: number | undefined): LockWaiter
  /**
   * Calls `wake` whenever the lock of the key may have become free, until `over` aborts.
   *
   * @returns resolves when notifications come; undefined if there are none
   */
  watch(key: string, wake: () => void, over: AbortSignal): Promise<unknown> | undefined
  /**
   * Changes a record in one atomic step: read, change, compare and set. If another write came between, it repeats them. The new record's
   * revision is above all locks and records. It neither waits for, takes nor releases a lock, and wakes the waiters.
   */
  replace(key: string, change: (current: StoredRecord | undefined) => RecordContent): Promise<StoredRecord>
  /** The folder in which the records of a key are. Default: they are in none. */
  placeOf?(key: string): string
  /** The error for a failure, with its remedy. */
  explain(error: unknown): RefreshError
  /** True if no later try can succeed, as when the user has closed the client. Default: never. */
  readonly isFinal?: ((error: unknown) => boolean) | undefined
  /** The flaws of the store's configuration that put a login at risk, such as a client without a time limit. */
  readonly findings?: (() => readonly Finding[]) | undefined
}

/** A waiter for one lock. */
export interface LockWaiter {
  /**
   * Returns the lock; `newer` if there is a record that will do as well; else in how many ms the lock may be free without a notification.
   */
  tryLock(): Promise<Lock | 'newer' | number>
}

/** The result of a write. */
export interface Written {
  /** The record in force afterwards: a newer one stays. */
  readonly record: StoredRecord
  /** True if the record that existed when the lock was acquired had gone from the store. */
  readonly hasVanished: boolean
}

/**
 * A held lock. Each has a fencing token that is higher than all before. A record bears the token of the lock under which it was written,
 * and the highest is in force. So a holder that outstayed its lease covers no newer record.
 */
export interface Lock {
  readonly current: StoredRecord | undefined
  /** An earlier holder vanished, and has not written. */
  readonly abandoned: boolean
  /**
   * Extends the lease; returns false if another has the lock by now. A store that has forgotten the lock (it came back empty, or from an
   * older copy) gives it again, unless another has acquired one meanwhile.
   */
  renew(): Promise<boolean>
  /** Writes a record, and releases the lock. After a failure it may be called again. */
  write(content: RecordContent): Promise<Written>
  /** @param abandoned the next holder is told that a redemption may be on its way */
  release(abandoned: boolean): Promise<void>
}

/** A step of an update, for tests to stop at. */
export type OnStep = (step: string) => Promise<void> | void
