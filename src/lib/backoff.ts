/** Pauses double from one to the next, up to this (ms). */
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
   * @param now epoch ms
   * @param atLeast ms: the wait of a Retry-After; obeyed up to a minute
   * @param atMost ms
   * @param doublesTo ms: the longest pause that doubling alone leads to; never less than the first pause
   */
  start(now: number, atLeast = 0, atMost: number = LONGEST_PAUSE, doublesTo: number = LONGEST_PAUSE): void {
    const longest = Math.max(this.#first, doublesTo)
    const next = Math.min(this.#next, longest)
    this.#since = now
    this.#length = Math.min(Math.max(next, atLeast), LONGEST_PAUSE, atMost)
    this.#next = Math.min(next * 2, longest, LONGEST_PAUSE)
  }

  /** ms that the pause still lasts. A clock that was set back ends it: it must not last for hours. */
  remaining(now: number): number {
    return now < this.#since ? 0 : Math.max(0, this.#length - (now - this.#since))
  }

  reset(): void {
    this.#length = 0
    this.#next = this.#first
  }
}
