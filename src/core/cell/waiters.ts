import type { RefreshError } from '../../errors.ts'
import { currentTurn } from '../../lib/input.ts'
import type { Snapshot } from '../refresher.ts'
import type { Deadline, Stage } from './deadline.ts'

/** The callers that wait for one result: a flight's, or a map's. */
export class Waiters<T> {
  readonly #deadline: Deadline
  readonly #late: () => RefreshError
  readonly #passed: (stage: Stage) => void
  readonly #groups = new Set<Group<T>>()
  #latest: Group<T> | undefined
  /** The result. A listener may settle it before the first caller joins. */
  #ending: Promise<Snapshot<T>> | undefined

  /**
   * @param late makes the error that a caller gets when the deadline has passed
   * @param passed called before that, for each group of callers
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

  /** A caller waits. */
  get isAwaited(): boolean {
    return this.#groups.size > 0
  }

  /**
   * Waits. A caller that joins late gets the rest of the deadline; one that comes after it fails at once.
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

  /** A caller that comes after the deadline. */
  refuse(): Promise<never> {
    return Promise.reject(this.#late())
  }

  /** A new value came from elsewhere. Callers that wait for an even newer one go on waiting. */
  serve(snapshot: Snapshot<T>): void {
    for (const group of this.#groups) {
      if (snapshot.generation <= group.base) continue
      this.#close(group)
      group.resolve(snapshot)
    }
  }

  /** Serves the new value to all who wait, and to those who join later. */
  land(snapshot: Snapshot<T>): void {
    this.#ending = Promise.resolve(snapshot)
    this.serve(snapshot)
  }

  /** It will not come. Callers that joined before the value in force came get that one. */
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

/** A failure that no caller need receive. */
function failed(reason: unknown): Promise<never> {
  const ending = Promise.reject(reason)
  ending.catch(() => undefined)
  return ending
}

/** Callers that joined in one turn of the event loop. They share a promise and a timer, and no other request started either. */
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
    // A refresh ahead of expiry has no waiting caller; an event tells its failure.
    this.promise.catch(() => undefined)
  }
}
