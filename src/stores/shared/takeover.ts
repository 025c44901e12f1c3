/**
 * The time that a waiter gives a holder. A lease also ends while the server is unreachable. When the server returns, the holder must be able
 * to write first, because otherwise the next holder would redeem a refresh token that is spent. So a waiter takes a lock over only after the
 * server has responded to the waiter for a whole lease.
 */
export class TakeoverDelay {
  /** ms */
  readonly #lease: number
  /** ms, monotonic: since when the server has been responding; undefined if its last response was a failure, or if there was none. */
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
   * How long to wait before the next try, in ms.
   *
   * @param remaining ms: the rest of the holder's lease
   */
  wait(remaining: number): number {
    return Math.min(Math.max(remaining, this.remaining), this.#lease / 4)
  }

  /**
   * Notes a response of the server. If the last response came at most half a lease before, the delay goes on: a holder, which renews five
   * times per lease, cannot have lost its lease to an outage in between. Otherwise the delay begins anew.
   */
  answered(): void {
    const now = performance.now()
    if (this.#since === undefined || now - this.#answered > this.#lease / 2) this.#since = now
    this.#answered = now
  }
  /** Notes that the server failed: the delay begins anew with the next response. */
  failed(): void {
    this.#since = undefined
  }
}
