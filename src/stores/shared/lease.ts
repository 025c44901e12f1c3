import { RefreshError } from '../../errors.ts'
import { throwIfAborted } from '../../lib/abortable.ts'
import { type Clock, startTimer, within } from '../../lib/clock.ts'

/** A moment, by two clocks: one that stands still while the machine sleeps is not enough, nor is one that can be set. */
export interface Moment {
  readonly monotonic: number
  readonly wall: number
}

export function readTime(): Moment {
  return { monotonic: performance.now(), wall: Date.now() }
}

/** A lease that is renewed for as long as its holder works under it. */
export class Lease {
  readonly #renew: () => Promise<boolean>
  /** ms */
  readonly #length: number
  readonly #clock: Clock
  readonly #lost = new AbortController()
  /** The lease has begun no earlier. */
  #renewed: Moment
  #stopTimer: () => void = () => undefined
  /** Its holder is done, or the lock is another's. */
  #hasEnded = false

  /**
   * @param renew false: the lock is another's
   * @param length ms
   * @param since before the lock was asked for: the response may have come late
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
   * Makes sure that the lock is still held, and that at least half of its lease is left. A process may have been stopped for longer than
   * its lease, or have slept.
   *
   * @throws RefreshError `store_failed`
   */
  async confirm(): Promise<void> {
    // The response may be late too, or the process stopped before it reads it.
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
   * Renews even if the lease is over by our clock. A server that was away renews it unless another has acquired it. So no other process
   * repeats a request that we sent under the lock and that has no response yet.
   */
  async #beat(): Promise<void> {
    await this.#extend().catch(() => undefined)
    if (!this.#hasEnded) this.#arm(this.#length / 5)
  }

  async #extend(): Promise<void> {
    const before = readTime()
    // A store that does not respond must not hide that the lease is over.
    const left = Math.max(this.#length - this.#age(), this.#length / 5)
    try {
      if (await within(this.#clock, left, this.#renew(), lost)) this.#renewed = before
      else {
        this.end()
        this.#lost.abort(lost())
      }
    } catch (error) {
      // Perhaps the next try gets through in time.
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
