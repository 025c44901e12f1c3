import type { RefreshError } from '../../errors.ts'
import type { Clock } from '../../lib/clock.ts'
import type { RefreshCause } from '../events.ts'
import type { Snapshot } from '../refresher.ts'
import { Deadline } from './deadline.ts'
import { timeout } from './refusals.ts'
import { Waiters } from './waiters.ts'

/** The facts that a flight starts with. */
export interface FlightPlan {
  readonly cause: RefreshCause
  /** The sequence number of the value that was in force when the flight began. */
  readonly base: number
  /** Orders flights, `set()` and `clear()`: the higher number wins. */
  readonly sequence: number
  /** The generation that was in force when the flight began. */
  readonly generation: number
  /** True if it is a retry that ignores a held failure. */
  readonly isRetry: boolean
}

/** One run of the refresh function, and the callers that wait for it. */
export class Flight<T> {
  readonly plan: FlightPlan
  readonly deadline: Deadline
  /** The number of callers that joined. */
  joined = 0
  /** Settles when the result is no longer wanted. */
  readonly gone: Promise<void>

  readonly #controller = new AbortController()
  readonly #waiters: Waiters<T>
  readonly #lapsed: () => void
  #leave: () => void = () => undefined
  #isOver = false
  #stopTimer: (() => void) | undefined

  /**
   * @param deadline ms
   * @param lapsed called when five deadlines have passed, perhaps more than once
   */
  constructor(plan: FlightPlan, clock: Clock, deadline: number, lapsed: () => void) {
    this.plan = plan
    this.#lapsed = lapsed
    this.deadline = new Deadline(clock, deadline)
    this.gone = new Promise((resolve) => (this.#leave = resolve))
    const late = (): RefreshError => timeout('The refresh', deadline)
    this.#waiters = new Waiters(this.deadline, late, (stage) => {
      if (stage === 'lapsed') lapsed()
      else this.#watch()
    })
    // The callers that begin the flight form a group with a timer. Until the deadline the flight needs no timer besides that one.
    void this.#waiters.join(plan.generation)
  }

  /** The result is no longer wanted. Judged by the clock, because the platform may have cancelled the timer or refused the abort. */
  get isOver(): boolean {
    return this.#isOver || this.deadline.stage === 'lapsed'
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /**
   * @param generation the generation in force
   * @param isOverdue true if the caller found the flight overdue just now
   */
  join(generation: number, isOverdue: boolean): Promise<Snapshot<T>> {
    this.joined++
    return isOverdue ? this.#waiters.refuse() : this.#waiters.join(generation)
  }

  /** A flight that was given up has brought a value late. This flight goes on. */
  serve(snapshot: Snapshot<T>): void {
    this.#waiters.serve(snapshot)
    if (!this.#waiters.isAwaited) this.#watch()
  }

  land(snapshot: Snapshot<T>): void {
    this.#stopTimer?.()
    this.#waiters.land(snapshot)
  }

  fail(error: RefreshError, inForce?: Snapshot<T>): void {
    this.#stopTimer?.()
    this.#waiters.fail(error, inForce)
  }

  /** Tells the refresh function that its result is no longer wanted. */
  abort(reason?: RefreshError): void {
    this.#stopTimer?.()
    this.#isOver = true
    this.#leave()
    try {
      this.#controller.abort(reason)
    } catch {
      // Cloudflare does not let one request abort another's work.
    }
  }

  /** Watches for the end of five deadlines, once. */
  #watch(): void {
    this.#stopTimer ??= this.deadline.watch(() => {
      this.#stopTimer = undefined
      if (this.deadline.stage === 'lapsed') this.#lapsed()
      else this.#watch()
    })
  }
}
