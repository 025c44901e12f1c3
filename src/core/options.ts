import { type Clock, platformClock } from '../lib/clock.ts'
import { aClock, aFunction, anything, checkedOptions, from, type OptionTableWith } from '../lib/options.ts'
import { Audience } from './audience.ts'
import type { RefreshListener } from './events.ts'
import type { Background, Refresh, RefreshContext, Refresher } from './refresher.ts'

/** Options of a `Refreshable`. They are read once, at construction. */
export interface RefreshableOptions<T> {
  /**
   * Obtains a replacement for a stale value. The cell makes one call at a time. It makes another call only after `set()` or
   * `clear()` superseded the first one, or after five deadlines; then the signal of the first call has aborted. The function may throw
   * a {@link RefreshError}: the cell holds a `terminal` one until a person acts, and obeys a `retryAfterMs` (ms).
   */
  refresh: Refresh<T>
  /** The first value. Default: none; the first caller causes a refresh. */
  initial?: T | undefined
  /** Tells when a value expires, in epoch ms. Default: not known; only a rejection causes a refresh. */
  expiresAt?: ((value: T) => number | undefined) | undefined
  /**
   * Called instead of `refresh` after a terminal failure: looks for a different value, such as one from a login in another
   * process, without refreshing. It returns undefined, or the same value that is in force, if nothing has changed. The cell calls
   * it at most once per cooldown. Default: only `set()` ends a terminal failure.
   */
  reread?: ((context: RefreshContext<T>) => Promise<T | undefined>) | undefined
  /**
   * How long before its expiry the cell refreshes a value in the background, in ms. It is at most a tenth of the value's lifetime, and a
   * random part of up to one half is taken off. 0: the cell refreshes no value ahead of its expiry.
   * @default 300_000
   */
  refreshAhead?: number | undefined
  /**
   * Keeps the platform from cancelling a refresh together with the request that began it: `waitUntil` of a serverless platform. The cell
   * calls it for every flight, also for one ahead of an expiry, inside the call that began the flight. Default: the platform may cancel the
   * flight, and then the next flight begins after five deadlines at the latest.
   *
   * @example
   * import { waitUntil } from 'cloudflare:workers'
   * new Refreshable({ refresh, background: waitUntil })
   */
  background?: Background | undefined
  /**
   * How long callers wait for a refresh, in ms from its start. The cell gives the refresh itself up after five times that.
   * @default 30_000
   */
  deadline?: number | undefined
  /**
   * How long the cell waits after a failed refresh before it tries another, in ms. The pause doubles with each failure: up to 5,000 if the
   * failure may pass by itself, else up to 60,000. The cell obeys a `retryAfterMs` up to 60,000.
   * @default 1_000
   */
  cooldown?: number | undefined
  /** Receives the events of this cell, of its maps and of the surfaces that use it. */
  onEvent?: RefreshListener | undefined
  /** The source of time, which a test can control. Default: the platform's. */
  clock?: Clock | undefined
}

/** Settings for the parts of this library that build on a cell. */
export interface CellInternals<T = unknown> {
  /** Handles a demand for a wider scope, made at the cell or at any of its maps: see `Refresher.demand()`. */
  readonly demand?: Refresher<T>['demand']
  /**
   * True if a refresh spends something that must not be spent twice, such as a refresh token. If false, a call that comes after a flight's
   * deadline gives that flight up, and begins a new one.
   *
   * @default true
   */
  readonly spends?: boolean | undefined
  /**
   * True if a look for a newer value costs little, or spends nothing: then the pause after `unchanged` doubles up to 5 s only.
   *
   * @default false
   */
  readonly looksOften?: boolean | undefined
  /**
   * The owner of the values. A surface that serves this owner does not handle the requests of the owner's source. With this option, the
   * refresh function itself calls `runAsSource()`. Default: the cell, which runs its whole refresh function as the source.
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

/** The options that a cell has in common with credentials, pools and wrappers. */
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

/** If the user's function throws or returns no number, the expiry counts as not known: the received value must not be lost. */
function knownExpiry<T>(expiresAt: RefreshableOptions<T>['expiresAt'], value: T): number | undefined {
  try {
    const at = expiresAt?.(value)
    return Number.isFinite(at) ? at : undefined
  } catch {
    return undefined
  }
}
