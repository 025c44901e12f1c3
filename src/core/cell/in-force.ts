import type { RefreshCause } from '../events.ts'
import type { Snapshot } from '../refresher.ts'

/** A value that was in force for this long (ms) has aged: its rejection is to be expected. */
const AGED = 60_000
/**
 * If an expiry causes a refresh, and the new value expires within this (ms), one of the clocks is wrong. Then the cell
 * ignores the new expiry, because refreshing by it would never stop.
 */
const SHORTEST_LIFETIME = 1_000

/** A value's time in force: when it came, and when it will be due and stale. */
export class InForce<T> {
  readonly snapshot: Snapshot<T>
  /** The snapshot as a promise, made once, so that a caller that need not wait costs no allocation. */
  readonly ready: Promise<Snapshot<T>>
  /** The value came from a refresh, not from the host's `initial` or `set()`. */
  readonly refreshed: boolean
  /** epoch ms: from here on a refresh runs in the background. */
  readonly dueAt: number
  /** epoch ms: from here on callers wait for the refresh. */
  readonly staleAt: number
  /** The remote side rejected it. */
  rejected = false
  readonly #arrivedAt: number

  /**
   * @param cause the cause of the refresh that brought the value; undefined for the host's `initial` and `set()`
   * @param now epoch ms
   * @param refreshAhead ms
   */
  constructor(snapshot: Snapshot<T>, cause: RefreshCause | undefined, now: number, refreshAhead: number) {
    this.snapshot = snapshot
    this.ready = Promise.resolve(snapshot)
    this.refreshed = cause !== undefined
    this.#arrivedAt = now
    const { expiresAt = Infinity } = snapshot
    const lifetime = expiresAt - now
    // A value that arrives expired is served until it is rejected.
    const judged = lifetime > (cause === 'expiring' ? SHORTEST_LIFETIME : 0)
    const window = Math.min(refreshAhead, lifetime / 10) * (0.5 + Math.random() / 2)
    this.staleAt = judged ? expiresAt : Infinity
    this.dueAt = judged ? expiresAt - window : Infinity
  }

  stale(now: number): boolean {
    return this.rejected || now >= this.staleAt
  }

  /** True if the value is so old that its rejection is no surprise. */
  aged(now: number): boolean {
    return now >= this.staleAt || now - this.#arrivedAt >= AGED
  }
}
