import type { RefreshError } from '../core/errors.ts'
import type { StoredToken } from './store.ts'
import type { AccessToken } from './token.ts'

/**
 * What one kind of store can do. How its lock is waited for, kept and given back is the same for all of them:
 * see `ExclusiveStore`.
 */
export interface Backend {
  /** The record as it is, without waiting for whoever holds the lock. */
  read(key: string): Promise<StoredToken | undefined>
  /**
   * Somebody wants the lock of a key: its `tryLock` is called until it gives one.
   *
   * @param known a revision: a record with a higher one will do as well
   */
  contend(key: string, known: number | undefined): Contender
  /**
   * Calls `wake` whenever the lock of the key may have become free, until `over` aborts.
   *
   * @returns resolves when such notices come; undefined where there are none
   */
  watch(key: string, wake: () => void, over: AbortSignal): Promise<unknown> | undefined
  /** What went wrong, and how to mend it. */
  explain(error: unknown): RefreshError
}

/** One that wants a lock. */
export interface Contender {
  /** The lock; `newer`: there is a record that will do as well; else, in how many ms the lock may be free without notice. */
  tryLock(): Promise<Lock | 'newer' | number>
}

/**
 * A lock that is held. Each has a number that is higher than all before: a record bears the number of the lock under which it was
 * written, and the highest is in force. So one that outstayed its lease covers nothing that is newer.
 */
export interface Lock {
  readonly current: StoredToken | undefined
  /** An earlier holder vanished, and has not written. */
  readonly abandoned: boolean
  /** Extends the lease; false where the lock is another's by now. */
  renew(): Promise<boolean>
  /**
   * Writes a record, or a tombstone, and gives the lock back.
   *
   * @returns the record in force afterwards: a newer one stays
   */
  write(token: AccessToken | undefined): Promise<StoredToken>
  release(): Promise<void>
}

/** A step of an update, for tests to stop at. */
export type OnStep = (step: string) => Promise<void> | void
