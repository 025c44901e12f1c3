import type { StoreChange, StoredRecord } from '../store.ts'
import { isSame } from '../token.ts'
import { NONE } from '../tombstone.ts'
import { keepAlive } from './exit-grace.ts'
import { givenRecord } from './given-record.ts'
import { isFrom } from './store-update.ts'
import type { Unsaved } from './unsaved-token.ts'

/** A change under a lock, which runs once however often its store calls it, and what it gave. */
export class ObservedChange {
  readonly #given: StoreChange
  readonly #exitGrace: number
  readonly #onStart: () => void
  #asked: ReturnType<StoreChange> | undefined
  #made: Unsaved | undefined
  #thrown: { readonly error: unknown } | undefined
  #tellMade: () => void = () => undefined
  #letExit: () => void = () => undefined
  /** Resolves when the change gives a token, which is not stored by then. */
  readonly isMade: Promise<void>

  /** @param exitGrace ms that the process stays alive for a token that the change gave */
  constructor(given: StoreChange, exitGrace: number, onStart: () => void) {
    this.#given = given
    this.#exitGrace = exitGrace
    this.#onStart = onStart
    this.isMade = new Promise<void>((resolve) => (this.#tellMade = resolve))
  }

  /** The store has called it. */
  get isAsked(): boolean {
    return this.#asked !== undefined
  }

  /** The token that it gave, if any. */
  get made(): Unsaved | undefined {
    return this.#made
  }

  /** The error that the change threw, if it threw one. */
  get thrown(): { readonly error: unknown } | undefined {
    return this.#thrown
  }

  /** The change as the store gets it. */
  readonly change: StoreChange = async (current, context) => {
    if (this.#asked === undefined) return (this.#asked = this.#first(current, context))
    // A store of the user's may repeat its transaction. What was redeemed is not redeemed again.
    const content = await this.#asked
    const base = this.#made?.base
    return base !== undefined && isFrom(base, givenRecord(current)) ? content : undefined
  }

  /** Lets the process go. */
  end(): void {
    this.#letExit()
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
        this.#made = { content, base, isPending: true }
        this.#letExit = keepAlive(this.#exitGrace)
        this.#tellMade()
      }
      return content
    } catch (error) {
      this.#thrown = { error }
      throw error
    }
  }
}
