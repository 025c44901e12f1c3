/**
 * How long one who wants a lock leaves it to its holder. A lease also ends while nobody reaches the server: when it is back, its holder
 * has to be heard first, or a refresh token that it has redeemed would be redeemed again. So a lock is taken over only by one who has
 * been getting answers for as long as a lease lasts.
 */
export class TakeoverDelay {
  /** ms */
  readonly #lease: number
  /** Since when the server has been answering. */
  #since: number | undefined
  #answered = 0

  /** @param lease ms */
  constructor(lease: number) {
    this.#lease = lease
  }

  get isOver(): boolean {
    return this.remaining === 0
  }

  /** ms */
  get remaining(): number {
    const passed = this.#since === undefined ? 0 : performance.now() - this.#since
    return Math.max(0, this.#lease - passed)
  }

  /**
   * How long until the next question, in ms.
   *
   * @param remaining of the holder's lease
   */
  wait(remaining: number): number {
    return Math.min(Math.max(remaining, this.remaining), this.#lease / 4)
  }

  /**
   * The server has answered. Half a lease after its last answer, or sooner: then it cannot have been away in between for so long that the
   * lease of one who renews it five times in that time is over.
   */
  answered(): void {
    const now = performance.now()
    if (this.#since === undefined || now - this.#answered > this.#lease / 2) this.#since = now
    this.#answered = now
  }
  /** The server could not do what it was asked: from its next answer on a whole lease counts anew. */
  failed(): void {
    this.#since = undefined
  }
}
