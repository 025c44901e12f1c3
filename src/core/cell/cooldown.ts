import type { RefreshError } from '../../errors.ts'
import { Backoff } from '../../lib/backoff.ts'
import { suspended } from './refusals.ts'

/**
 * Pauses after these failures double up to this (ms), so that a refresh succeeds soon after an outage ends, or after a person has
 * logged in to the cloud. The same holds after a 429 that says how long to wait.
 */
const LONGEST_TRANSIENT = 5_000
const TRANSIENT =
  /^(?:source_(?:unreachable|unavailable|refused|invalid)|refresh_(?:timeout|failed)|store_failed|reauthentication_required)$/

/** The pause after a failed refresh. It doubles with each failure. After a terminal failure no refresh runs, only `reread`. */
export class Cooldown {
  readonly #pause: Backoff
  readonly #looksOften: boolean
  #failure: RefreshError | undefined
  /** The host cleared the value: a retry then only rereads, and never refreshes. */
  isKept = false

  /**
   * @param first ms
   * @param looksOften pauses after `unchanged` double up to 5 s only
   */
  constructor(first: number, looksOften: boolean) {
    this.#pause = new Backoff(first)
    this.#looksOften = looksOften
  }

  /** The failure that ends only when a person acts, here or elsewhere (`reread` finds that): a terminal one, or the host's `clear()`. */
  get held(): RefreshError | undefined {
    return this.isKept || this.#failure?.terminal === true ? this.#failure : undefined
  }

  /** Holds the failure because the host cleared the value. */
  keep(failure: RefreshError, now: number): void {
    this.reset()
    this.isKept = true
    this.note(failure, now, undefined)
  }

  /**
   * Notes a failure, and returns the failure that counts. A terminal failure stays until it is mended, even if `reread` fails
   * in another way.
   *
   * @param atMost ms
   */
  note(failure: RefreshError, now: number, atMost: number | undefined): RefreshError {
    const held = failure.terminal && !this.isKept ? failure : this.held
    this.#failure = held ?? failure
    // A look with `reread` costs little, and a caller waits for it, so the pause begins small again.
    if (held) this.#pause.reset()
    const { retryAfterMs, code } = this.#failure
    const isShort =
      TRANSIENT.test(code) ||
      (code === 'source_rate_limited' && retryAfterMs !== undefined) ||
      (code === 'unchanged' && this.#looksOften)
    this.#pause.start(now, retryAfterMs, atMost, isShort ? LONGEST_TRANSIENT : undefined)
    return this.#failure
  }

  /**
   * Returns why no refresh may run now; undefined if one may.
   *
   * @param ignoresPause skip the pause, because this same call gave up the last flight
   */
  refusal(now: number, canReread: boolean, ignoresPause: boolean): RefreshError | undefined {
    const pause = ignoresPause ? 0 : this.#pause.remaining(now)
    const { held } = this
    if (pause === 0 && (canReread || held === undefined)) return undefined
    return held ?? suspended(pause, this.#failure)
  }

  reset(): void {
    this.isKept = false
    this.#failure = undefined
    this.#pause.reset()
  }
}
