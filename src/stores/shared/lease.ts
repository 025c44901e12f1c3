import { RefreshError } from '../../errors.ts'
import { throwIfAborted } from '../../lib/abortable.ts'
import { type Clock, startTimer, within } from '../../lib/clock.ts'

/** A moment by two clocks, because the monotonic clock may stand still while the machine sleeps, and the wall clock can be set back. */
export interface Moment {
  readonly monotonic: number
  readonly wall: number
}

export function readTime(): Moment {
  return { monotonic: performance.now(), wall: Date.now() }
}

/** A holder's lease. It renews itself until the holder ends it. */
export class Lease {
  readonly #renew: () => Promise<boolean>
  /** ms */
  readonly #length: number
  readonly #clock: Clock
  readonly #lost = new AbortController()
  /** A moment before the last renewal was sent, so the lease began at that moment or later. */
  #renewed: Moment
  #stopTimer: () => void = () => undefined
  /** True if the holder is done, or if another holder has the lock. */
  #hasEnded = false

  /**
   * @param renew resolves with false if another holder has the lock
   * @param length ms
   * @param since a moment before the lock was acquired, because the response may have come late
   */
  constructor(renew: () => Promise<boolean>, length: number, clock: Clock, since: Moment) {
    this.#renew = renew
    this.#length = length
    this.#clock = clock
    this.#renewed = since
    this.#arm(Math.max(0, length / 5 - this.#age()))
  }

  /** Aborts when the lock was lost. */
  get signal(): AbortSignal {
    return this.#lost.signal
  }

  /**
   * Confirms that the holder still has the lock, and that at least half of the lease is left. The process may have been stopped for longer
   * than its lease, or the machine may have slept.
   *
   * @throws RefreshError `store_failed`
   */
  async confirm(): Promise<void> {
    // Try up to three times, because the response may come late, or the process may be stopped again before it reads the response.
    for (let tries = 0; tries < 3 && this.#age() >= this.#length / 5; tries++) {
      await this.#extend().catch((error: unknown) => {
        throw error instanceof RefreshError ? error : lost(error)
      })
      throwIfAborted(this.#lost.signal)
    }
    throwIfAborted(this.#lost.signal)
    if (this.#age() >= this.#length / 2) throw lost()
  }

  end(): void {
    this.#hasEnded = true
    this.#stopTimer()
  }

  #arm(wait: number): void {
    this.#stopTimer = startTimer(this.#clock, wait, () => void this.#beat())
  }

  /**
   * Renews the lease even if it is over by our clock. A server that was unreachable still renews it, unless another process has acquired the
   * lock. So no other process repeats a request that we sent under the lock and that has no response yet.
   */
  async #beat(): Promise<void> {
    await this.#extend().catch(() => undefined)
    if (!this.#hasEnded) this.#arm(this.#length / 5)
  }

  async #extend(): Promise<void> {
    const before = readTime()
    // Wait for the rest of the lease only, so that the holder learns in time that its lease is over, even from a store that does not respond.
    const left = Math.max(this.#length - this.#age(), this.#length / 5)
    try {
      if (await within(this.#clock, left, this.#renew(), lost)) this.#renewed = before
      else {
        this.end()
        this.#lost.abort(lost())
      }
    } catch (error) {
      // While the lease still runs, the next renewal may succeed.
      if (this.#age() >= this.#length) this.#lost.abort(lost(error))
      throw error
    }
  }

  /** ms */
  #age(): number {
    const { monotonic, wall } = readTime()
    return Math.max(monotonic - this.#renewed.monotonic, wall - this.#renewed.wall)
  }
}

function lost(cause?: unknown): RefreshError {
  const message = 'The lock of the store was lost, or cannot be made sure of: another may hold it by now.'
  return new RefreshError('store_failed', message, { cause })
}
