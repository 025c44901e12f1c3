import { RefreshError } from '../errors.ts'
import type { Clock } from '../lib/clock.ts'
import type { Audience } from './audience.ts'
import { Breaker } from './cell/breaker.ts'
import { Callers } from './cell/callers.ts'
import { Flights, isNothing } from './cell/flights.ts'
import { missing } from './cell/refusals.ts'
import { Values } from './cell/values.ts'
import { Mapped } from './mapped.ts'
import { type CellInternals, type RefreshableOptions, readOptions } from './options.ts'
import type { Generation, Refresher, RejectionOptions, Snapshot, WaitOptions } from './refresher.ts'

/**
 * The cell: one value that goes stale. It numbers every value that it has held, and refreshes it once for all callers.
 *
 * @example
 * const token = new Refreshable<Token>({
 *   refresh: async ({ signal }) => fetchToken({ signal }),
 *   expiresAt: (token) => token.expiresAt, // epoch ms
 * })
 * const snapshot = await token.snapshot()
 * // … the remote side answers 401 …
 * const fresh = await token.refresh(snapshot) // once, however many callers were rejected
 */
export class Refreshable<T> implements Refresher<T> {
  /** @internal */
  readonly clock: Clock
  /** @internal ms */
  readonly deadline: number
  /** @internal */
  readonly audience: Audience
  readonly #values: Values<T>
  readonly #flights: Flights<T>
  readonly #callers: Callers<T>
  readonly #breaker = new Breaker()
  readonly #owner: object | undefined

  /** @internal Handles a demand for a wider scope, for the credential that the cell belongs to. */
  readonly demand?: NonNullable<Refresher<T>['demand']>

  /** @internal Raised by every login and logout. */
  epoch: number = 0

  /** @throws RefreshError `invalid_option` */
  constructor(options: RefreshableOptions<T>)
  /** @internal */
  constructor(options: RefreshableOptions<T>, internals?: CellInternals<T>)
  constructor(given: RefreshableOptions<T>, internals: CellInternals<T> = {}) {
    const options = readOptions(given, internals.audience)
    this.audience = options.audience
    this.clock = options.clock
    this.deadline = options.deadline
    this.#values = new Values(options)
    this.#flights = new Flights(options, internals, this.#values, this)
    this.#callers = new Callers(this.#values, this.#flights, options.clock, options.audience)
    this.#owner = internals.owner
    if (internals.demand) this.demand = internals.demand
    if (options.initial !== undefined) this.#values.adopt(options.initial, 0, undefined)
  }

  peek(): Snapshot<T> | undefined {
    return this.#values.inForce?.snapshot
  }

  usable(): Snapshot<T> | undefined {
    return this.#callers.settled()?.snapshot
  }

  snapshot(options?: WaitOptions): Promise<Snapshot<T>> {
    const settled = options?.signal?.aborted === true ? undefined : this.#callers.settled()
    return settled?.ready ?? this.#callers.obtain(options)
  }

  refresh(rejected: Generation, options?: RejectionOptions): Promise<Snapshot<T>>
  /** @internal */
  refresh(rejected: Generation, options?: RejectionOptions, breaker?: Breaker): Promise<Snapshot<T>>
  refresh(
    rejected: Generation,
    options: RejectionOptions = {},
    breaker: Breaker = this.#breaker,
  ): Promise<Snapshot<T>> {
    return this.#callers.replace(rejected, options, breaker)
  }

  accepted(snapshot: Generation, endpoint?: string): void {
    this.#breaker.accepted(snapshot.generation, endpoint)
    this.heard(snapshot)
  }

  stillRejected(snapshot: Generation, endpoint?: string): void {
    this.#breaker.stillRejected(snapshot.generation, endpoint, this.clock.now())
  }

  /** @internal A remote side accepted this generation: if it is in force and marked as rejected, and no flight runs, the mark goes. */
  heard({ generation }: Generation): void {
    const { inForce } = this.#values
    if (
      inForce?.rejected === true &&
      this.#flights.current === undefined &&
      generation === this.#values.generationInForce
    ) {
      inForce.rejected = false
    }
  }

  map<U>(build: (value: T) => U | Promise<U>): Refresher<U> {
    return new Mapped(this, build)
  }

  /**
   * Puts a value in force: a person logged in again. It outranks a refresh that is under way, and ends a
   * terminal failure and a `clear()`. Callers that wait for a refresh get this value.
   * @throws RefreshError `invalid_value` for undefined or null
   */
  set(value: T): Snapshot<T> {
    if (isNothing(value)) {
      throw new RefreshError(
        'invalid_value',
        'set() needs a value, not undefined or null. Use clear() to log out.',
      )
    }
    const superseded = this.#flights.take()
    const snapshot = this.#values.adopt(value, this.#values.number(), undefined)
    this.#flights.cooldown.reset()
    this.epoch++
    superseded?.abort()
    superseded?.land(snapshot)
    this.audience.tell({ type: 'set', generation: snapshot.generation })
    return snapshot
  }

  /**
   * Drops the value: a person logged out. It outranks a refresh that is under way and holds until `set()`;
   * until then every caller gets `credential_missing`. Generations go on counting.
   */
  clear(): void
  /** @internal With `'reread'`, a value that `reread` returns ends it too: a person may log in elsewhere. */
  clear(until?: 'set' | 'reread'): void
  clear(until: 'set' | 'reread' = 'set'): void {
    const superseded = this.#flights.take()
    const { last: generation } = this.#values
    const isClosed = until === 'set'
    this.#values.drop(isClosed)
    this.epoch++
    if (isClosed) this.#flights.cooldown.reset()
    else this.#flights.cooldown.keep(missing(), this.clock.now())
    superseded?.abort()
    superseded?.fail(missing())
    this.audience.tell({ type: 'cleared', generation })
  }

  /**
   * @internal Refreshes now, even during a cooldown or after a terminal failure, or joins the refresh that runs. If it fails, the cell
   * still holds the terminal failure, or holds the new one if that is terminal. It does not end a `clear()`.
   */
  retryNow(options?: WaitOptions): Promise<Snapshot<T>> {
    return this.#callers.retryNow(options)
  }

  /**
   * @internal Refreshes although nothing was rejected: the caller needs a value that lives longer than this one.
   *
   * @throws RefreshError as `refresh()` does
   */
  renew(than: Generation, options?: WaitOptions): Promise<Snapshot<T>> {
    return this.#callers.renew(than, options)
  }

  /** @internal True if the value in force has expired since it arrived. A value that arrived expired counts as valid until it is rejected. */
  hasExpired({ generation }: Generation): boolean {
    const { inForce } = this.#values
    return inForce?.snapshot.generation === generation && inForce.staleAt <= this.clock.now()
  }

  /** @internal */
  get isRefreshing(): boolean {
    return this.#flights.current !== undefined
  }

  /** @internal The remote side rejected the value in force, and the last refresh failed in a way that only a person can mend. */
  get isEnded(): boolean {
    return this.#values.inForce?.rejected === true && this.isDead()
  }

  /** @internal */
  get owner(): object {
    return this.#owner ?? this
  }

  /** @internal */
  isDead(): boolean {
    return this.#flights.cooldown.held?.terminal === true
  }
}
