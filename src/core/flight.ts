import { type Clock, startTimer } from './clock.ts'
import type { RefreshError } from './errors.ts'
import type { RefreshCause, Snapshot } from './refresher.ts'
import { timeout } from './refusals.ts'

/** How many deadlines a flight stays the only one, though nobody waits for it any more. */
const DEADLINES = 5

/** One run of the refresh function, and those who wait for it. */
export class Flight<T> {
  readonly cause: RefreshCause
  /** The sequence of what was in force when it began. */
  readonly base: number
  /** Orders flights, `set()` and `clear()`: what began later outranks. */
  readonly sequence: number
  readonly startedAt: number
  /** What waiters get. Settles at the deadline at the latest, the run itself perhaps later. */
  readonly outcome: Promise<Snapshot<T>>
  /** Callers that waited. */
  joined = 0
  /** The deadline has passed. */
  overdue = false

  readonly #controller = new AbortController()
  #resolve: (snapshot: Snapshot<T>) => void = () => undefined
  #reject: (error: RefreshError) => void = () => undefined
  #stopTimer: () => void = () => undefined

  constructor(cause: RefreshCause, base: number, sequence: number, startedAt: number) {
    this.cause = cause
    this.base = base
    this.sequence = sequence
    this.startedAt = startedAt
    this.outcome = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    // A background refresh may have no waiter; its failure is told as an event.
    this.outcome.catch(() => undefined)
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** @param abandoned called when five deadlines have passed and the run is given up. */
  startDeadline(clock: Clock, deadline: number, abandoned: (error: RefreshError) => void): void {
    this.#stopTimer = startTimer(clock, deadline, () => {
      const error = timeout('The refresh', deadline)
      this.overdue = true
      this.#reject(error)
      this.#stopTimer = startTimer(clock, deadline * (DEADLINES - 1), () => {
        abandoned(error)
        this.#controller.abort(error)
      })
    })
  }

  land(snapshot: Snapshot<T>): void {
    this.#stopTimer()
    this.#resolve(snapshot)
  }

  fail(error: RefreshError): void {
    this.#stopTimer()
    this.#reject(error)
  }

  /** Tells the run that nobody wants its result. */
  abort(): void {
    this.#stopTimer()
    this.#controller.abort()
  }
}
