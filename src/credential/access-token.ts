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
   * How long the token must still live, in ms. A token with less time left is refreshed first. If the source gives no token with so much
   * time, the caller gets the one that the source gave.
   * @default 0
   */
  readonly minTtl?: number | undefined
  /**
   * The token that an earlier call returned, and that the remote side rejected. If another token is in force by now, the caller gets that
   * token, and nothing is refreshed. Default: no token was rejected.
   */
  readonly rejected?: string | undefined
  /** Ends this caller's wait at once, with the signal's reason. It never ends the refresh. */
  readonly signal?: AbortSignal | undefined
  /** Receives the refresh that this call begins: `waitUntil` of a serverless platform. */
  readonly background?: Background | undefined
}

const OPTIONS = {
  minTtl: [from(0), 0],
  rejected: mustBe('the token that was rejected, a text', (given) => typeof given === 'string'),
  signal: aSignal,
  background: aFunction,
} satisfies OptionTable<AccessTokenOptions>

/** Gives a credential's token as text: the work of `accessToken()`. */
export class TokenGiver {
  readonly #cell: Refreshable<AccessToken>
  readonly #clock: Clock
  readonly #failure: () => RefreshError | undefined
  readonly #isIssued: (token: AccessToken) => boolean
  /** A generation that arrived with `left` ms. If a caller asks for more, another refresh would bring no more than that. */
  #short: { readonly generation: number; readonly left: number } | undefined

  /**
   * @param failure the last refresh's failure
   * @param isIssued true for the token that the source issued last
   */
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
    // The source issued this token during this call, so another request would bring no longer time.
    if (held.generation > known && this.#isIssued(held.value)) this.#note(held, minTtl)
    let snapshot = held
    let failure: unknown
    if (this.#left(held) < minTtl && !this.#isShort(held, minTtl)) {
      try {
        snapshot = await this.#cell.renew(held, waiting)
      } catch (reason) {
        throwIfAborted(signal)
        // The refresh failed, but the token in force may still be valid.
        if (this.#cell.peek() === undefined) throw reason
        failure = reason
      }
      if (snapshot.generation > held.generation) this.#note(snapshot, minTtl)
    }
    if (this.#cell.hasExpired(snapshot)) throw this.#reason(failure)
    return snapshot.value.accessToken
  }

  /** A token other than the rejected one, which may be in force here, or may come from the store to a process that has just begun. */
  async #accepted(rejected: string | undefined, waiting: WaitOptions): Promise<Snapshot<AccessToken>> {
    let snapshot = this.#cell.peek()
    if (snapshot?.value.accessToken !== rejected || snapshot === undefined)
      snapshot = await this.#cell.snapshot(waiting)
    if (snapshot.value.accessToken === rejected) return this.#cell.refresh(snapshot, waiting)
    // A person may have logged in elsewhere.
    return this.#cell.isEnded ? this.#cell.renew(snapshot, waiting) : snapshot
  }

  /** Why there is no valid token. If only the pause keeps it from refreshing, the source's last failure says more. */
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
