import type { Finding } from '../../core/events.ts'
import type { RecordContent, StoredRecord } from '../../credential/store.ts'
import type { RefreshError } from '../../errors.ts'

/**
 * The operations of one kind of store. `ExclusiveStore` waits for the lock, renews it and releases it in the same way for all of them.
 */
export interface Backend {
  /** The store's name in an error if it does not respond: `Redis at redis.internal:6379`. Default: `The store`. */
  readonly where?: string | undefined
  /** Reads the record in force, without waiting for a holder of its lock. */
  read(key: string): Promise<StoredRecord | undefined>
  /**
   * Makes a waiter for the lock of a key. `ExclusiveStore` calls `tryLock()` until it returns a lock or `newer`.
   *
   * @param known the revision that the caller knows. If there is a record with a higher one, the caller needs no lock. If `known` is above 0
   *   and the store holds no record, the record has vanished, and the holder of an unsaved token may write it again. So the waiter gets the
   *   lock only after the store has responded for a whole lease.
   */
  lockWaiter(key: string, known: number | undefined): LockWaiter
  /**
   * Calls `wake` whenever the lock of the key may have become free, until `over` aborts.
   *
   * @returns a promise that resolves when notifications begin to arrive; undefined if the backend has none
   */
  watch(key: string, wake: () => void, over: AbortSignal): Promise<unknown> | undefined
  /**
   * Changes a record in one atomic step: read, change, compare and set. If another write came between, it repeats them. The new record's
   * revision is above all locks and records. It does not wait for a lock, acquires and releases none, and wakes the waiters.
   */
  replace(key: string, change: (current: StoredRecord | undefined) => RecordContent): Promise<StoredRecord>
  /** The folder that contains the records of a key. Default: there is no such folder. */
  placeOf?(key: string): string
  /** The error for a failure, with its remedy. */
  explain(error: unknown): RefreshError
  /** True if no later try can succeed, as when the user has closed the client. Default: never. */
  readonly isFinal?: ((error: unknown) => boolean) | undefined
  /** The problems of the store's configuration that put a login at risk, such as a client without a time limit. */
  readonly findings?: (() => readonly Finding[]) | undefined
}

/** A waiter for one lock. */
export interface LockWaiter {
  /**
   * Returns the lock; `newer` if there is a record with a higher revision than the caller knows; else the ms after which to try again if no
   * notification comes before.
   */
  tryLock(): Promise<Lock | 'newer' | number>
}

/** The result of a write. */
export interface Written {
  /** The record in force after the write, which may be a newer one. */
  readonly record: StoredRecord
  /** True if the record that existed when the lock was acquired had vanished from the store before the write. */
  readonly hasVanished: boolean
}

/**
 * A held lock. Each lock has a fencing token that is higher than all before it. A record's revision is the fencing token of the lock that it
 * was written under, and the record with the highest revision is in force. So a holder that writes after its lease replaces no newer record.
 */
export interface Lock {
  readonly current: StoredRecord | undefined
  /** True if an earlier holder vanished without a write, after its request may have redeemed the refresh token. */
  readonly abandoned: boolean
  /**
   * Extends the lease. Returns false if another holder has the lock by now. A store that has forgotten the lock (it came back empty, or as an
   * older copy) gives the lock again, unless another process has acquired one meanwhile.
   */
  renew(): Promise<boolean>
  /** Writes a record, and releases the lock. After a failure it may be called again. */
  write(content: RecordContent): Promise<Written>
  /** @param abandoned true to tell the next holder that a request that redeems may be on its way */
  release(abandoned: boolean): Promise<void>
}

/** Called with the name of each step of an update. A test can stop the update there. */
export type OnStep = (step: string) => Promise<void> | void
