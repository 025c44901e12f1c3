import type { RefreshError } from '../../errors.ts'
import { abortable } from '../../lib/abortable.ts'
import { Backoff } from '../../lib/backoff.ts'
import { monotonic, startTimer } from '../../lib/clock.ts'
import type { StoreChange, StoredRecord } from '../store.ts'
import { isSame } from '../token.ts'
import { contentOf, NONE } from '../tombstone.ts'
import { keepAlive } from './exit-grace.ts'
import { covered, silent, storeFailure } from './failures.ts'
import { givenRecord } from './given-record.ts'
import type { KnownRecord } from './known-record.ts'
import { MOST, type Unsaved } from './observed-change.ts'
import type { RecordOptions } from './record-options.ts'
import type { Login, SessionWriter } from './session-writer.ts'
import { sharedTry } from './shared-try.ts'
import { isFrom, isLate, slow, updateStore } from './store-update.ts'
import { BRIEFLY } from './write.ts'

/** ms: the longest pause between two tries to write a token. */
const LONGEST_PAUSE = 5_000

/** Keeps a token that the store does not have, and tries to write it until the store takes it. */
export class UnsavedToken {
  readonly #options: RecordOptions
  readonly #known: KnownRecord
  readonly #sessions: SessionWriter
  #unsaved: Unsaved | undefined
  readonly #saving: (begin: () => Promise<void>) => Promise<void>
  readonly #pause = new Backoff(BRIEFLY)
  readonly #waiting = new Set<() => void>()
  #stopTimer: () => void = () => undefined
  #letExit: (() => void) | undefined

  constructor(options: RecordOptions, known: KnownRecord, sessions: SessionWriter) {
    this.#options = options
    this.#known = known
    this.#sessions = sessions
    const most = MOST * options.deadline
    this.#saving = sharedTry(options.clock, most, () => silent(most))
  }

  /** The unsaved token, if there is one. */
  get current(): Unsaved | undefined {
    return this.#unsaved
  }

