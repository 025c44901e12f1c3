import { abortable, throwIfAborted } from './abortable.ts'
import { Breaker } from './breaker.ts'
import type { Clock } from './clock.ts'
import { RefreshError } from './errors.ts'
import { asRefreshError, type RefreshEvent, tell } from './events.ts'
import { Flight } from './flight.ts'
import { Mapped } from './mapped.ts'
import { type CellOptions, type RefreshableOptions, readOptions } from './options.ts'
import type {
  Generation,
  RefreshCause,
  Refresher,
  RejectionOptions,
  Snapshot,
  WaitOptions,
} from './refresher.ts'
import { missing, reentrant, unhelpful } from './refusals.ts'
import { Setback } from './setback.ts'
import { Tenure } from './tenure.ts'

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
  readonly #options: CellOptions<T>
  readonly #emit: ((event: RefreshEvent) => void) | undefined
  readonly #setback: Setback
  readonly #breaker = new Breaker()

  /** @internal Raised by every login and logout. */
  epoch: number = 0
  #tenure: Tenure<T> | undefined
  /** The last generation given out; numbers never restart. */
  #generation = 0
  #flight: Flight<T> | undefined
  /** Counts flights, `set()` and `clear()`; `#applied` is the last one that took effect. */
  #sequence = 0
  #applied = 0
  #cleared = false
  /** The host's refresh function is on the stack right now. */
  #entered = false

  /** @throws RefreshError `invalid_option` */
  constructor(given: RefreshableOptions<T>) {
    const options = readOptions(given)
    const { onEvent } = options
    this.#options = options
    this.#emit = onEvent && ((event) => tell(onEvent, event))
    this.clock = options.clock
    this.deadline = options.deadline
    this.#setback = new Setback(options.cooldown)
    if (options.initial !== undefined) this.#adopt(options.initial, 0, undefined)
  }

  peek(): Snapshot<T> | undefined {
    return this.#tenure?.snapshot
  }

  usable(): Snapshot<T> | undefined {
    return this.#settled()?.snapshot
  }

  snapshot(options?: WaitOptions): Promise<Snapshot<T>> {
    const settled = options?.signal?.aborted === true ? undefined : this.#settled()
    return settled?.ready ?? this.#obtain(options?.signal)
  }

  refresh(rejected: Generation, options?: RejectionOptions): Promise<Snapshot<T>>
  /** @internal */
  refresh(rejected: Generation, options?: RejectionOptions, breaker?: Breaker): Promise<Snapshot<T>>
  refresh(
    rejected: Generation,
    options?: RejectionOptions,
    breaker: Breaker = this.#breaker,
  ): Promise<Snapshot<T>> {
    try {
      throwIfAborted(options?.signal)
      const stale = rejected.generation < (this.peek()?.generation ?? 0)
      this.#emit?.({ type: 'rejected', generation: rejected.generation, stale })
      const tenure = this.#tenure
      if (tenure !== undefined) {
        const { generation } = tenure.snapshot
        if (rejected.generation < generation) return tenure.ready
        tenure.rejected = true
        const now = this.clock.now()
        const pause = breaker.rejected(generation, tenure.refreshed, tenure.aged(now), now)
        if (pause > 0 && this.#flight === undefined) throw unhelpful(pause)
      }
      return this.#join(this.#begin('rejected', options?.challenge), options?.signal)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  accepted(snapshot: Generation): void {
    this.#breaker.accepted(snapshot.generation)
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
      throw new RefreshError('invalid_value', 'set() needs a value.')
    }
    const superseded = this.#takeFlight()
    const snapshot = this.#adopt(value, ++this.#sequence, undefined)
    this.#cleared = false
    this.epoch++
    superseded?.land(snapshot)
    superseded?.abort()
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
    const superseded = this.#takeFlight()
    this.#applied = ++this.#sequence
    this.#tenure = undefined
    this.#cleared = until === 'set'
    this.epoch++
    if (this.#cleared) this.#setback.reset()
    else this.#setback.keep(missing(), this.clock.now())
    superseded?.fail(missing())
    superseded?.abort()
    this.#emit?.({ type: 'cleared', generation: this.#generation })
  }

  /** The value in force, where no flight runs and none is due. */
  #settled(): Tenure<T> | undefined {
    const tenure = this.#tenure
    if (tenure === undefined || this.#flight !== undefined) return undefined
    return tenure.dueAt === Infinity || this.clock.now() < tenure.dueAt ? tenure : undefined
  }

  async #obtain(signal: AbortSignal | undefined): Promise<Snapshot<T>> {
    throwIfAborted(signal)
    const tenure = this.#tenure
    const now = this.clock.now()
    if (tenure?.stale(now) === false) {
      if (now >= tenure.dueAt) this.#beginAhead()
      return tenure.snapshot
    }
    // It was rejected, and the refresh has failed: the next rejection tries again, not the clock.
    if (tenure?.rejected === true && this.#flight === undefined) return tenure.snapshot
    try {
      return await this.#join(this.#begin(tenure === undefined ? 'missing' : 'expiring', undefined), signal)
    } catch (error) {
      throwIfAborted(signal)
      // A value that could not be refreshed is still sent; only a logout leaves none.
      if (this.#tenure === undefined || this.#entered) throw error
      return this.#tenure.snapshot
    }
  }

  /** The flight that runs, else a new one. Throws where none may run. */
  #begin(cause: RefreshCause, challenge: string | undefined): Flight<T> {
    if (this.#entered) throw reentrant()
    if (this.#cleared) throw missing()
    if (this.#flight !== undefined) return this.#flight

    const now = this.clock.now()
    const refusal = this.#setback.refusal(now, this.#options.reread !== undefined)
    if (refusal !== undefined) throw refusal

    const flight = new Flight<T>(cause, this.#applied, ++this.#sequence, now)
    this.#flight = flight
    flight.startDeadline(this.clock, this.deadline, (error) => this.#failed(flight, error))
    this.#emit?.({ type: 'refresh_started', generation: this.peek()?.generation ?? 0, cause })
    // A listener may have logged in or out.
    if (this.#flight !== flight) return flight
    this.#run(flight, challenge).then(
      (value) => this.#landed(flight, value),
      (error: unknown) => this.#failed(flight, asRefreshError(error)),
    )
    return flight
  }

  /** A refresh that nobody waits for, where one may run. */
  #beginAhead(): void {
    try {
      this.#begin('expiring', undefined)
    } catch {
      // then the value that is still good is good enough
    }
  }

  /** Calls the host's function; whatever it does, the answer is a promise. */
  async #run(flight: Flight<T>, challenge: string | undefined): Promise<T> {
    const { refresh, reread } = this.#options
    const call = this.#setback.held === undefined ? refresh : (reread ?? refresh)
    const current = this.peek()
    let running: Promise<T | undefined>
    this.#entered = true
    try {
      running = call({ current, cause: flight.cause, challenge, signal: flight.signal })
    } finally {
      this.#entered = false
    }
    const value = await running
    if (isNothing(value) || (call === reread && value === current?.value)) {
      throw new RefreshError('invalid_value', 'The refresh function returned nothing.')
    }
    return value
  }

  #landed(flight: Flight<T>, value: T): void {
    if (this.#flight === flight) this.#flight = undefined
    const { cause, joined, overdue, sequence, startedAt } = flight
    if (sequence <= this.#applied) {
      this.#emit?.({ type: 'refresh_discarded', generation: this.#generation, cause })
      return
    }
    const snapshot = this.#adopt(value, sequence, cause)
    flight.land(snapshot)
    const { generation } = snapshot
    const duration = this.clock.now() - startedAt
    this.#emit?.({ type: 'refresh_succeeded', generation, cause, duration, joined, late: overdue })
  }

  #failed(flight: Flight<T>, reason: RefreshError): void {
    // Superseded or given up: what it failed with concerns nobody any more.
    if (this.#flight !== flight) return
    this.#flight = undefined
    const { cause, joined, startedAt } = flight
    // A flight that was given up has landed meanwhile: this failure is of the value before.
    if (this.#tenure !== undefined && this.#applied > flight.base) return flight.land(this.#tenure.snapshot)
    const now = this.clock.now()
    const stillGood = (this.#tenure?.staleAt ?? 0) - now
    // An expiry is worth another try, however short the cooldown was by then.
    const atMost = cause === 'expiring' && stillGood > 0 ? stillGood : undefined
    const error = this.#setback.note(reason, now, atMost)
    flight.fail(error)
    const generation = this.peek()?.generation ?? 0
    this.#emit?.({ type: 'refresh_failed', generation, cause, duration: now - startedAt, joined, error })
  }

  /** Without a signal, every caller gets the one promise: a stampede costs next to nothing. */
  #join(flight: Flight<T>, signal: AbortSignal | undefined): Promise<Snapshot<T>> {
    flight.joined++
    return abortable(flight.outcome, signal)
  }

  #takeFlight(): Flight<T> | undefined {
    const flight = this.#flight
    this.#flight = undefined
    return flight
  }

  /** Puts a value in force. `cause` is that of the refresh it came from; the host's own values have none. */
  #adopt(value: T, sequence: number, cause: RefreshCause | undefined): Snapshot<T> {
    const expiresAt = this.#options.expiresAt(value)
    const snapshot: Snapshot<T> = { value, generation: ++this.#generation, expiresAt }
    this.#tenure = new Tenure(snapshot, cause, this.clock.now(), this.#options.ahead)
    this.#applied = sequence
    this.#setback.reset()
    return snapshot
  }
}

function isNothing(value: unknown): value is undefined | null {
  return value === undefined || value === null
}
