import type { Clock } from '../lib/clock.ts'
import { optionError } from '../lib/options.ts'
import type { Audience } from './audience.ts'
import type { RefreshCause } from './events.ts'

/** The number of a value: 1, 2, 3 …. Every snapshot has one, so callers pass a snapshot. */
export interface Generation {
  readonly generation: number
}

/** A value, its generation and its expiry, read at one instant. The value is a secret, and is not redacted when a snapshot is printed. */
export interface Snapshot<T> extends Generation {
  readonly value: T
  /** epoch ms; undefined if it is not known. */
  readonly expiresAt: number | undefined
}

/**
 * Receives a promise that the platform must not cancel, such as `waitUntil` of a serverless platform. The library calls it for every
 * flight, inside the call that began the flight. The promise settles when the flight is over and its token is stored; it never rejects.
 */
export type Background = (flight: Promise<void>) => void

/** Options of one caller's wait. */
export interface WaitOptions {
  /** Ends this caller's wait at once, with the signal's reason. It never ends the refresh. */
  readonly signal?: AbortSignal | undefined
  /** Receives the flight that this call begins. The cell's own `background` option receives it too. */
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
 * in force by then, the caller gets generation 8, and the cell refreshes nothing.
 */
export interface Refresher<T> {
  /** Returns the value in force at once, even if it is stale or was rejected; undefined if there is none. */
  peek(): Snapshot<T> | undefined
  /**
   * Returns the result of `snapshot()` at once, if a caller need not wait for it; else undefined. Optional: it saves a turn of the event
   * loop for each call.
   */
  usable?(): Snapshot<T> | undefined
  /**
   * Returns a value to make an attempt with. Waits for a refresh only if there is no value, or if the value in force is known to be stale.
   * If that refresh fails, it returns the stale value, because the remote side may still accept it.
   * @throws RefreshError `credential_missing`, or the refresh's failure, if there is no value; the signal's reason
   */
  snapshot(options?: WaitOptions): Promise<Snapshot<T>>
  /**
   * Reports that the remote side rejected a generation, and returns a newer one.
   * @throws RefreshError if no newer one can be obtained, see `RefreshErrorCode`; the signal's reason
   */
  refresh(rejected: Generation, options?: RejectionOptions): Promise<Snapshot<T>>
  /**
   * Reports that the remote side accepted a generation, which resets the breaker.
   *
   * @param endpoint as in {@link RejectionOptions}
   */
  accepted(snapshot: Generation, endpoint?: string): void
  /** Reports that the remote side rejected the second attempt too: the refresh did not help at this endpoint. */
  stillRejected?(snapshot: Generation, endpoint?: string): void
  /**
   * Reports that the remote side demands a wider scope (403 with `insufficient_scope`, RFC 6750 section 3.1). The token is valid but lacks a
   * scope, so this is no rejection, and no breaker counts it. If the source can request the scope without a person, it does so once for each
   * scope. Otherwise the event `scope_demanded` names the scope that a person has to grant.
   *
   * @returns a newer value, which may have the scope; undefined if there is none
   */
  demand?(lacking: Generation, challenge: string, options?: WaitOptions): Promise<Snapshot<T> | undefined>
  /** @internal True if the login is known to have ended, so that only a person can mend it. */
  isDead?(): boolean
  /** @internal Refreshes although nothing was rejected. If the login has ended, it only looks for a login made elsewhere. */
  renew?(than: Generation, options?: WaitOptions): Promise<unknown>
  /** @internal */
  readonly clock?: Clock | undefined
  /** @internal The listeners of this refresher. */
  readonly audience?: Audience | undefined
  /** @internal The owner of its values' source: see `runAsSource()`. */
  readonly owner?: object | undefined
  /**
   * Makes a refresher of something that `build` makes from the value: a provider, a client, a header. It runs `build` once for each
   * generation. The result shares flights and generations with this refresher, and has its own breaker, so make one map for each
   * remote side, not one for each call.
   */
  map<U>(build: (value: T) => U | Promise<U>): Refresher<U>
}

/** The input of a refresh function. */
export interface RefreshContext<T> {
  /** The value in force, which may be stale. */
  readonly current: Snapshot<T> | undefined
  readonly cause: RefreshCause
  /** The `WWW-Authenticate` header of the rejection (RFC 9110 section 11.6.1), if there was one. */
  readonly challenge: string | undefined
  /** Aborts when the result is no longer wanted: on `set()`, on `clear()`, when the flight is given up, after five deadlines at most. */
  readonly signal: AbortSignal
  /**
   * @internal Stops the flight's deadline while the flight waits in a queue (true), and starts the deadline anew when its turn comes
   * (false). A flight ends after five deadlines in queues.
   */
  readonly queued?: ((isWaiting: boolean) => void) | undefined
  /** @internal True if the result is no longer wanted. Works where the signal does not: Cloudflare lets no request abort another's work. */
  readonly isOver?: (() => boolean) | undefined
  /** @internal A caller wants a try now, even if the source refused before. */
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
