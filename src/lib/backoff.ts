/** The longest pause (ms). */
const LONGEST_PAUSE = 60_000

/** A pause that doubles each time it is started, until it is reset. */
export class Backoff {
  readonly #first: number
  #next: number
  #since = 0
  #length = 0

  /** @param first ms */
  constructor(first: number) {
    this.#first = Math.min(first, LONGEST_PAUSE)
    this.#next = this.#first
  }

  /**
   * Starts the next pause.
   *
   * @param now epoch ms
   * @param atLeast ms: the wait that a server asks for in Retry-After; obeyed up to 60,000
   * @param atMost ms: this pause is no longer
   * @param doublesTo ms: doubling alone makes no longer pause than this, or than the first pause if that is longer
   */
  start(now: number, atLeast = 0, atMost: number = LONGEST_PAUSE, doublesTo: number = LONGEST_PAUSE): void {
    const longest = Math.max(this.#first, doublesTo)
    const next = Math.min(this.#next, longest)
    this.#since = now
    this.#length = Math.min(Math.max(next, atLeast), LONGEST_PAUSE, atMost)
    this.#next = Math.min(next * 2, longest, LONGEST_PAUSE)
  }

  /** ms that the pause still lasts. If the clock was set back, the pause ends, because else it could last for hours. */
  remaining(now: number): number {
    return now < this.#since ? 0 : Math.max(0, this.#length - (now - this.#since))
  }

  reset(): void {
    this.#length = 0
    this.#next = this.#first
  }
}
