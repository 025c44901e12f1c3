import type { RefreshError } from '../../errors.ts'
import { Backoff } from '../../lib/backoff.ts'
import { suspended } from './refusals.ts'

/**
 * Pauses after these double to this only (ms), so that the first success comes soon after the end of an outage, or after a person
 * has logged in to the cloud. So do those of an endpoint that says itself how long to wait.
 */
const LONGEST_TRANSIENT = 5_000
const TRANSIENT =
  /^(?:source_(?:unreachable|unavailable|refused|invalid)|refresh_(?:timeout|failed)|store_failed|reauthentication_required)$/

/** The pause after a failed refresh. It doubles with each failure. After a terminal failure no refresh runs at all. */
export class Cooldown {
  readonly #pause: Backoff
  readonly #looksOften: boolean
  #failure: RefreshError | undefined
  /** The host wants that there is no value: no retry changes that. */
  isKept = false

  /**
   * @param first ms
   * @param looksOften pauses after `unchanged` are short
   */
  constructor(first: number, looksOften: boolean) {
    this.#pause = new Backoff(first)
    this.#looksOften = looksOften
  }

  /** The failure that only a person can mend, or a `reread` that finds it mended: it is terminal, or the host cleared the value. */
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
   * Takes note of a failure, and gives the one that counts: a terminal one outlives every look whether it has been
   * mended.
   *
   * @param atMost ms
   */
  note(failure: RefreshError, now: number, atMost: number | undefined): RefreshError {
    const held = failure.terminal && !this.isKept ? failure : this.held
    this.#failure = held ?? failure
    // To look again costs little, and a caller waits for it.
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
   * Why no refresh may run now, if so.
   *
   * @param ignoresPause the pause is over, whatever the clock says: the last flight was given up by this very call
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
