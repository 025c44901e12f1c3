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
  /** The record that a refresh made it from. undefined: a login, which outranks all. */
  readonly base: StoredRecord | undefined
  /** The login that a person brought, where there is no `base`. */
  readonly login?: Login | undefined
  /**
   * The store goes on trying by itself until then, by the monotonic clock (ms). After that it is asked anew: a platform may have ended the
   * request that it tried in, or its server have left a question without a response. 0: it does not try.
   */
  pendingUntil: number
  error?: RefreshError | undefined
}

/**
 * Deadlines that a try takes at most, for the logins before it, for its turn, and for its write. For so many a store is also left alone that
 * goes on trying by itself.
 */
export const MOST = 3

/** Options of an observed change. */
interface ObservedOptions {
  readonly clock: Clock
  /** ms */
  readonly deadline: number
  /** ms that the process stays alive for a token that the change gave */
  readonly exitGrace: number
}

/** A change under a lock, which runs once however often its store calls it, and what it gave. */
export class ObservedChange {
  readonly #given: StoreChange
  readonly #options: ObservedOptions
  readonly #onStart: () => void
  #asked: ReturnType<StoreChange> | undefined
  /** The token that it gave, if any. */
  made: Unsaved | undefined
  /** The error that the change threw, if it threw one. */
  thrown: { readonly error: unknown } | undefined
  #tellMade: () => void = () => undefined
  /** Lets the process go. */
  end: () => void = () => undefined
  /** Resolves when the change gives a token, which is not stored by then. */
  readonly isMade: Promise<void>

  constructor(given: StoreChange, options: ObservedOptions, onStart: () => void) {
    this.#given = given
    this.#options = options
    this.#onStart = onStart
    this.isMade = new Promise<void>((resolve) => (this.#tellMade = resolve))
  }

  /** The store has called it. */
  get isAsked(): boolean {
    return this.#asked !== undefined
  }

  /** The store has had a token for so long that it may have been left behind with a request that has ended. */
  get isLeft(): boolean {
    return this.made !== undefined && monotonic(this.#options.clock) >= this.made.pendingUntil
  }

  /** The change as the store gets it. */
  readonly change: StoreChange = async (current, context) => {
    if (this.#asked === undefined) return (this.#asked = this.#first(current, context))
    // A user's store may repeat its transaction. We must not redeem a refresh token again.
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
