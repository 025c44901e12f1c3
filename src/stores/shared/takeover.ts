/**
 * How long a waiter leaves a lock to its holder. A lease also ends while the server is unreachable. When the server returns, the holder
 * must be able to write first, or a refresh token that it has redeemed would be redeemed again. So a waiter takes over a lock only after
 * the server has responded to it for a whole lease.
 */
export class TakeoverDelay {
  /** ms */
  readonly #lease: number
  /** The time since which the server has been responding. */
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
   * How long to wait before the next question, in ms.
   *
   * @param remaining the rest of the holder's lease
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
  /** The server could not do what it was asked: a whole lease counts anew from its next response. */
  failed(): void {
    this.#since = undefined
  }
}
