import { type Clock, platformClock } from '../lib/clock.ts'
import { aClock, aFunction, anything, checkedOptions, from, type OptionTableWith } from '../lib/options.ts'
import { Audience } from './audience.ts'
import type { RefreshListener } from './events.ts'
import type { Background, Refresh, RefreshContext, Refresher } from './refresher.ts'

/** Options of a `Refreshable`. They are read once, at construction. */
export interface RefreshableOptions<T> {
  /**
   * Obtains a replacement for a stale value. Never called while another call of it runs, unless that one was superseded
   * by `set()` or `clear()`, or given up after five deadlines; its signal has aborted then. It may throw a
   * {@link RefreshError}: a `terminal` one is held until a person acts, a `retryAfterMs` (ms) is obeyed.
   */
  refresh: Refresh<T>
  /** The first value. Default: none; the first caller causes a refresh. */
  initial?: T | undefined
  /** Tells when a value expires, in epoch ms. Default: not known; only a rejection causes a refresh. */
  expiresAt?: ((value: T) => number | undefined) | undefined
  /**
   * After a terminal failure: looks, without refreshing, whether a different value is there by now (another
   * process logged in). It returns undefined, or the very value in force, where nothing has changed. Asked at most
   * once per cooldown. Default: only `set()` ends a terminal failure.
   */
  reread?: ((context: RefreshContext<T>) => Promise<T | undefined>) | undefined
  /**
   * How long before its expiry a value is refreshed in the background, in ms: at most a tenth of its lifetime, less a random part of up to
   * one half. 0: a value is never refreshed ahead of its expiry.
   * @default 300_000
   */
  refreshAhead?: number | undefined
  /**
   * Keeps the platform from cancelling a refresh with the request that began it: `waitUntil` of a serverless platform. Called with every
   * flight, also one ahead of an expiry, inside the call that began it. Default: the platform may cancel it; the next call is served
   * once five deadlines have passed.
   *
   * @example
   * import { waitUntil } from 'cloudflare:workers'
   * new Refreshable({ refresh, background: waitUntil })
   */
  background?: Background | undefined
  /**
   * How long callers wait for a refresh, in ms from its start. The refresh itself is given up after five times that.
   * @default 30_000
   */
  deadline?: number | undefined
  /**
   * How long no refresh is tried after one has failed, in ms. It doubles with each failure: up to 5,000 if the failure may pass by itself,
   * else up to 60,000. A `retryAfterMs` is obeyed up to 60,000.
   * @default 1_000
   */
  cooldown?: number | undefined
  /** Receives the events of this cell, of the values built from it and of the surfaces above it. */
  onEvent?: RefreshListener | undefined
  /** Time, for tests to control. Default: the platform's. */
  clock?: Clock | undefined
}

/** Settings for the parts of this library that build on a cell. */
export interface CellInternals<T = unknown> {
  /** Handles a demand for a wider scope, made here or through any map: see `Refresher.demand()`. */
  readonly demand?: Refresher<T>['demand']
  /**
   * A refresh spends something that must not be spent twice. Where it does not, a call that comes after the deadline of a flight gives that
   * flight up and begins a new one.
   *
   * @default true
   */
  readonly spends?: boolean | undefined
  /**
   * To look whether there is a newer value costs next to nothing, or spends nothing: after `unchanged` the pause doubles to 5 s only.
   *
   * @default false
   */
  readonly looksOften?: boolean | undefined
  /**
   * The owner of the values. A surface that serves this owner lets requests of the owner's source pass by. The refresh function marks its
   * own requests.
   *
   * Default: the cell, whose refresh function is the source.
   */
  readonly owner?: object | undefined
  /** The listeners. Default: the listener of the options. */
  readonly audience?: Audience | undefined
  /** Settles when the token that the last flight brought is stored. Only then is a flight over for `background`. */
  readonly settled?: (() => Promise<void>) | undefined
}

/** The options with their defaults, checked. */
export interface CellOptions<T> {
  readonly refresh: Refresh<T>
  readonly reread: ((context: RefreshContext<T>) => Promise<T | undefined>) | undefined
  readonly initial: T | undefined
  readonly expiresAt: (value: T) => number | undefined
  readonly refreshAhead: number
  readonly background: Background | undefined
  readonly deadline: number
  readonly cooldown: number
  readonly audience: Audience
  readonly clock: Clock
}

/** The options that a cell shares with what is built on it. */
export type CommonOptions = Omit<RefreshableOptions<unknown>, 'refresh' | 'initial' | 'expiresAt' | 'reread'>

export const COMMON: OptionTableWith<'refreshAhead' | 'deadline' | 'cooldown' | 'clock', CommonOptions> = {
  refreshAhead: [from(0), 300_000],
  background: aFunction,
  deadline: [from(1), 30_000],
  cooldown: [from(0), 1_000],
  onEvent: aFunction,
  clock: [aClock, platformClock],
}

/** @throws RefreshError `invalid_option` */
export function readOptions<T>(options: RefreshableOptions<T>, audience?: Audience): CellOptions<T> {
  const { initial, expiresAt, onEvent, ...read } = checkedOptions(options, {
    refresh: (given: unknown) => (given === undefined ? 'is missing' : aFunction(given)),
    initial: anything,
    expiresAt: aFunction,
    reread: aFunction,
    ...COMMON,
  })
  return {
    ...read,
    initial: initial ?? undefined,
    expiresAt: (value) => knownExpiry(expiresAt, value),
    audience: audience ?? new Audience(onEvent),
  }
}

/** A value that was received must not be lost because its expiry cannot be read: then it is not known. */
function knownExpiry<T>(expiresAt: RefreshableOptions<T>['expiresAt'], value: T): number | undefined {
  try {
    const at = expiresAt?.(value)
    return Number.isFinite(at) ? at : undefined
  } catch {
    return undefined
  }
}
