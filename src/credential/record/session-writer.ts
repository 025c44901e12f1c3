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
  /** The counters of the record that the login replaces: as found in the store, or else as last known. */
  found?: Found | undefined
}

/** The counters of a record. A store that came back empty counts both anew. */
interface Found {
  readonly session: number
  readonly revision: number
}

/** ms after its deadline in which a login or a logout may still end by itself. Then the next one in the line begins. */
const AFTER = 1_000

/** The store and the key that logins and logouts are written to. */
export interface SessionOptions extends Silence {
  readonly store: Store
  readonly key: string
}

/** Writes logins and logouts in the order of their calls. They wait for no lock. */
export class SessionWriter {
  readonly #options: SessionOptions
  readonly #line = new Slots(1)
  /** The number of writes that have had their turn. */
  #turns = 0
  /** The counters of the last record that this process has read or written. */
  #found: Found | undefined

  constructor(options: SessionOptions) {
    this.#options = options
  }

  /** Notes a record that this process has read or written. */
  know({ session = 0, revision }: StoredRecord): void {
    this.#found = { session, revision }
  }

  /** Resolves when all earlier logins and logouts have ended. */
  async idle(): Promise<void> {
    const giveBack = await this.#turn()
    giveBack()
  }

  /**
   * Writes a login over the record in force, whatever that record holds.
   *
   * @throws the store's error: then {@link retry} can write the login later
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
   * Writes a login that could not be written before, unless a later login or logout has changed the session.
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

  /**
   * Runs a write in its turn.
   *
   * @param run gets a function that throws once the write's time is over, because a write that comes then would replace a later login
   */
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

  /** Limits how many accounts write at once, because thousands may log in together. A login that gets no turn in time is written later. */
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

  /** Waits for the writes before. A platform may have ended the request of one, so none holds its turn for longer than its deadline. */
  #turn(): Promise<GiveBack> {
    const { clock, deadline } = this.#options
    return this.#line.take({ clock, holds: deadline + AFTER })
  }
}

function tooLate(): RefreshError {
  return new RefreshError('store_failed', 'The store came to it after its time was over: nothing is changed.')
}

/**
 * Decides whether the login need not be written: the record in force holds it already, or a later login or logout counts.
 *
 * @returns undefined if the login must be written; else the record that holds it, or `record: undefined` if a later login or logout counts
 */
function settledBy(
  { token, found }: Login,
  current: StoredRecord,
): { readonly record: StoredRecord | undefined } | undefined {
  // An earlier try may have succeeded, and only its response was lost.
  if (isSame(current.token, token)) return { record: current }
  const { session = 0, revision } = current
  if (found === undefined || session === 0) return undefined
  // A lower revision also means another login: the store came back empty, and a person logged in after that.
  const isOther = session !== found.session || revision < found.revision
  return isOther ? { record: undefined } : undefined
}

/** Lets a logout go on although the record cannot be read: the store decides whether a tombstone may replace such a record. */
function unreadable(error: unknown): undefined {
  if (!(error instanceof RefreshError) || error.code !== 'store_invalid') throw error
}
