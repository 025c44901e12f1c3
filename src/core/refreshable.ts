import { abortable, throwIfAborted } from './abortable.ts'
import { handOver } from './background.ts'
import { Breaker } from './breaker.ts'
import type { Clock } from './clock.ts'
import { RefreshError } from './errors.ts'
import { asRefreshError, type RefreshEvent, tell } from './events.ts'
import { Flight } from './flight.ts'
import { Mapped } from './mapped.ts'
import { type CellInternals, type CellOptions, type RefreshableOptions, readOptions } from './options.ts'
import type {
  Background,
  Generation,
  RefreshCause,
  Refresher,
  RejectionOptions,
  Snapshot,
  WaitOptions,
} from './refresher.ts'
import { missing, reentrant, timeout } from './refusals.ts'
import { Setback } from './setback.ts'
import { Tenure } from './tenure.ts'

/** How a flight begins. */
interface Start {
  readonly challenge?: string | undefined
  readonly background?: Background | undefined
  /** Begins in spite of a cooldown: this call gave up the flight before. */
  readonly ignoresPause?: boolean
  /** Begins in spite of a cooldown and of a failure that is held. */
  readonly isRetry?: boolean
}

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
  readonly #internals: CellInternals
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
  constructor(options: RefreshableOptions<T>)
  /** @internal */
  constructor(options: RefreshableOptions<T>, internals?: CellInternals)
  constructor(given: RefreshableOptions<T>, internals: CellInternals = {}) {
    const options = readOptions(given)
    const { onEvent } = options
    this.#options = options
    this.#internals = internals
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
      const read = this.#flight?.deadline.inputRead()
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
    const tenure = this.#tenure
    if (tenure?.rejected === true && this.#flight === undefined && generation === this.#generation) {
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
    const superseded = this.#takeFlight()
    const snapshot = this.#adopt(value, ++this.#sequence, undefined)
    this.#cleared = false
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
    const superseded = this.#takeFlight()
    const generation = this.#generation
    this.#applied = ++this.#sequence
    this.#tenure = undefined
    this.#cleared = until === 'set'
    this.epoch++
    if (this.#cleared) this.#setback.reset()
    else this.#setback.keep(missing(), this.clock.now())
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
    await this.#flight?.deadline.inputRead()
    throwIfAborted(options?.signal)
    this.#judge()
    const tenure = this.#tenure
    const unrejected = tenure === undefined ? 'missing' : 'expiring'
    const cause = tenure?.rejected === true ? 'rejected' : unrejected
    return this.#join(this.#begin(cause, { background: options?.background, isRetry: true }), options?.signal)
  }

  /** The value in force, where no flight runs and none is due. */
  #settled(): Tenure<T> | undefined {
    const tenure = this.#tenure
    if (tenure === undefined || this.#flight !== undefined) return undefined
    return tenure.dueAt === Infinity || this.clock.now() < tenure.dueAt ? tenure : undefined
  }

  /** For a caller whose value was rejected. */
  #replace(rejected: Generation, options: RejectionOptions, breaker: Breaker): Promise<Snapshot<T>> {
    const { signal, endpoint } = options
    throwIfAborted(signal)
    const ignoresPause = this.#judge()
    const stale = rejected.generation < (this.peek()?.generation ?? 0)
    this.#emit?.({ type: 'rejected', generation: rejected.generation, stale })
    const tenure = this.#tenure
    if (tenure === undefined) return this.#join(this.#begin('rejected', { ...options, ignoresPause }), signal)

    const { generation } = tenure.snapshot
    if (rejected.generation < generation) return tenure.ready
    tenure.rejected = true
    const now = this.clock.now()
    const { refreshed } = tenure
    const rejection = { generation, endpoint, refreshed, aged: tenure.aged(now), now }
    const refusal = breaker.rejected(rejection)
    const running = this.#flight
    if (refusal !== undefined && running === undefined) throw refusal
    const flight = this.#begin('rejected', { ...options, ignoresPause })
    if (flight !== running) breaker.began(rejection)
    return this.#join(flight, signal)
  }

  /** For a caller that needs a value. */
  async #obtain({ signal, background }: WaitOptions = {}): Promise<Snapshot<T>> {
    throwIfAborted(signal)
    const read = this.#flight?.deadline.inputRead()
    if (read !== undefined) {
      await read
      throwIfAborted(signal)
    }
    const ignoresPause = this.#judge()
    const tenure = this.#tenure
    const now = this.clock.now()
    if (tenure?.stale(now) === false) {
      if (now >= tenure.dueAt) this.#beginAhead({ background, ignoresPause })
      return tenure.snapshot
    }
    // It was rejected, and the refresh has failed: the next rejection tries again, not the clock.
    if (tenure?.rejected === true && this.#flight === undefined) return tenure.snapshot
    try {
      const cause = tenure === undefined ? 'missing' : 'expiring'
      return await this.#join(this.#begin(cause, { background, ignoresPause }), signal)
    } catch (error) {
      throwIfAborted(signal)
      // A value that could not be refreshed is still sent; only a logout leaves none.
      if (this.#tenure === undefined || this.#entered) throw error
      return this.#tenure.snapshot
    }
  }

  /** Gives up the flight that runs where its time is over: its timer may be gone with the request that began it. Tells whether it did. */
  #judge(): boolean {
    const flight = this.#flight
    const stage = flight?.deadline.stage ?? 'running'
    if (flight === undefined || stage === 'running') return false
    if (stage === 'overdue' && this.#internals.spends !== false) return false
    this.#giveUp(flight)
    return true
  }

  /** The flight that runs, else a new one. Throws where none may run. */
  #begin(cause: RefreshCause, start: Start): Flight<T> {
    if (this.#entered) throw reentrant()
    if (this.#cleared) throw missing()
    if (this.#flight !== undefined) return this.#flight

    const { background, challenge, isRetry = false, ignoresPause = false } = start
    const canReread = this.#options.reread !== undefined
    const refusal = isRetry ? undefined : this.#setback.refusal(this.clock.now(), canReread, ignoresPause)
    if (refusal !== undefined) throw refusal

    const generation = this.peek()?.generation ?? 0
    const plan = { cause, base: this.#applied, sequence: ++this.#sequence, generation, isRetry }
    const flight: Flight<T> = new Flight<T>(plan, this.clock, this.deadline, () => this.#giveUp(flight))
    this.#flight = flight
    this.#emit?.({ type: 'refresh_started', generation, cause })
    // A listener may have logged in or out.
    if (this.#flight !== flight) return flight
    const over = this.#run(flight, challenge).then(
      (value) => this.#landed(flight, value),
      (error: unknown) => this.#failed(flight, asRefreshError(error)),
    )
    const takers = [this.#options.background, background]
    handOver(takers, Promise.race([over, flight.gone]), this.#internals.settled)
    return flight
  }

  /** A refresh that no caller waits for, where one may run. */
  #beginAhead(start: Start): void {
    try {
      this.#begin('expiring', start)
    } catch {
      // then the value that is still good is good enough
    }
  }

  /** Calls the host's function; whatever it does, the answer is a promise. */
  async #run(flight: Flight<T>, challenge: string | undefined): Promise<T> {
    const { refresh, reread } = this.#options
    const { cause, isRetry } = flight.plan
    const { held, isKept } = this.#setback
    const call = held === undefined || (isRetry && !isKept) ? refresh : (reread ?? refresh)
    const current = this.peek()
    const queued = (isWaiting: boolean): void => flight.deadline.queued(isWaiting)
    let running: Promise<T | undefined>
    this.#entered = true
    try {
      running = call({ current, cause, challenge, signal: flight.signal, queued })
    } finally {
      this.#entered = false
    }
    const value = await running
    if (isNothing(value) || (call === reread && value === current?.value)) {
      throw new RefreshError(
        'invalid_value',
        'The refresh function returned nothing. It must return the new value, or throw an error that says why there is none.',
      )
    }
    return value
  }

  #landed(flight: Flight<T>, value: T): void {
    const isLate = this.#flight !== flight || flight.deadline.stage !== 'running'
    if (this.#flight === flight) this.#flight = undefined
    const { joined, plan, deadline } = flight
    const { cause, sequence } = plan
    if (sequence <= this.#applied) {
      this.#emit?.({ type: 'refresh_discarded', generation: this.#generation, cause })
      return
    }
    const snapshot = this.#adopt(value, sequence, cause)
    const { generation } = snapshot
    flight.land(snapshot)
    // The flight that runs now began without this value. Its callers need not wait any longer.
    this.#flight?.serve(snapshot)
    this.#emit?.({
      type: 'refresh_succeeded',
      generation,
      cause,
      duration: deadline.elapsed,
      joined,
      late: isLate,
    })
  }

  #giveUp(flight: Flight<T>): void {
    this.#failed(flight, timeout('The refresh', this.deadline), true)
  }

  #failed(flight: Flight<T>, reason: RefreshError, isGivenUp = false): void {
    // Superseded or given up: what it failed with concerns nobody any more.
    if (this.#flight !== flight) return
    this.#flight = undefined
    const { joined, plan, deadline } = flight
    const { cause, base, isRetry } = plan
    const inForce = this.peek()
    // Where a flight that was given up has landed meanwhile, this failure is of the value before: it is not held.
    const isOutdated = inForce !== undefined && this.#applied > base
    const counts = isOutdated ? reason : this.#note(reason, cause)
    const error = isRetry ? reason : counts
    // The run must hear of it before a caller or a listener can begin the next.
    if (isGivenUp) flight.abort(reason)
    flight.fail(error, inForce)
    const generation = inForce?.generation ?? 0
    this.#emit?.({ type: 'refresh_failed', generation, cause, duration: deadline.elapsed, joined, error })
  }

  #note(reason: RefreshError, cause: RefreshCause): RefreshError {
    const now = this.clock.now()
    const stillGood = (this.#tenure?.staleAt ?? 0) - now
    // An expiry is worth another try, however short the cooldown was by then.
    return this.#setback.note(reason, now, cause === 'expiring' && stillGood > 0 ? stillGood : undefined)
  }

  /** Without a signal, callers of one turn get one promise: a stampede costs next to nothing. */
  #join(flight: Flight<T>, signal: AbortSignal | undefined): Promise<Snapshot<T>> {
    return abortable(flight.join(this.peek()?.generation ?? 0), signal)
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
