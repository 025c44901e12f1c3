import { type Clock, startTimer } from '../core/clock.ts'
import { RefreshError } from '../core/errors.ts'

/** A lease that is renewed for as long as somebody works under it. */
export class Lease {
  readonly #renew: () => Promise<boolean>
  /** ms */
  readonly #length: number
  readonly #clock: Clock
  readonly #lost = new AbortController()
  #renewed = readTime()
  #stopTimer: () => void = () => undefined
  #hasEnded = false

  /**
   * @param renew false: the lock is another's
   * @param length ms
   */
  constructor(renew: () => Promise<boolean>, length: number, clock: Clock) {
    this.#renew = renew
    this.#length = length
    this.#clock = clock
    this.#arm()
  }

  /** Aborts when the lock was lost. */
  get signal(): AbortSignal {
    return this.#lost.signal
  }

  /**
   * Makes sure that the lock is still held. A process may have been stopped for longer than its lease, or have slept.
   *
   * @throws RefreshError `store_failed`
   */
  async confirm(): Promise<void> {
    if (this.#age() >= this.#length / 5) {
      await this.#extend().catch((error: unknown) => {
        throw error instanceof RefreshError ? error : lost(error)
      })
    }
    this.#lost.signal.throwIfAborted()
  }

  end(): void {
    this.#hasEnded = true
    this.#stopTimer()
  }

  #arm(): void {
    this.#stopTimer = startTimer(this.#clock, this.#length / 5, () => void this.#beat())
  }

  async #beat(): Promise<void> {
    await this.#extend().catch(() => undefined)
    if (!this.#hasEnded && !this.#lost.signal.aborted) this.#arm()
  }

  async #extend(): Promise<void> {
    const before = readTime()
    try {
      if (await this.#renew()) this.#renewed = before
      else this.#lost.abort(lost())
    } catch (error) {
      // Perhaps the next try gets through in time.
      if (this.#age() >= this.#length) this.#lost.abort(lost(error))
      throw error
    }
  }

  /** ms. A clock that stands still while the machine sleeps is not enough, nor is one that can be set. */
  #age(): number {
    const { monotonic, wall } = readTime()
    return Math.max(monotonic - this.#renewed.monotonic, wall - this.#renewed.wall)
  }
}

function readTime(): { readonly monotonic: number; readonly wall: number } {
  return { monotonic: performance.now(), wall: Date.now() }
}

function lost(cause?: unknown): RefreshError {
  const message = 'The lock of the store was lost, or cannot be made sure of: another may hold it by now.'
  return new RefreshError('store_failed', message, { cause })
}
