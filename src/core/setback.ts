import { Backoff } from './backoff.ts'
import type { RefreshError } from './errors.ts'
import { suspended } from './refusals.ts'

/** What a failed refresh leads to: a pause that doubles; after a terminal failure no refresh at all. */
export class Setback {
  readonly #pause: Backoff
  #failure: RefreshError | undefined
  #isKept = false

  /** @param first ms */
  constructor(first: number) {
    this.#pause = new Backoff(first)
  }

  /** What only a person can mend, or `reread` find mended: a terminal failure, or that there is no value. */
  get held(): RefreshError | undefined {
    return this.#isKept || this.#failure?.terminal === true ? this.#failure : undefined
  }

  /** There is no value by somebody's will. */
  keep(failure: RefreshError, now: number): void {
    this.reset()
    this.#isKept = true
    this.note(failure, now, undefined)
  }

  /**
   * Takes note of a failure, and gives the one that counts: a terminal one outlives every look whether it has been
   * mended.
   *
   * @param atMost ms
   */
  note(failure: RefreshError, now: number, atMost: number | undefined): RefreshError {
    this.#failure = this.held ?? failure
    // To look again costs little, and somebody waits for it.
    if (this.held) this.#pause.reset()
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
    this.#isKept = false
    this.#failure = undefined
    this.#pause.reset()
  }
}
