import { RefreshError } from '../../errors.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Snapshot } from '../refresher.ts'
import { Deadline } from './deadline.ts'
import { timeout } from './refusals.ts'
import { Waiters } from './waiters.ts'

/** The value that a map builds from one base value, and the callers that wait for it. */
export class Building<U> {
  snapshot: Snapshot<U> | undefined
  /** The snapshot as a promise, made once, so that a caller that need not wait costs no allocation. */
  ready: Promise<Snapshot<U>> | undefined
  readonly deadline: Deadline
  readonly #waiters: Waiters<U>

  /**
   * @param base the value that `build` uses
   * @param deadline ms
   * @param failed called when the build fails, before the waiting callers get the error
   */
  constructor(
    build: () => U | Promise<U>,
    base: Snapshot<unknown>,
    clock: Clock,
    deadline: number,
    failed: () => void,
  ) {
    this.deadline = new Deadline(clock, deadline)
    this.#waiters = new Waiters(this.deadline, () => timeout('map()', deadline))
    let made: U | Promise<U>
    try {
      made = build()
      // A synchronous builder's value is used at once.
      if (!isPromise(made)) {
        this.#land(made, base)
        return
      }
    } catch (error) {
      made = Promise.reject(error)
    }
    Promise.resolve(made)
      .then((value) => this.#land(value, base))
      .catch((error: unknown) => {
        failed()
        this.#waiters.fail(error)
      })
  }

  /** The build has not ended within its deadline. */
  get isOver(): boolean {
    return this.ready === undefined && this.deadline.stage !== 'running'
  }

  join(): Promise<Snapshot<U>> {
    return this.#waiters.join(0)
  }

  #land(value: U, { generation, expiresAt }: Snapshot<unknown>): void {
    if (value === undefined || value === null) {
      throw new RefreshError('invalid_value', 'map() built nothing: its function must return what it builds.')
    }
    const snapshot: Snapshot<U> = { value, generation, expiresAt }
    this.snapshot = snapshot
    this.ready = Promise.resolve(snapshot)
    this.#waiters.land(snapshot)
  }
}

function isPromise<U>(value: U | Promise<U>): value is Promise<U> {
  return typeof Reflect.get(Object(value), 'then') === 'function'
}
