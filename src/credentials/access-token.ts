import { throwIfAborted } from '../core/abortable.ts'
import type { Clock } from '../core/clock.ts'
import type { RefreshError } from '../core/errors.ts'
import { checkOptions, describe, milliseconds, optionError } from '../core/options.ts'
import type { Refreshable } from '../core/refreshable.ts'
import type { Background, Snapshot, WaitOptions } from '../core/refresher.ts'
import { missing } from '../core/refusals.ts'
import type { AccessToken } from './token.ts'

/** What a caller asks of a token. */
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

const NAMES = ['minTtl', 'rejected', 'signal', 'background']

/** Gives a credential's token as text. */
export class TokenGiver {
  readonly #cell: Refreshable<AccessToken>
  readonly #clock: Clock
  readonly #failure: () => RefreshError | undefined
  /** A generation that arrived with less time left than was asked for: another refresh would bring no more. ms */
  #short: { readonly generation: number; readonly left: number } | undefined

  constructor(cell: Refreshable<AccessToken>, clock: Clock, failure: () => RefreshError | undefined) {
    this.#cell = cell
    this.#clock = clock
    this.#failure = failure
  }

  async give(options: AccessTokenOptions = {}): Promise<string> {
    const { minTtl = 0, rejected, signal, background } = read(options)
    throwIfAborted(signal)
    const waiting = { signal, background }
    const held = this.#cell.peek()
    const isRejected = rejected !== undefined && held?.value.accessToken === rejected
    let snapshot = await (isRejected ? this.#cell.refresh(held, waiting) : this.#cell.snapshot(waiting))
    if (this.#left(snapshot) < minTtl && !this.#isShort(snapshot, minTtl)) {
      snapshot = await this.#renewed(snapshot, minTtl, waiting)
    }
    if (this.#cell.hasExpired(snapshot)) {
      const failure = this.#failure()
      if (failure !== undefined) throw failure
      // The refresh goes on beyond its deadline, or was refused: this says so.
      snapshot = await this.#cell.renew(snapshot, waiting)
      if (this.#cell.hasExpired(snapshot)) throw this.#failure() ?? missing()
    }
    return snapshot.value.accessToken
  }

  /** A token with more time left, where one is to be had: one that is still good is better than none. */
  async #renewed(
    held: Snapshot<AccessToken>,
    minTtl: number,
    waiting: WaitOptions,
  ): Promise<Snapshot<AccessToken>> {
    let fresh = held
    try {
      fresh = await this.#cell.renew(held, waiting)
    } catch (error) {
      throwIfAborted(waiting.signal)
      if (this.#cell.peek() === undefined) throw error
    }
    const left = this.#left(fresh)
    if (fresh.generation > held.generation && left < minTtl) {
      this.#short = { generation: fresh.generation, left }
    }
    return fresh
  }

  #left({ expiresAt = Infinity }: Snapshot<AccessToken>): number {
    return expiresAt - this.#clock.now()
  }

  #isShort({ generation }: Snapshot<AccessToken>, minTtl: number): boolean {
    return this.#short?.generation === generation && this.#short.left < minTtl
  }
}

function read(options: AccessTokenOptions): AccessTokenOptions {
  checkOptions(options, NAMES)
  const { minTtl = 0, rejected, background } = options
  milliseconds('minTtl', minTtl, 0)
  if (rejected !== undefined && typeof rejected !== 'string') {
    throw optionError('rejected', `must be the token that was rejected, a text, not ${describe(rejected)}`)
  }
  if (background !== undefined && typeof background !== 'function') {
    throw optionError('background', 'must be a function')
  }
  return options
}
