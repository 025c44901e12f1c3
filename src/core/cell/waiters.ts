import type { RefreshError } from '../../errors.ts'
import { currentTurn } from '../../lib/input.ts'
import type { Snapshot } from '../refresher.ts'
import type { Deadline, Stage } from './deadline.ts'

/** The callers that wait for one result, of a flight or of a map's build. */
export class Waiters<T> {
  readonly #deadline: Deadline
  readonly #late: () => RefreshError
  readonly #passed: (stage: Stage) => void
  readonly #groups = new Set<Group<T>>()
  #latest: Group<T> | undefined
  /** The result. A listener that calls `set()` or `clear()` may settle it before the first caller joins. */
  #ending: Promise<Snapshot<T>> | undefined

  /**
   * @param late makes the error that a caller gets when the deadline has passed
   * @param passed called for each group of callers when the deadline has passed, before the group gets the error
   */
  constructor(
    deadline: Deadline,
    late: () => RefreshError,
    passed: (stage: Stage) => void = () => undefined,
  ) {
    this.#deadline = deadline
    this.#late = late
    this.#passed = passed
  }

  /** True if any caller waits. */
  get isAwaited(): boolean {
    return this.#groups.size > 0
  }

  /**
   * Waits for the result until the deadline. A caller that comes after the deadline fails at once.
   *
   * @param base the generation in force: the caller waits for a newer one
   */
  join(base: number): Promise<Snapshot<T>> {
    if (this.#ending !== undefined) return this.#ending
    const turn = currentTurn()
    const latest = this.#latest
    if (latest?.turn === turn && latest.base === base) return latest.promise
    if (this.#deadline.stage !== 'running') return this.refuse()
    const group = new Group<T>(turn, base)
    this.#groups.add(group)
    this.#latest = group
    this.#watch(group)
    return group.promise
  }

  /** The result for a caller that comes after the deadline. */
  refuse(): Promise<never> {
    return Promise.reject(this.#late())
  }

  /** Gives the value to the callers that wait for a newer one than they had. The other callers go on waiting. */
  serve(snapshot: Snapshot<T>): void {
    for (const group of this.#groups) {
      if (snapshot.generation <= group.base) continue
      this.#close(group)
      group.resolve(snapshot)
    }
  }

  /** Gives the result to all callers, those that wait and those that join later. */
  land(snapshot: Snapshot<T>): void {
    this.#ending = Promise.resolve(snapshot)
    this.serve(snapshot)
  }

  /** Fails the callers: there is no result. A caller that joined before the value in force arrived gets that value instead. */
  fail(error: unknown, inForce?: Snapshot<T>): void {
    this.#ending = failed(error)
    if (inForce !== undefined) this.serve(inForce)
    for (const group of this.#groups) {
      this.#close(group)
      group.reject(error)
    }
  }

  #watch(group: Group<T>): void {
    group.stopTimer = this.#deadline.watch(() => {
      const { stage } = this.#deadline
      if (stage === 'running') return this.#watch(group)
      this.#passed(stage)
      this.#close(group)
      group.reject(this.#late())
    })
  }

  #close(group: Group<T>): void {
    group.stopTimer()
    this.#groups.delete(group)
    if (this.#latest === group) this.#latest = undefined
  }
}

/** A rejected promise that may stay unhandled, because perhaps no caller joins. */
function failed(reason: unknown): Promise<never> {
  const ending = Promise.reject(reason)
  ending.catch(() => undefined)
  return ending
}

/**
 * Callers that joined in one turn of the event loop. They share a promise and a timer. A turn belongs to one request, and a platform
 * cancels both with the request, so callers of different requests share neither.
 */
class Group<T> {
  readonly turn: object
  readonly base: number
  readonly promise: Promise<Snapshot<T>>
  resolve: (snapshot: Snapshot<T>) => void = () => undefined
  reject: (error: unknown) => void = () => undefined
  stopTimer: () => void = () => undefined

  constructor(turn: object, base: number) {
    this.turn = turn
    this.base = base
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
    // No caller waits for a refresh ahead of the expiry, so a rejection may stay unhandled. An event reports the failure.
    this.promise.catch(() => undefined)
  }
}
