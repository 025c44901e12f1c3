import { RefreshError } from '../../errors.ts'
import { asRefreshError, type RefreshCause } from '../events.ts'
import type { CellInternals, CellOptions } from '../options.ts'
import type { Background } from '../refresher.ts'
import { runAsSource } from '../source-context.ts'
import { Cooldown } from './cooldown.ts'
import { Flight } from './flight.ts'
import { missing, reentrant, timeout } from './refusals.ts'
import type { Values } from './values.ts'

/** Options of a new flight. */
export interface Start {
  readonly challenge?: string | undefined
  readonly background?: Background | undefined
  /** Begins even during a cooldown, because this same call gave up the flight before. */
  readonly ignoresPause: boolean
  /** Begins even during a cooldown and after a terminal failure. */
  readonly isRetry?: boolean | undefined
}

/** A caller's judgement of the flight that runs. */
export type Judged = 'timely' | 'overdue' | 'given up'

/** The flights of a cell, one at a time, and their results. */
export class Flights<T> {
  /** The pause that failed flights lead to. */
  readonly cooldown: Cooldown
  readonly #options: CellOptions<T>
  readonly #internals: CellInternals
  readonly #values: Values<T>
  readonly #cell: object
  /** The flight that runs. */
  current: Flight<T> | undefined
  /** The host's refresh function is on the call stack now, so a call of the cell comes from that function. */
  isEntered = false

  /** @param cell the owner of the refresh function's requests: see `runAsSource()` */
  constructor(options: CellOptions<T>, internals: CellInternals, values: Values<T>, cell: object) {
    this.#cell = cell
    this.#options = options
    this.#internals = internals
    this.#values = values
    this.cooldown = new Cooldown(options.cooldown, internals.looksOften === true)
  }

  /** A login or a logout supersedes the flight that runs. */
  take(): Flight<T> | undefined {
    const flight = this.current
    this.current = undefined
    return flight
  }

  /** If the flight's deadline has passed: settles once input that has arrived was read. A caller awaits that before it judges the flight. */
  inputRead(): Promise<void> | undefined {
    return this.current?.deadline.inputRead()
  }

