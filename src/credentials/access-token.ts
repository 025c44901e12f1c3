import { throwIfAborted } from '../core/abortable.ts'
import type { Clock } from '../core/clock.ts'
import type { RefreshError } from '../core/errors.ts'
import { checkOptions, describe, milliseconds, optionError } from '../core/options.ts'
import type { Refreshable } from '../core/refreshable.ts'
import type { Background, Snapshot } from '../core/refresher.ts'
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
    let snapshot = this.#cell.peek()
    if (rejected !== undefined && snapshot?.value.accessToken === rejected) {
      snapshot = await this.#cell.refresh(snapshot, waiting)
    } else {
      snapshot = await this.#cell.snapshot(waiting)
    }
    if (minTtl > 0 && this.#left(snapshot) < minTtl && !this.#isShort(snapshot, minTtl)) {
      const fresh = await this.#cell.renew(snapshot, waiting)
      const left = this.#left(fresh)
      if (fresh.generation > snapshot.generation && left < minTtl) {
        this.#short = { generation: fresh.generation, left }
      }
      snapshot = fresh
    }
    if (this.#cell.hasExpired(snapshot)) throw this.#failure() ?? missing()
    return snapshot.value.accessToken
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
