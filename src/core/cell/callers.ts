import { abortable, throwIfAborted } from '../../lib/abortable.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Audience } from '../audience.ts'
import type { RefreshCause } from '../events.ts'
import type { Generation, RejectionOptions, Snapshot, WaitOptions } from '../refresher.ts'
import type { Breaker } from './breaker.ts'
import type { Flights, Judged, Start } from './flights.ts'
import type { InForce } from './in-force.ts'
import type { Values } from './values.ts'

const NO_MORE: Pick<Start, 'challenge' | 'isRetry'> = {}

/** Gives each caller of a cell its value: the one in force, or the one of the refresh that it begins or joins. */
export class Callers<T> {
  readonly #values: Values<T>
  readonly #flights: Flights<T>
  readonly #clock: Clock
  readonly #audience: Audience

  constructor(values: Values<T>, flights: Flights<T>, clock: Clock, audience: Audience) {
    this.#values = values
    this.#flights = flights
    this.#clock = clock
    this.#audience = audience
  }

  /** The value in force, if no flight runs and none is due; else undefined. */
  settled(): InForce<T> | undefined {
    const { inForce } = this.#values
    if (inForce === undefined || this.#flights.current !== undefined) return undefined
    return inForce.dueAt === Infinity || this.#clock.now() < inForce.dueAt ? inForce : undefined
  }

  /** For a caller that needs a value. */
  async obtain({ signal, background }: WaitOptions = {}): Promise<Snapshot<T>> {
    throwIfAborted(signal)
    const read = this.#flights.inputRead()
    if (read !== undefined) {
      await read
      throwIfAborted(signal)
    }
    const judged = this.#flights.judge()
    const { inForce } = this.#values
    const now = this.#clock.now()
    if (inForce?.stale(now) === false) {
      if (now >= inForce.dueAt) this.#beginAhead({ background, ignoresPause: judged === 'given up' })
      return inForce.snapshot
    }
    // The value was rejected, and its refresh has failed. Only the next rejection tries again, so return the value as it is.
    if (inForce?.rejected === true && this.#flights.current === undefined) return inForce.snapshot
    try {
      const cause = inForce === undefined ? 'missing' : 'expiring'
      return await this.#fly(cause, judged, { signal, background })
    } catch (error) {
      throwIfAborted(signal)
      // The caller still gets the value that could not be refreshed. Only a logout leaves no value.
      const { inForce: latest } = this.#values
      if (latest === undefined || this.#flights.isEntered) throw error
      return latest.snapshot
    }
  }

  /** For a caller whose value was rejected. */
  replace(rejected: Generation, options: RejectionOptions, breaker: Breaker): Promise<Snapshot<T>> {
    try {
      const read = this.#flights.inputRead()
      if (read === undefined) return this.#replace(rejected, options, breaker)
      return read.then(() => this.#replace(rejected, options, breaker))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** For a caller that wants a refresh now, even during a cooldown or after a terminal failure. */
  async retryNow(options: WaitOptions = {}): Promise<Snapshot<T>> {
    const judged = await this.#judged(options)
    const { inForce } = this.#values
    const unrejected = inForce === undefined ? 'missing' : 'expiring'
    return this.#fly(inForce?.rejected === true ? 'rejected' : unrejected, judged, options, { isRetry: true })
  }

  /** For a caller that needs a value which lives longer than this one. */
  async renew(than: Generation, options: WaitOptions = {}): Promise<Snapshot<T>> {
    const { generationInForce } = this.#values
    const judged = await this.#judged(options)
    const { inForce } = this.#values
    // A value that arrived during the wait is good, even if its generation is not above `than`: a person may just have logged in.
    const replaced = Math.min(than.generation, generationInForce)
    if (inForce !== undefined && inForce.snapshot.generation > replaced) return inForce.snapshot
    return this.#fly('expiring', judged, options)
  }

  async #judged({ signal }: WaitOptions): Promise<Judged> {
    throwIfAborted(signal)
    await this.#flights.inputRead()
    throwIfAborted(signal)
    return this.#flights.judge()
  }

  #replace(rejected: Generation, options: RejectionOptions, breaker: Breaker): Promise<Snapshot<T>> {
    const { signal, endpoint, challenge, origin } = options
    throwIfAborted(signal)
    const judged = this.#flights.judge()
    const stale = rejected.generation < this.#values.generationInForce
    if (this.#audience.listens()) {
      this.#audience.tell({ type: 'rejected', generation: rejected.generation, stale }, { origin })
    }
    const { inForce } = this.#values
    if (inForce === undefined) return this.#fly('rejected', judged, options, { challenge })

    const { generation } = inForce.snapshot
    if (rejected.generation < generation) return inForce.ready
    inForce.rejected = true
    const now = this.#clock.now()
    const { refreshed } = inForce
    const rejection = { generation, endpoint, refreshed, aged: inForce.aged(now), now }
    const refusal = breaker.rejected(rejection)
    const isFirst = this.#flights.current === undefined
    if (refusal !== undefined && isFirst) throw refusal
    const joined = this.#fly('rejected', judged, options, { challenge })
    if (isFirst) breaker.began(rejection)
    return joined
  }

  /** Begins a refresh that no caller waits for, if one may run. */
  #beginAhead(start: Start): void {
    try {
      this.#flights.begin('expiring', start)
    } catch {
      // The value in force is still valid, so its callers need no refresh.
    }
  }

  /**
   * Begins a flight, or joins the one that runs. Callers of one turn without a signal share one promise, so thousands of callers cost little.
   *
   * @throws RefreshError if no flight may begin
   */
  #fly(
    cause: RefreshCause,
    judged: Judged,
    { signal, background }: WaitOptions,
    more?: Pick<Start, 'challenge' | 'isRetry'>,
  ): Promise<Snapshot<T>> {
    // We do not spread: Node 20 takes microseconds to add to a spread copy, and a stampede has thousands of callers.
    const { challenge, isRetry } = more ?? NO_MORE
    const start = { challenge, isRetry, background, ignoresPause: judged === 'given up' }
    const flight = this.#flights.begin(cause, start)
    return abortable(flight.join(this.#values.generationInForce, judged === 'overdue'), signal)
  }
}
