import type { Audience } from '../core/audience.ts'
import type { Clock } from '../lib/clock.ts'

interface Settings {
  readonly audience: Audience
  readonly clock: Clock
}

/** One update's wait for the lock of its key, for those who listen. */
export class LockWait {
  readonly #options: Settings
  /** epoch ms; undefined while it does not wait. */
  #since: number | undefined

  constructor(options: Settings) {
    this.#options = options
  }

  begin(): void {
    const { audience, clock } = this.#options
    if (this.#since !== undefined || !audience.listens()) return
    this.#since = clock.now()
    audience.tell({ type: 'lock_waiting' })
  }

  end(): void {
    const { audience, clock } = this.#options
    if (this.#since === undefined) return
    const duration = Math.max(0, clock.now() - this.#since)
    this.#since = undefined
    audience.tell({ type: 'lock_waited', duration })
  }
}