  /**
   * Judges the running flight by the clock, because the platform may have cancelled its timer. Gives the flight up if it has lapsed, or if it
   * is overdue and a new flight spends nothing.
   */
  judge(): Judged {
    const flight = this.current
    const stage = flight?.deadline.stage ?? 'running'
    if (flight === undefined || stage === 'running') return 'timely'
    if (stage === 'overdue' && this.#internals.spends !== false) return 'overdue'
    this.#giveUp(flight)
    return 'given up'
  }

  /** Returns the running flight, or begins one. @throws RefreshError if none may run */
  begin(cause: RefreshCause, start: Start): Flight<T> {
    if (this.isEntered) throw reentrant()
    if (this.#values.isClosed) throw missing()
    if (this.current !== undefined) return this.current

    const { clock, deadline, reread } = this.#options
    const { background, challenge, ignoresPause, isRetry = false } = start
    const refusal = isRetry
      ? undefined
      : this.cooldown.refusal(clock.now(), reread !== undefined, ignoresPause)
    if (refusal !== undefined) throw refusal

    const { applied: base, generationInForce: generation } = this.#values
    const plan = { cause, base, sequence: this.#values.number(), generation, isRetry }
    const flight: Flight<T> = new Flight<T>(plan, clock, deadline, () => this.#giveUp(flight))
    this.current = flight
    const { audience } = this.#options
    audience.tell({ type: 'refresh_started', generation, cause })
    // The listener may have called `set()` or `clear()`.
    if (this.current !== flight) return flight
    const over = this.#run(flight, challenge).then(
      (value) => this.#landed(flight, value),
      (error: unknown) => this.#failed(flight, asRefreshError(error)),
    )
    const takers = [this.#options.background, background]
    handOver(takers, Promise.race([over, flight.gone]), this.#internals.settled)
    return flight
  }

  /** Calls the host's function. If the function throws at once, the promise rejects. */
  async #run(flight: Flight<T>, challenge: string | undefined): Promise<T> {
    const { refresh, reread } = this.#options
    const { cause, isRetry } = flight.plan
    const { held, isKept } = this.cooldown
    const call = held === undefined || (isRetry && !isKept) ? refresh : (reread ?? refresh)
    const current = this.#values.inForce?.snapshot
    const queued = (isWaiting: boolean): void => flight.deadline.queued(isWaiting)
    let running: Promise<T | undefined>
    this.isEntered = true
    try {
      const isOver = (): boolean => flight.isOver
      const context = { current, cause, challenge, signal: flight.signal, queued, isOver, isRetry }
      const { owner } = this.#internals
      running = owner === undefined ? runAsSource(() => call(context), this.#cell) : call(context)
    } finally {
      this.isEntered = false
    }
    const value = await running
    // The reread found no value, so the failure still holds.
    if (isNothing(value) && call === reread && held !== undefined) throw held
    if (isNothing(value) || (call === reread && value === current?.value)) {
      throw new RefreshError(
        'invalid_value',
        'The refresh function returned nothing. It must return the new value, or throw an error that says why there is none.',
      )
    }
    return value
  }

  #landed(flight: Flight<T>, value: T): void {
    const late = this.current !== flight || flight.deadline.stage !== 'running'
    if (this.current === flight) this.current = undefined
    const { joined, plan, deadline } = flight
    const { cause, sequence } = plan
    const { audience } = this.#options
    if (sequence <= this.#values.applied) {
      audience.tell({ type: 'refresh_discarded', generation: this.#values.last, cause })
      return
    }
    const snapshot = this.#values.adopt(value, sequence, cause)
    this.cooldown.reset()
    flight.land(snapshot)
    // The flight that runs now began without this value. Its callers need not wait any longer.
    this.current?.serve(snapshot)
    const { generation, expiresAt } = snapshot
    const duration = deadline.elapsed
    audience.tell({ type: 'refresh_succeeded', generation, cause, duration, joined, late, expiresAt })
  }

  #giveUp(flight: Flight<T>): void {
    this.#failed(flight, timeout('The refresh', this.#options.deadline), true)
  }

  #failed(flight: Flight<T>, reason: RefreshError, isGivenUp = false): void {
    // The flight was superseded or given up, so its callers have their result already.
    if (this.current !== flight) return
    this.current = undefined
    const { joined, plan, deadline } = flight
    const { cause, base, isRetry } = plan
    const inForce = this.#values.inForce?.snapshot
    // If another flight's value came into force meanwhile, this failure concerns an older value, so no cooldown follows.
    const isOutdated = inForce !== undefined && this.#values.applied > base
    const counts = isOutdated ? reason : this.#note(reason, cause)
    const error = isRetry ? reason : counts
    // Abort the old run first: a caller or a listener that gets the failure may begin the next flight at once.
    if (isGivenUp) flight.abort(reason)
    flight.fail(error, this.#values.inForce?.snapshot)
    const { elapsed: duration } = deadline
    const generation = inForce?.generation ?? 0
    const { audience } = this.#options
    audience.tell({ type: 'refresh_failed', generation, cause, duration, joined, error })
  }

  #note(reason: RefreshError, cause: RefreshCause): RefreshError {
    const now = this.#options.clock.now()
    const stillGood = (this.#values.inForce?.staleAt ?? 0) - now
    // End the pause when the value expires at the latest, so that a refresh is tried then.
    return this.cooldown.note(reason, now, cause === 'expiring' && stillGood > 0 ? stillGood : undefined)
  }
}

export function isNothing(value: unknown): value is undefined | null {
  return value === undefined || value === null
}

/**
 * Hands a flight to the callbacks that keep the platform from cancelling it.
 *
 * @param over settles when the flight is over
 * @param settled called when the flight is over: its promise settles when the flight's token is stored
 */
function handOver(
  takers: readonly (Background | undefined)[],
  over: Promise<unknown>,
  settled: (() => Promise<void>) | undefined,
): void {
  const wanted = new Set(takers)
  wanted.delete(undefined)
  if (wanted.size === 0) return
  const ended = over
    .catch(() => undefined)
    .then(settled)
    .catch(() => undefined)
  for (const take of wanted) {
    try {
      const returned: unknown = take?.(ended)
      if (returned instanceof Promise) returned.catch(() => undefined)
    } catch {
      // `waitUntil` throws outside of a request. The flight goes on without its protection.
    }
  }
}
