import type { Clock } from '../lib/clock.ts'
import { optionError } from '../lib/options.ts'
import type { Audience } from './audience.ts'
import type { RefreshCause } from './events.ts'

/** A generation's number: 1, 2, 3 …. A snapshot will do. */
export interface Generation {
  readonly generation: number
}

/** A value, its generation and its expiry, read at one instant. The value is its reader's to guard. */
export interface Snapshot<T> extends Generation {
  readonly value: T
  /** epoch ms; undefined when it is not known. */
  readonly expiresAt: number | undefined
}

/**
 * Takes a promise that the platform must not cancel, such as `waitUntil` of a serverless platform. It is called with every flight, in
 * the call that began it. The promise settles when the flight is over and its token is stored; it never rejects.
 */
export type Background = (flight: Promise<void>) => void

/** Options of one caller's wait. */
export interface WaitOptions {
  /** Ends this caller's wait at once, with the signal's reason. It never ends the refresh. */
  readonly signal?: AbortSignal | undefined
  /** Receives the flight that this call begins, besides the `background` of the options. */
  readonly background?: Background | undefined
}

/** Options of a reported rejection. */
export interface RejectionOptions extends WaitOptions {
  /** The `WWW-Authenticate` header that came with the rejection (RFC 9110 section 11.6.1). */
  readonly challenge?: string | undefined
  /** The endpoint that rejected: method and path, without the query. Default: one endpoint for all calls of this refresher. */
  readonly endpoint?: string | undefined
  /** @internal The origin of the rejected call, for the event. */
  readonly origin?: string | undefined
}

/**
 * The interface between a cell and the surfaces. A `Refreshable` is one, and `map()` returns one.
 *
 * The rule behind it: a caller never says "refresh", it says "generation 7 was rejected". If generation 8 is
 * in force by then, the answer is generation 8, and nothing is refreshed.
 */
export interface Refresher<T> {
  /** The value in force, at once, whatever its state. */
  peek(): Snapshot<T> | undefined
  /**
   * Returns at once what `snapshot()` would give if no caller has to wait for it; else undefined. Optional: it saves a call that is not
   * rejected a turn of the event loop.
   */
  usable?(): Snapshot<T> | undefined
  /**
   * Returns a value to make an attempt with. Waits for a refresh only if there is no value, or the one in force is known to be stale. If
   * that refresh fails, it returns the stale value, because the remote side's verdict counts.
   * @throws RefreshError `credential_missing`, or the refresh's failure, if there is no value.
   */
  snapshot(options?: WaitOptions): Promise<Snapshot<T>>
  /**
   * Reports that the remote side rejected a generation, and gives a newer one.
   * @throws RefreshError when there is none to be had: see `RefreshErrorCode`.
   */
  refresh(rejected: Generation, options?: RejectionOptions): Promise<Snapshot<T>>
  /**
   * Reports that the remote side accepted a generation, which resets the breaker.
   *
   * @param endpoint as in {@link RejectionOptions}
   */
  accepted(snapshot: Generation, endpoint?: string): void
  /** Reports that the second attempt was rejected, too: refreshing did not help there. */
  stillRejected?(snapshot: Generation, endpoint?: string): void
  /**
   * Reports that the remote side demands a wider scope (403 with `insufficient_scope`). The token is good but lacks a scope, so this is no
   * rejection, and no breaker counts it. Each scope is requested once, if the source can request it without a person; else the event
   * `scope_demanded` tells what a person has to grant.
   *
   * @returns a newer value, which may have the scope; undefined if there is none
   */
  demand?(lacking: Generation, challenge: string, options?: WaitOptions): Promise<Snapshot<T> | undefined>
  /** @internal True if the login is known to have ended. Then only a person can mend it. */
  isDead?(): boolean
  /** @internal A refresh, though nothing was rejected. Of a login that has ended: a look whether a person has logged in elsewhere. */
  renew?(than: Generation, options?: WaitOptions): Promise<unknown>
  /** @internal */
  readonly clock?: Clock | undefined
  /** @internal The listeners of this refresher. */
  readonly audience?: Audience | undefined
  /** @internal The owner of its values' source: see `runAsSource()`. */
  readonly owner?: object | undefined
  /**
   * A refresher of something built from the value: a provider, a client, a header. It is built once per
   * generation, shares the flight and the generations, and has a breaker of its own: make a map once for each remote
   * side, not one per call.
   */
  map<U>(build: (value: T) => U | Promise<U>): Refresher<U>
}

/** The input of a refresh function. */
export interface RefreshContext<T> {
  /** The value in force, which may be stale. */
  readonly current: Snapshot<T> | undefined
  readonly cause: RefreshCause
  /** The `WWW-Authenticate` header of the rejection, when there was one. */
  readonly challenge: string | undefined
  /** Aborts when no caller wants the result any more: on `set()`, on `clear()`, or after five deadlines. */
  readonly signal: AbortSignal
  /**
   * @internal Stops the flight's deadline while it waits in a queue for its turn (true), and starts it then (false). Five deadlines in
   * the queue end the flight all the same.
   */
  readonly queued?: ((isWaiting: boolean) => void) | undefined
  /** @internal No caller wants the result any more. Unlike the signal it also tells on a platform where one request cannot abort what another began. */
  readonly isOver?: (() => boolean) | undefined
  /** @internal A caller asks whether it works by now, whatever was refused before. */
  readonly isRetry?: boolean | undefined
}

/** Obtains a replacement for a stale value. */
export type Refresh<T> = (context: RefreshContext<T>) => Promise<T>

/** @throws RefreshError `invalid_option` if the candidate is no refresher */
export function assertRefresher<T>(candidate: Refresher<T>): Refresher<T> {
  if (isRefresher<T>(candidate)) return candidate
  throw optionError('refresher', 'must be one, such as a Refreshable or what its map() gives')
}

/** True if the candidate has the methods of a refresher. */
export function isRefresher<T>(candidate: unknown): candidate is Refresher<T> {
  const has = (name: string): boolean => typeof Reflect.get(Object(candidate), name) === 'function'
  return has('map') && has('accepted')
}
