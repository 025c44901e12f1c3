import { Backoff } from './backoff.ts'
import type { RefreshError } from './errors.ts'
import { suspended } from './refusals.ts'

/** What a failed refresh leads to: a pause that doubles; after a terminal failure no refresh at all. */
export class Setback {
  readonly #pause: Backoff
  #failure: RefreshError | undefined

  /** @param first ms */
  constructor(first: number) {
    this.#pause = new Backoff(first)
  }

  /** The terminal failure that only a person can mend, or `reread` find mended. */
  get held(): RefreshError | undefined {
    return this.#failure?.terminal === true ? this.#failure : undefined
  }

  /**
   * Takes note of a failure, and gives the one that counts: a terminal one outlives every look whether it has been
   * mended.
   *
   * @param atMost ms
   */
  note(failure: RefreshError, now: number, atMost: number | undefined): RefreshError {
    this.#failure = this.held ?? failure
    this.#pause.start(now, this.#failure.retryAfter, atMost)
    return this.#failure
  }

  /** Why no refresh may run now, if so. */
  refusal(now: number, canReread: boolean): RefreshError | undefined {
    const pause = this.#pause.remaining(now)
    const { held } = this
    if (pause === 0 && (canReread || held === undefined)) return undefined
    return held ?? suspended(pause, this.#failure)
  }

  reset(): void {
    this.#failure = undefined
    this.#pause.reset()
  }
}
