import type { RefreshError } from '../../errors.ts'
import { type Clock, monotonic, within } from '../../lib/clock.ts'

/** One try that its callers share. A platform may end the request that began it, so no caller waits longer than a try may take. */
export class SharedTry {
  readonly #clock: Clock
  readonly #most: number
  readonly #late: () => RefreshError
  #running: { readonly done: Promise<void>; readonly until: number } | undefined

  /** @param most ms */
  constructor(clock: Clock, most: number, late: () => RefreshError) {
    this.#clock = clock
    this.#most = most
    this.#late = late
  }

  /** Waits for the try that runs, else for a new one. The timer is this caller's own. */
  join(begin: () => Promise<void>): Promise<void> {
    const now = monotonic(this.#clock)
    const running = this.#running
    const { done, until } =
      running !== undefined && running.until > now ? running : this.#begin(begin, now + this.#most)
    return within(this.#clock, until - now, done, this.#late)
  }

  #begin(
    begin: () => Promise<void>,
    until: number,
  ): { readonly done: Promise<void>; readonly until: number } {
    const done = begin().finally(() => {
      if (this.#running === running) this.#running = undefined
    })
    const running = { done, until }
    this.#running = running
    return running
  }
}
