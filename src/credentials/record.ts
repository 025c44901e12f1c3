import { Backoff } from '../core/backoff.ts'
import { type Clock, startTimer } from '../core/clock.ts'
import { RefreshError } from '../core/errors.ts'
import { type RefreshEvent, type RefreshListener, tell } from '../core/events.ts'
import type { Change, Store, StoredToken } from './store.ts'
import { type AccessToken, isSame } from './token.ts'

/** What is in force, and not in the store yet. */
interface Unsaved {
  readonly token: AccessToken
  /** The record that it was made from: where another token stands, that one is newer. A login has none: it outranks all. */
  readonly base: StoredToken | undefined
}

/**
 * ms between tries to write what could not be written, at most: when the store is back after a long time, it must not be another process that
 * comes first, and redeems what is spent.
 */
const LONGEST_PAUSE = 5_000

const NONE: StoredToken = { token: undefined, revision: 0 }

/** The record of one key: what of it is known here, and what has yet to be written. */
export class TokenRecord {
  readonly #store: Store
  readonly #key: string
  readonly #clock: Clock
  readonly #onEvent: RefreshListener | undefined
  /** The highest revision that is known here: only what is above it is news. */
  #revision = 0
  #latest: AccessToken | undefined
  #unsaved: Unsaved | undefined
  #saving: Promise<void> | undefined
  #deleted: Promise<unknown> = Promise.resolve()
  readonly #pause = new Backoff(1_000)
  #stopTimer: () => void = () => undefined

  readonly #onUnsaved: () => void

  /** @param onUnsaved hears when {@link isUnsaved} may have changed */
  constructor(
    store: Store,
    key: string,
    clock: Clock,
    onEvent: RefreshListener | undefined,
    onUnsaved: () => void,
  ) {
    this.#onUnsaved = onUnsaved
    this.#store = store
    this.#key = key
    this.#clock = clock
    this.#onEvent = onEvent
  }

  get revision(): number {
    return this.#revision
  }

  /** The last token that was read, written, or is to be written. */
  get latest(): AccessToken | undefined {
    return this.#latest
  }

  /** There is a token that the store does not have. */
  get isUnsaved(): boolean {
    return this.#unsaved !== undefined
  }

  async read(): Promise<StoredToken | undefined> {
    try {
      return await this.#store.read(this.#key)
    } catch (error) {
      throw failed(error)
    }
  }

  /** Takes note of what was read. */
  know({ token, revision }: StoredToken): void {
    this.#revision = revision
    this.#latest = token
  }

  /**
   * Changes the record under its lock. What `change` gives is not lost where it cannot be written.
   *
   * @param known the revision above which a record will do without a change
   * @returns the record in force, where it is another's
   * @throws what `change` throws; RefreshError `store_failed` where it was not even asked
   */
  async update(change: Change, known: number | undefined): Promise<StoredToken | undefined> {
    const run: {
      isAsked?: true
      made?: AccessToken | undefined
      base: StoredToken
      thrown?: { error: unknown }
    } = { base: NONE }
    const observed: Change = async (current, context) => {
      run.isAsked = true
      try {
        run.base = current ?? NONE
        run.made = await change(current, context)
        return run.made
      } catch (error) {
        run.thrown = { error }
        throw error
      }
    }
    try {
      const stored = await this.#store.update(this.#key, observed, { known })
      if (run.isAsked === undefined) return stored
      if (run.made === undefined) return undefined
      // Whoever took the lock over has written by now.
      if (!isSame(stored.token, run.made)) return stored
      this.#written(stored)
    } catch (error) {
      if (run.thrown !== undefined) throw run.thrown.error
      if (run.made === undefined) throw failed(error)
      this.#revision = run.base.revision
      this.#keep({ token: run.made, base: run.base }, failed(error))
    }
    return undefined
  }

  /** Keeps a token that was issued while the store could not be reached. */
  keep(token: AccessToken, error: RefreshError): void {
    const known = { token: this.#latest, revision: this.#revision }
    this.#keep({ token, base: this.#unsaved ? this.#unsaved.base : known }, error)
  }

  /** A person logged in. */
  replace(token: AccessToken): Promise<void> {
    this.#latest = token
    this.#unsaved = { token, base: undefined }
    this.#onUnsaved()
    return this.save()
  }

  /** Writes what has yet to be written, if anything. */
  save(): Promise<void> {
    if (this.#unsaved === undefined) return Promise.resolve()
    this.#stopTimer()
    this.#saving ??= this.#save().finally(() => (this.#saving = undefined))
    return this.#saving
  }

  /** A person logged out. */
  async delete(): Promise<void> {
    this.#unsaved = undefined
    this.#latest = undefined
    this.#stopTimer()
    const deleted = this.#deleted.then(() => this.#store.delete(this.#key))
    this.#deleted = deleted.catch(() => undefined)
    try {
      await deleted
    } catch (error) {
      throw failed(error)
    }
  }

  async #save(): Promise<void> {
    // A login may come while the one before it is written.
    for (let unsaved = this.#unsaved; unsaved !== undefined; unsaved = this.#unsaved) {
      const { token, base } = unsaved
      // A logout that came before it must not come after it in the store.
      await this.#deleted
      try {
        const stored = await this.#store.update(this.#key, async (current) => {
          const isNewest = base === undefined || isOf(base, current ?? NONE)
          return isNewest && this.#unsaved === unsaved ? token : undefined
        })
        if (this.#unsaved !== unsaved) continue
        this.#unsaved = undefined
        this.#onUnsaved()
        // A write that was reported as failed may have succeeded.
        if (isSame(stored.token, token)) this.#written(stored)
      } catch (error) {
        const failure = failed(error)
        // It may be a later one by now.
        if (this.#unsaved) this.#keep(this.#unsaved, failure)
        throw failure
      }
    }
  }

  #written(stored: StoredToken): void {
    this.know(stored)
    this.#pause.reset()
    this.#tell({ type: 'persisted', revision: stored.revision })
  }

  #keep(unsaved: Unsaved, error: RefreshError): void {
    this.#unsaved = unsaved
    this.#latest = unsaved.token
    this.#onUnsaved()
    this.#tell({ type: 'persist_failed', error })
    const now = this.#clock.now()
    this.#pause.start(now, 0, LONGEST_PAUSE)
    this.#stopTimer()
    this.#stopTimer = startTimer(this.#clock, this.#pause.remaining(now), () => {
      this.save().catch(() => undefined)
    })
  }

  #tell(event: RefreshEvent): void {
    if (this.#onEvent) tell(this.#onEvent, event)
  }
}

/** It is the same record, or the same token that somebody wrote once more, as when it is sealed with another key. */
function isOf(base: StoredToken, { token, revision }: StoredToken): boolean {
  return base.revision === revision || (token !== undefined && isSame(base.token, token))
}

/** Whatever a store throws. What is one of ours says more than we could. */
function failed(error: unknown): RefreshError {
  if (error instanceof RefreshError) return error
  return new RefreshError('store_failed', 'The store could not be read, locked or written: see the cause.', {
    cause: error,
  })
}
