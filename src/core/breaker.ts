import { Backoff } from './backoff.ts'

/** The first pause after a refresh that did not help, in ms. */
const FIRST_PAUSE = 1_000

/**
 * Stops refreshing where it does not help: each value that a refresh brought and that is rejected, as the one before it was,
 * doubles a pause. Only a value that was accepted, or that aged, resets it. The first rejection in a row shows nothing: the
 * refresh was for another remote side, or there was no value before.
 */
export class Breaker {
  readonly #pause = new Backoff(FIRST_PAUSE)
  #accepted = 0
  #judged = -1

  /**
   * Takes note of a rejection, and tells for how many ms a refresh would be of no use.
   *
   * @param refreshed the value came from a refresh, which may be what did not help
   * @param aged it was in force for long, or past its expiry: that it is rejected is no wonder
   * @param now epoch ms
   */
  rejected(generation: number, refreshed: boolean, aged: boolean, now: number): number {
    // A value is judged by its first rejection; the callers that follow only learn the sentence.
    if (generation > this.#judged) {
      const isFirst = this.#accepted > this.#judged
      this.#judged = generation
      if (aged || generation <= this.#accepted) this.#pause.reset()
      else if (refreshed && !isFirst) this.#pause.start(now)
    }
    return this.#pause.remaining(now)
  }

  accepted(generation: number): void {
    if (generation <= this.#accepted) return
    this.#accepted = generation
    // A late word on a value that was replaced says nothing about the ones after it.
    if (generation >= this.#judged) this.#pause.reset()
  }
}
