import { missing } from '../core/cell/refusals.ts'
import type { Refreshable } from '../core/refreshable.ts'
import type { Background, Snapshot, WaitOptions } from '../core/refresher.ts'
import { RefreshError } from '../errors.ts'
import { throwIfAborted } from '../lib/abortable.ts'
import type { Clock } from '../lib/clock.ts'
import { aFunction, aSignal, checkedOptions, from, mustBe, type OptionTable } from '../lib/options.ts'
import type { AccessToken } from './token.ts'

/** Options of a caller that asks for a token. */
export interface AccessTokenOptions {
  /**
   * ms that the token must still live: one with less left is refreshed first. A token that arrived with less is given all the same.
   * @default 0
   */
  readonly minTtl?: number | undefined
  /**
   * The token that this call gave before, and that the remote side rejected. Where another one is in force by now, that one is given, and
   * nothing is refreshed.
   */
  readonly rejected?: string | undefined
  /** Ends this caller's wait at once, with the signal's reason. It never ends the refresh. */
  readonly signal?: AbortSignal | undefined
  /** Gets the refresh that this call begins: `waitUntil` of a serverless platform. */
  readonly background?: Background | undefined
}

const OPTIONS = {
  minTtl: [from(0), 0],
  rejected: mustBe('the token that was rejected, a text', (given) => typeof given === 'string'),
  signal: aSignal,
  background: aFunction,
} satisfies OptionTable<AccessTokenOptions>

/** Gives a credential's token as text. */
export class TokenGiver {
  readonly #cell: Refreshable<AccessToken>
  readonly #clock: Clock
  readonly #failure: () => RefreshError | undefined
  readonly #isIssued: (token: AccessToken) => boolean
  /** A generation that arrived with less time left than was asked for: another refresh would bring no more. ms */
  #short: { readonly generation: number; readonly left: number } | undefined

  /** @param isIssued whether the source gave this token last */
  constructor(
    cell: Refreshable<AccessToken>,
    clock: Clock,
    failure: () => RefreshError | undefined,
    isIssued: (token: AccessToken) => boolean,
  ) {
    this.#cell = cell
    this.#clock = clock
    this.#failure = failure
    this.#isIssued = isIssued
  }

  async give(options: AccessTokenOptions = {}): Promise<string> {
    const { minTtl, rejected, signal, background } = checkedOptions(options, OPTIONS)
    throwIfAborted(signal)
    const waiting = { signal, background }
    const known = this.#cell.peek()?.generation ?? 0
    const held = await this.#accepted(rejected, waiting)
    // It came from the source during this call: another request would bring no more.
    if (held.generation > known && this.#isIssued(held.value)) this.#note(held, minTtl)
    let snapshot = held
    let failure: unknown
    if (this.#left(held) < minTtl && !this.#isShort(held, minTtl)) {
      try {
        snapshot = await this.#cell.renew(held, waiting)
      } catch (reason) {
        throwIfAborted(signal)
        // A token that is still good is better than none.
        if (this.#cell.peek() === undefined) throw reason
        failure = reason
      }
      if (snapshot.generation > held.generation) this.#note(snapshot, minTtl)
    }
    if (this.#cell.hasExpired(snapshot)) throw this.#reason(failure)
    return snapshot.value.accessToken
  }

  /** A token that is not the rejected one: that may be in force here, or be what a store gives to a process that begins. */
  async #accepted(rejected: string | undefined, waiting: WaitOptions): Promise<Snapshot<AccessToken>> {
    let snapshot = this.#cell.peek()
    if (snapshot?.value.accessToken !== rejected || snapshot === undefined)
      snapshot = await this.#cell.snapshot(waiting)
    if (snapshot.value.accessToken === rejected) return this.#cell.refresh(snapshot, waiting)
    // A person may have logged in elsewhere.
    return this.#cell.isEnded ? this.#cell.renew(snapshot, waiting) : snapshot
  }

  /** Why there is no token that is good. What the source last failed with says more than that its pause is not over. */
  #reason(failure: unknown): unknown {
    const isPause = failure instanceof RefreshError && failure.code === 'refresh_suspended'
    const known = this.#failure()
    return isPause || failure === undefined ? (known ?? failure ?? missing()) : failure
  }

  #left({ expiresAt = Infinity }: Snapshot<AccessToken>): number {
    return expiresAt - this.#clock.now()
  }

  #note(arrived: Snapshot<AccessToken>, minTtl: number): void {
    const left = this.#left(arrived)
    if (left < minTtl) this.#short = { generation: arrived.generation, left }
  }

  #isShort({ generation }: Snapshot<AccessToken>, minTtl: number): boolean {
    return this.#short?.generation === generation && this.#short.left < minTtl
  }
}
