import type { RefreshError } from '../../errors.ts'
import { type Clock, monotonic } from '../../lib/clock.ts'
import type { StoreChange, RecordContent, StoredRecord } from '../store.ts'
import { isSame } from '../token.ts'
import { NONE } from '../tombstone.ts'
import { keepAlive } from './exit-grace.ts'
import { givenRecord } from './given-record.ts'
import type { Login } from './session-writer.ts'
import { isFrom } from './store-update.ts'

/** A token that the store does not hold yet. */
export interface Unsaved {
  readonly content: RecordContent
  /** The record that the refresh began with. undefined for a login, which outranks every record. */
  readonly base: StoredRecord | undefined
  /** The login, if there is no `base`. */
  readonly login?: Login | undefined
  /**
   * The store tries to write by itself until then (ms, monotonic clock). After that we ask the store anew: a platform may have ended the
   * request in which the store tried, or the server may have left a request without a response. 0: the store does not try.
   */
  pendingUntil: number
  error?: RefreshError | undefined
}

/**
 * The number of deadlines that a try takes at most: one for the logins before it, one for its turn, one for its write. A store that tries by
 * itself gets that long, too, before we ask it again.
 */
export const MOST = 3

/** Options of an observed change. */
interface ObservedOptions {
  readonly clock: Clock
  /** ms */
  readonly deadline: number
  /** ms: how long the process stays alive for a token that the change gave. */
  readonly exitGrace: number
}

/** A change under a lock, and its result. It runs once, even if a store calls it several times. */
export class ObservedChange {
  readonly #given: StoreChange
  readonly #options: ObservedOptions
  readonly #onStart: () => void
  #asked: ReturnType<StoreChange> | undefined
  /** The token that the change gave, if it gave one. */
  made: Unsaved | undefined
  /** The error that the change threw, if it threw one. */
  thrown: { readonly error: unknown } | undefined
  #tellMade: () => void = () => undefined
  /** Lets the process end. */
  end: () => void = () => undefined
  /** Resolves when the change gives a token, before the token is stored. */
  readonly isMade: Promise<void>

  constructor(given: StoreChange, options: ObservedOptions, onStart: () => void) {
    this.#given = given
    this.#options = options
    this.#onStart = onStart
    this.isMade = new Promise<void>((resolve) => (this.#tellMade = resolve))
  }

  /** The store has called the change. */
  get isAsked(): boolean {
    return this.#asked !== undefined
  }

  /** True if the store has not written the token within `MOST` deadlines: the platform may have ended the request, and the write with it. */
  get isLeft(): boolean {
    return this.made !== undefined && monotonic(this.#options.clock) >= this.made.pendingUntil
  }

  /** The function that the store calls. */
  readonly change: StoreChange = async (current, context) => {
    if (this.#asked === undefined) return (this.#asked = this.#first(current, context))
    // A user's store may repeat its transaction and call this again. The refresh token must not be redeemed again.
    const content = await this.#asked
    const base = this.made?.base
    return base !== undefined && isFrom(base, givenRecord(current)) ? content : undefined
  }

  async #first(
    current: StoredRecord | undefined,
    context: Parameters<StoreChange>[1],
  ): Promise<Awaited<ReturnType<StoreChange>>> {
    this.#onStart()
    try {
      const found = givenRecord(current)
      const base = found ?? NONE
      const content = await this.#given(found, context)
      const isFailureAlone = content?.failure !== undefined && isSame(content.token, base.token)
      if (content?.token !== undefined && !isFailureAlone) {
        const { clock, deadline, exitGrace } = this.#options
        this.made = { content, base, pendingUntil: monotonic(clock) + MOST * deadline }
        this.end = keepAlive(exitGrace)
        this.#tellMade()
      }
      return content
    } catch (error) {
      this.thrown = { error }
      throw error
    }
  }
}