  /** Writes a login, which replaces an unsaved token. @throws RefreshError `store_failed`, `store_invalid` */
  async login(login: Login): Promise<void> {
    const unsaved: Unsaved = { content: { token: login.token }, base: undefined, login, pendingUntil: 0 }
    this.#hold(unsaved)
    try {
      const stored = await this.#sessions.login(login)
      if (this.#unsaved === unsaved) this.#written(unsaved, stored)
    } catch (error) {
      const failure = storeFailure(error)
      if (this.#unsaved === unsaved) this.keep(unsaved, failure)
      throw failure
    }
  }

  /** Keeps a token that callers already use while the store still tries to write it. */
  follow(unsaved: Unsaved, updating: Promise<StoredRecord>): void {
    this.#pend(unsaved)
    this.keep(unsaved, unsaved.error ?? slow())
    void this.#settle(unsaved, updating)
  }

  /** Waits for the result of a write that the store still tries. */
  async #settle(unsaved: Unsaved, updating: Promise<StoredRecord>): Promise<void> {
    try {
      const stored = await updating
      if (this.#unsaved === unsaved) this.conclude(unsaved, stored)
    } catch (error) {
      unsaved.pendingUntil = 0
      if (this.#unsaved === unsaved) this.keep(unsaved, storeFailure(error))
    }
  }

  /** Writes the unsaved token, if there is one. While the store itself still tries to write it, this does nothing. */
  save(): Promise<void> {
    const unsaved = this.#unsaved
    if (unsaved === undefined || this.#left(unsaved) > 0) return Promise.resolve()
    this.#stopTimer()
    return this.#saving(() => this.#save(unsaved))
  }

  /** Resolves when no token is unsaved. */
  saved(): Promise<void> {
    if (this.#unsaved === undefined) return Promise.resolve()
    return new Promise((resolve) => {
      this.#waiting.add(resolve)
    })
  }

  /**
   * Compares the record in force after a write with our token.
   *
   * @returns the record in force, if it outranks our token, which is then discarded; else undefined
   */
  conclude(unsaved: Unsaved, stored: StoredRecord): StoredRecord | undefined {
    if (isSame(stored.token, unsaved.content.token)) {
      this.#written(unsaved, stored)
      return undefined
    }
    if (unsaved.base !== undefined && isFrom(unsaved.base, stored)) {
      // Another process wrote a failure beside the token that ours was made from, and no newer token.
      unsaved.pendingUntil = 0
      this.keep(unsaved, unsaved.error ?? covered())
      this.save().catch(() => undefined)
      return undefined
    }
    if (this.#unsaved === unsaved) this.#discard(stored)
    return stored
  }

  async #saveLater(): Promise<void> {
    const unsaved = this.#unsaved
    if (unsaved !== undefined && this.#left(unsaved) <= 0) await this.#save(unsaved)
  }

  async #save(unsaved: Unsaved): Promise<void> {
    try {
      await this.#sessions.idle()
      // A login came meanwhile, and the store did not take it either. It replaced this token, so try to write the login.
      if (this.#unsaved !== unsaved) return await this.#saveLater()
      const { base = NONE, login } = unsaved
      if (login !== undefined) {
        const stored = await this.#sessions.retry(login)
        if (this.#unsaved !== unsaved) return await this.#saveLater()
        return stored === undefined ? this.#discard() : this.#written(unsaved, stored)
      }
      await this.#saveToken(unsaved, base)
    } catch (error) {
      const failure = storeFailure(error)
      // A later token may have replaced this one.
      if (this.#unsaved === unsaved) this.keep(unsaved, failure)
      throw failure
    }
  }

  /** @throws RefreshError `store_failed` if the store does not call the change within a deadline, or does not write within a second */
  async #saveToken(unsaved: Unsaved, base: StoredRecord): Promise<void> {
    const { clock, deadline } = this.#options
    const silence = new AbortController()
    const stop = startTimer(clock, deadline, () => silence.abort(silent(deadline)))
    let until = monotonic(clock) + deadline
    let isAsked = (): void => undefined
    const asked = new Promise<void>((resolve) => (isAsked = resolve))
    const change: StoreChange = async (current) => {
      const found = givenRecord(current)
      const isVain = silence.signal.aborted || this.#unsaved !== unsaved
      stop()
      until = monotonic(clock) + MOST * deadline
      isAsked()
      if (isVain || !isFrom(base, found)) return undefined
      if (found === undefined && base.revision > 0) {
        this.#options.audience.tell({ type: 'record_vanished', revision: base.revision })
      }
      return { ...contentOf(found ?? NONE), failure: undefined, ...unsaved.content }
    }
    const { signal } = silence
    // The platform may end this request and its timer, so the store also checks by the clock.
    const isOver = (): boolean => signal.aborted || monotonic(clock) >= until
    const updating = updateStore(this.#options, change, { signal, isOver })
    updating.catch(() => undefined)
    try {
      // A user's own store may ignore the signal.
      await Promise.race([abortable(updating, signal), asked])
      if (await isLate(clock, updating)) {
        this.#pend(unsaved)
        void this.#settle(unsaved, updating)
        throw slow()
      }
      const stored = await updating
      if (this.#unsaved === unsaved) this.conclude(unsaved, stored)
    } finally {
      stop()
    }
  }

  #written(unsaved: Unsaved, stored: StoredRecord): void {
    this.#known.know(stored)
    this.#pause.reset()
    if (this.#unsaved === unsaved || this.#unsaved === undefined) this.release()
    this.#options.audience.tell({ type: 'persisted', revision: stored.revision })
  }

  /** Keeps a token that is in use and not stored, and starts the timer for the next try. */
  keep(unsaved: Unsaved, error: RefreshError): void {
    unsaved.error = error
    this.#known.latest = unsaved.content.token
    if (unsaved.base !== undefined && unsaved.base.revision > this.#known.revision)
      this.#known.record = unsaved.base
    this.#hold(unsaved)
    this.#options.audience.tell({ type: 'persist_failed', error })
    this.#stopTimer()
    const { clock } = this.#options
    let wait = this.#left(unsaved)
    if (wait <= 0) {
      const now = clock.now()
      this.#pause.start(now, 0, LONGEST_PAUSE)
      wait = this.#pause.remaining(now)
    }
    this.#stopTimer = startTimer(clock, wait, () => {
      this.save().catch(() => undefined)
    })
  }

  #pend(unsaved: Unsaved): void {
    const { clock, deadline } = this.#options
    unsaved.pendingUntil = monotonic(clock) + MOST * deadline
  }

  /** ms for which we do not ask the store again, because it still tries to write by itself. */
  #left({ pendingUntil }: Unsaved): number {
    return pendingUntil - monotonic(this.#options.clock)
  }

  #hold(unsaved: Unsaved): void {
    this.#unsaved = unsaved
    // A further try begins no new grace period, or a program would never end while its store is down.
    this.#letExit ??= keepAlive(this.#options.exitGrace)
    this.#options.onUnsaved()
  }

  /** Discards the unsaved token, because the store holds a newer login or a newer token. */
  #discard(inForce?: StoredRecord): void {
    // The next refresh must not redeem the discarded token: the record in force outranks it, and its refresh token may be spent.
    if (inForce?.revision === this.#known.revision) this.#known.latest = inForce.token
    this.release()
    this.#options.audience.tell({ type: 'refresh_discarded', generation: 0 })
  }

  /** Stops saving: nothing is left to save. */
  release(): void {
    this.#unsaved = undefined
    this.#stopTimer()
    this.#letExit?.()
    this.#letExit = undefined
    this.#options.onUnsaved()
    for (const done of this.#waiting) done()
    this.#waiting.clear()
  }
}
