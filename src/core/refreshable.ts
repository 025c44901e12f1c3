import { RefreshError } from '../errors.ts'
import { abortable, throwIfAborted } from '../lib/abortable.ts'
import type { Clock } from '../lib/clock.ts'
import { Breaker } from './cell/breaker.ts'
import type { Flight } from './cell/flight.ts'
import { Flights, isNothing, type Start } from './cell/flights.ts'
import type { Tenure } from './cell/in-force.ts'
import { missing } from './cell/refusals.ts'
import { Values } from './cell/values.ts'
import { type RefreshEvent, tell } from './events.ts'
import { Mapped } from './mapped.ts'
import { type CellInternals, type RefreshableOptions, readOptions } from './options.ts'
import type { Generation, Refresher, RejectionOptions, Snapshot, WaitOptions } from './refresher.ts'

/**
 * The cell: one value that goes stale. It numbers every value it has held and refreshes it once for everyone.
 *
 * @example
 * const token = new Refreshable({
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
  readonly #emit: ((event: RefreshEvent) => void) | undefined
  readonly #values: Values<T>
  readonly #flights: Flights<T>
  readonly #breaker = new Breaker()
  readonly #owner: object | undefined

  /** @internal Raised by every login and logout. */
  epoch: number = 0

  /** @throws RefreshError `invalid_option` */
  constructor(options: RefreshableOptions<T>)
  /** @internal */
  constructor(options: RefreshableOptions<T>, internals?: CellInternals)
  constructor(given: RefreshableOptions<T>, internals: CellInternals = {}) {
    const options = readOptions(given)
    const { onEvent } = options
    this.#emit = onEvent && ((event) => tell(onEvent, event))
    this.clock = options.clock
    this.deadline = options.deadline
    this.#values = new Values(options)
    this.#flights = new Flights(options, internals, this.#values, this)
    this.#owner = internals.owner
    if (options.initial !== undefined) this.#values.adopt(options.initial, 0, undefined)
  }

  peek(): Snapshot<T> | undefined {
    return this.#values.tenure?.snapshot
  }

  usable(): Snapshot<T> | undefined {
    return this.#settled()?.snapshot
  }

  snapshot(options?: WaitOptions): Promise<Snapshot<T>> {
    const settled = options?.signal?.aborted === true ? undefined : this.#settled()
    return settled?.ready ?? this.#obtain(options)
  }

  refresh(rejected: Generation, options?: RejectionOptions): Promise<Snapshot<T>>
  /** @internal */
  refresh(rejected: Generation, options?: RejectionOptions, breaker?: Breaker): Promise<Snapshot<T>>
  refresh(
    rejected: Generation,
    options: RejectionOptions = {},
    breaker: Breaker = this.#breaker,
  ): Promise<Snapshot<T>> {
    try {
      const read = this.#flights.inputRead()
      if (read === undefined) return this.#replace(rejected, options, breaker)
      return read.then(() => this.#replace(rejected, options, breaker))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  accepted(snapshot: Generation, endpoint?: string): void {
    this.#breaker.accepted(snapshot.generation, endpoint)
    this.heard(snapshot)
  }

  stillRejected(snapshot: Generation, endpoint?: string): void {
    this.#breaker.stillRejected(snapshot.generation, endpoint, this.clock.now())
  }

  /** @internal A remote side accepted this generation. What another one rejected is refreshed by the clock all the same. */
  heard({ generation }: Generation): void {
    const { tenure } = this.#values
    if (
      tenure?.rejected === true &&
      this.#flights.current === undefined &&
      generation === this.#values.inForce
    ) {
      tenure.rejected = false
    }
  }

  map<U>(build: (value: T) => U | Promise<U>): Refresher<U> {
    return new Mapped(this, build)
  }

  /**
   * Puts a value in force: a person logged in again. It outranks a refresh that is under way, and ends a
   * terminal failure and a `clear()`. Those who wait for a refresh get this value.
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
    this.#flights.setback.reset()
    this.epoch++
    superseded?.abort()
    superseded?.land(snapshot)
    this.#emit?.({ type: 'set', generation: snapshot.generation })
    return snapshot
  }

  /**
   * Drops the value: a person logged out. It outranks a refresh that is under way and holds until `set()`;
   * until then every caller gets `credential_missing`. Numbers never restart.
   */
  clear(): void
  /** @internal What `reread` finds ends it, too: somebody may log in elsewhere. */
  clear(until?: 'set' | 'reread'): void
  clear(until: 'set' | 'reread' = 'set'): void {
    const superseded = this.#flights.take()
    const { last: generation } = this.#values
    const isClosed = until === 'set'
    this.#values.drop(isClosed)
    this.epoch++
    if (isClosed) this.#flights.setback.reset()
    else this.#flights.setback.keep(missing(), this.clock.now())
    superseded?.abort()
    superseded?.fail(missing())
    this.#emit?.({ type: 'cleared', generation })
  }

  /**
   * @internal Refreshes now, in spite of a cooldown and of a terminal failure that is held, or joins the refresh that runs. Where it
   * fails, the terminal failure is still held, or the new one is. A `clear()` it does not end.
   */
  async retryNow(options?: WaitOptions): Promise<Snapshot<T>> {
    throwIfAborted(options?.signal)
    await this.#flights.inputRead()
    throwIfAborted(options?.signal)
    const judged = this.#flights.judge()
    const { tenure } = this.#values
    const unrejected = tenure === undefined ? 'missing' : 'expiring'
    const cause = tenure?.rejected === true ? 'rejected' : unrejected
    const start = { background: options?.background, ignoresPause: true, isRetry: true }
    return this.#join(this.#flights.begin(cause, start), judged === 'overdue', options?.signal)
  }

  /**
   * @internal A caller needs a value that lives longer than this one: a refresh runs, though nothing was rejected.
   *
   * @throws RefreshError as `refresh()` does
   */
  async renew(than: Generation, options?: WaitOptions): Promise<Snapshot<T>> {
    throwIfAborted(options?.signal)
    await this.#flights.inputRead()
    const judged = this.#flights.judge()
    const { tenure } = this.#values
    if (tenure !== undefined && tenure.snapshot.generation > than.generation) return tenure.snapshot
    const start = { background: options?.background, ignoresPause: judged === 'given up' }
    return this.#join(this.#flights.begin('expiring', start), judged === 'overdue', options?.signal)
  }

  /** @internal Whether a value has expired since it came. One that came expired counts as good until it is rejected. */
  hasExpired({ generation }: Generation): boolean {
    const { tenure } = this.#values
    return tenure?.snapshot.generation === generation && tenure.staleAt <= this.clock.now()
  }

  /** @internal */
  get owner(): object {
    return this.#owner ?? this
  }

  /** @internal */
  isDead(): boolean {
    return this.#flights.setback.held?.terminal === true
  }

  /** The value in force, where no flight runs and none is due. */
  #settled(): Tenure<T> | undefined {
    const { tenure } = this.#values
    if (tenure === undefined || this.#flights.current !== undefined) return undefined
    return tenure.dueAt === Infinity || this.clock.now() < tenure.dueAt ? tenure : undefined
  }

  /** For a caller whose value was rejected. */
  #replace(rejected: Generation, options: RejectionOptions, breaker: Breaker): Promise<Snapshot<T>> {
    const { signal, endpoint, challenge, background } = options
    throwIfAborted(signal)
    const judged = this.#flights.judge()
    const stale = rejected.generation < this.#values.inForce
    this.#emit?.({ type: 'rejected', generation: rejected.generation, stale })
    const { tenure } = this.#values
    const start = { challenge, background, ignoresPause: judged === 'given up' }
    const isOverdue = judged === 'overdue'
    if (tenure === undefined) {
      return this.#join(this.#flights.begin('rejected', start), isOverdue, signal)
    }

    const { generation } = tenure.snapshot
    if (rejected.generation < generation) return tenure.ready
    tenure.rejected = true
    const now = this.clock.now()
    const { refreshed } = tenure
    const rejection = { generation, endpoint, refreshed, aged: tenure.aged(now), now }
    const refusal = breaker.rejected(rejection)
    const running = this.#flights.current
    if (refusal !== undefined && running === undefined) throw refusal
    const flight = this.#flights.begin('rejected', start)
    if (flight !== running) breaker.began(rejection)
    return this.#join(flight, isOverdue, signal)
  }

  /** For a caller that needs a value. */
  async #obtain({ signal, background }: WaitOptions = {}): Promise<Snapshot<T>> {
    throwIfAborted(signal)
    const read = this.#flights.inputRead()
    if (read !== undefined) {
      await read
      throwIfAborted(signal)
    }
    const judged = this.#flights.judge()
    const ignoresPause = judged === 'given up'
    const { tenure } = this.#values
    const now = this.clock.now()
    if (tenure?.stale(now) === false) {
      if (now >= tenure.dueAt) this.#beginAhead({ background, ignoresPause })
      return tenure.snapshot
    }
    // It was rejected, and the refresh has failed: the next rejection tries again, not the clock.
    if (tenure?.rejected === true && this.#flights.current === undefined) return tenure.snapshot
    try {
      const cause = tenure === undefined ? 'missing' : 'expiring'
      const flight = this.#flights.begin(cause, { background, ignoresPause })
      return await this.#join(flight, judged === 'overdue', signal)
    } catch (error) {
      throwIfAborted(signal)
      // A value that could not be refreshed is still sent; only a logout leaves none.
      const { tenure: latest } = this.#values
      if (latest === undefined || this.#flights.isEntered) throw error
      return latest.snapshot
    }
  }

  /** A refresh that no caller waits for, where one may run. */
  #beginAhead(start: Start): void {
    try {
      this.#flights.begin('expiring', start)
    } catch {
      // then the value that is still good is good enough
    }
  }

  /** Without a signal, callers of one turn get one promise: a stampede costs next to nothing. */
  #join(flight: Flight<T>, isOverdue: boolean, signal: AbortSignal | undefined): Promise<Snapshot<T>> {
    return abortable(flight.join(this.#values.inForce, isOverdue), signal)
  }
}
