import { RefreshError } from '../../errors.ts'
import { startTimer } from '../../lib/clock.ts'
import { type GiveBack, Slots } from '../../lib/slots.ts'
import type { MadeFor, RecordContent, Store, StoredRecord } from '../store.ts'
import { type AccessToken, isSame } from '../token.ts'
import { contentOf, NONE } from '../tombstone.ts'
import { silent } from './failures.ts'
import { givenRecord, recordInForce } from './given-record.ts'
import { notSilent, type Silence } from './not-silent.ts'
import { inTurn } from './store-turn.ts'

/** A login on its way into the store. */
export interface Login {
  readonly token: AccessToken
  readonly madeFor: MadeFor | undefined
  /** The counters that it found in the store, or that were known of it. */
  found?: Found | undefined
}

/** A store that came back empty counts both anew. */
interface Found {
  readonly session: number
  readonly revision: number
}

/** ms after its deadline that a login or logout is left time to end by itself. */
const AFTER = 1_000

/** The store and the key that logins and logouts are written to. */
export interface SessionOptions extends Silence {
  readonly store: Store
  readonly key: string
}

/** Writes logins and logouts, in the order in which they were made. They wait for no lock. */
export class SessionWriter {
  readonly #options: SessionOptions
  readonly #line = new Slots(1)
  /** The number of writes that have had their turn. */
  #turns = 0
  /** The counters of the last record that was read or written here. */
  #found: Found | undefined

  constructor(options: SessionOptions) {
    this.#options = options
  }

  /** Notes a record that was read or written. */
  know({ session = 0, revision }: StoredRecord): void {
    this.#found = { session, revision }
  }

  /** Resolves when no login and no logout that came before is on its way. */
  async idle(): Promise<void> {
    const giveBack = await this.#turn()
    giveBack()
  }

  /**
   * Writes a login over whatever is there.
   *
   * @throws the store's error: then {@link retry} may write it later
   */
  async login(login: Login): Promise<StoredRecord> {
    try {
      return await this.#replace((current) => this.#over(login, current))
    } catch (error) {
      login.found ??= this.#found
      throw error
    }
  }

  /**
   * Writes a login that could not be written before, if the session is still the one that it found.
   *
   * @returns undefined if a later login or logout counts
   */
  async retry(login: Login): Promise<StoredRecord | undefined> {
    let settled: { readonly record: StoredRecord | undefined } | undefined
    try {
      return await this.#replace((current) => {
        settled = settledBy(login, current)
        if (settled !== undefined) throw tooLate()
        return this.#over(login, current)
      })
    } catch (error) {
      if (settled === undefined) throw error
      return settled.record
    }
  }

  async logout(): Promise<void> {
    await this.#inOrder(async (assertTimely) => {
      const { store, key } = this.#options
      const { session = 0, revision } = givenRecord(await store.read(key).catch(unreadable)) ?? NONE
      assertTimely()
      await store.delete(key)
      this.#found = { session: session + 1, revision }
    })
  }

  /** Replaces the record in one atomic step, in order. */
  #replace(change: (current: StoredRecord) => RecordContent): Promise<StoredRecord> {
    const { store, key } = this.#options
    return this.#inOrder(async (assertTimely) =>
      recordInForce(
        await store.replace(key, (current) => {
          assertTimely()
          return change(givenRecord(current) ?? NONE)
        }),
      ),
    )
  }

  #over(login: Login, current: StoredRecord): RecordContent {
    const { failure: _failure, session = 0, ...kept } = contentOf(current)
    const { token, madeFor } = login
    const { revision } = current
    login.found = { session, revision }
    this.#found = { session: session + 1, revision }
    return { ...kept, ...(madeFor && { madeFor }), token, session: session + 1 }
  }

  /** @param run gets what throws where its time is over: what it changes then would come over a later login or logout */
  async #inOrder<R>(run: (assertTimely: () => void) => Promise<R>): Promise<R> {
    const giveBack = await this.#turn()
    const turn = ++this.#turns
    let isOver = false
    const assertTimely = (): void => {
      if (isOver || turn !== this.#turns) throw tooLate()
    }
    const step = (): Promise<R> => notSilent(this.#options, run(assertTimely))
    try {
      return await this.#among(step)
    } finally {
      isOver = true
      giveBack()
    }
  }

  /** Limits how many write at once: thousands of accounts may log in together. A login that is not written in time is written later. */
  async #among<R>(step: () => Promise<R>): Promise<R> {
    const { store, clock, deadline } = this.#options
    const late = new AbortController()
    const stop = startTimer(clock, deadline, () => late.abort(silent(deadline)))
    const begin = (): Promise<R> => {
      stop()
      return step()
    }
    try {
      return await inTurn('session', store, begin, { clock, deadline, signal: late.signal })
    } finally {
      stop()
    }
  }

  /** A platform may have ended the request that the one before belongs to. The deadline ends one that lives. */
  #turn(): Promise<GiveBack> {
    const { clock, deadline } = this.#options
    return this.#line.take({ clock, holds: deadline + AFTER })
  }
}

function tooLate(): RefreshError {
  return new RefreshError('store_failed', 'The store came to it after its time was over: nothing is changed.')
}

/**
 * Decides whether nothing has to be written: the record holds the login already, or a later one.
 *
 * @returns the record that holds the login; `record` is undefined if a later login or logout counts
 */
function settledBy(
  { token, found }: Login,
  current: StoredRecord,
): { readonly record: StoredRecord | undefined } | undefined {
  // An earlier try may have succeeded without a response.
  if (isSame(current.token, token)) return { record: current }
  const { session = 0, revision } = current
  if (found === undefined || session === 0) return undefined
  // A lower number is that of a login too, if the store had forgotten the earlier ones.
  const isOther = session !== found.session || revision < found.revision
  return isOther ? { record: undefined } : undefined
}

/** A logout needs no key: a store decides by itself whether a tombstone may replace what cannot be read. */
function unreadable(error: unknown): undefined {
  if (!(error instanceof RefreshError) || error.code !== 'store_invalid') throw error
}
