import { type RefreshEvent, type RefreshListener, tell } from '../../core/events.ts'
import { RefreshError } from '../../errors.ts'
import { abortable } from '../../lib/abortable.ts'
import { Backoff } from '../../lib/backoff.ts'
import { type Clock, startTimer, within } from '../../lib/clock.ts'
import type { Change, MadeFor, RecordContent, Store, StoredRecord, UpdateOptions } from '../store.ts'
import { type AccessToken, isSame } from '../token.ts'
import { contentOf, NONE } from '../tombstone.ts'
import { keepAlive } from './exit-grace.ts'
import { storeFailure } from './failures.ts'
import { givenRecord, recordInForce } from './given-record.ts'
import { notSilent } from './not-silent.ts'
import { readInTurn } from './reads.ts'
import { type Login, SessionWriter } from './session-writer.ts'
import { BRIEFLY } from './write.ts'

/** A token that the store does not hold yet. */
interface Unsaved {
  readonly content: RecordContent
  /** The record that a refresh made it from. undefined: a login, which outranks all. */
  readonly base: StoredRecord | undefined
  /** What a person brought, where there is no `base`. */
  readonly login?: Login | undefined
  /** The store goes on trying by itself. */
  isPending: boolean
  error?: RefreshError | undefined
}

/** ms between tries to write what a store has refused, at most. */
const LONGEST_PAUSE = 5_000

/** Where a record lives, and what its owner hears. */
export interface RecordOptions {
  readonly store: Store
  readonly key: string
  readonly clock: Clock
  /** ms: a store of the user's that is silent for longer has failed. */
  readonly deadline: number
  /** ms that the process stays alive for the sake of an unsaved token. */
  readonly exitGrace: number
  readonly onEvent: RefreshListener | undefined
  /** Hears that {@link TokenRecord.isUnsaved} may have changed. */
  readonly onUnsaved: () => void
}

/** The record of one key: what of it is known here, and what has yet to be written. */
export class TokenRecord {
  readonly #options: RecordOptions
  /** The highest revision that is known here: only what is above it is news. */
  #known: StoredRecord = NONE
  #latest: AccessToken | undefined
  #unsaved: Unsaved | undefined
  #saving: Promise<void> | undefined
  readonly #sessions: SessionWriter
  readonly #pause = new Backoff(BRIEFLY)
  readonly #waiting = new Set<() => void>()
  /** Changes under a lock: of each, what it leads to may have to be written yet. */
  readonly #changes = new Set<Promise<void>>()
  #stopTimer: () => void = () => undefined
  #letGo: (() => void) | undefined

  constructor(options: RecordOptions) {
    this.#options = options
    this.#sessions = new SessionWriter(options)
  }

  get revision(): number {
    return this.#known.revision
  }

  /** The last token that was read, written, or is to be written. */
  get latest(): AccessToken | undefined {
    return this.#latest
  }

  /** There is a token that the store does not have. */
  get isUnsaved(): boolean {
    return this.#unsaved !== undefined
  }

  /**
   * @param onWait hears that the read waits for its turn (true), and that it has come (false)
   * @throws RefreshError `store_failed`, `store_invalid`
   */
  async read(onWait?: (isWaiting: boolean) => void): Promise<StoredRecord | undefined> {
    const { store, key, clock, deadline } = this.#options
    try {
      const read = (): Promise<StoredRecord | undefined> => notSilent(this.#options, store.read(key))
      return givenRecord(await readInTurn(store, read, { clock, deadline, onWait }))
    } catch (error) {
      throw storeFailure(error)
    }
  }

  /** Takes note of what was read. */
  know(record: StoredRecord): void {
    this.#known = record
    this.#latest = record.token
    this.#sessions.know(record)
  }

  /**
   * Changes the record under its lock. A token that `change` gives is not lost where it cannot be written: after a second without
   * success this returns, and the write goes on.
   *
   * @returns the record in force, where it is another's
   * @throws what `change` throws; the signal's reason; RefreshError `store_failed` where `change` was not even called
   */
  async update(change: Change, options: UpdateOptions): Promise<StoredRecord | undefined> {
    const run: { asked?: ReturnType<Change>; made?: Unsaved; thrown?: { error: unknown } } = {}
    let [isMade, letGo] = [(): void => undefined, (): void => undefined]
    const made = new Promise<void>((resolve) => (isMade = resolve))
    let [isWaited, isOver] = [options.isBrief !== true, (): void => undefined]
    const over = new Promise<void>((resolve) => (isOver = resolve))
    const first: Change = async (current, context) => {
      if (isWaited) this.#changes.add(over)
      try {
        const found = givenRecord(current)
        const base = found ?? NONE
        const content = await change(found, context)
        const isFailureAlone = content?.failure !== undefined && isSame(content.token, base.token)
        if (content?.token !== undefined && !isFailureAlone) {
          run.made = { content, base, isPending: true }
          letGo = keepAlive(this.#options.exitGrace)
          isMade()
        }
        return content
      } catch (error) {
        run.thrown = { error }
        throw error
      }
    }
    const observed: Change = async (current, context) => {
      if (run.asked === undefined) return (run.asked = first(current, context))
      // A store of the user's may repeat its transaction. What was redeemed is not redeemed again.
      const content = await run.asked
      const base = run.made?.base
      return base !== undefined && isFrom(base, givenRecord(current)) ? content : undefined
    }
    const onNews: UpdateOptions['onNews'] = (news, error) => {
      if (news === 'vanished') this.#tell({ type: 'record_vanished', revision: this.revision })
      if (news === 'unwritten' && run.made) run.made.error = error
      options.onNews?.(news, error)
    }
    const updating = this.#update(observed, { ...options, onNews })
    updating.catch(() => undefined)
    try {
      // A store of the user's may take no notice of the signal.
      await Promise.race([abortable(updating, options.signal), made])
      const unsaved = run.made
      if (unsaved !== undefined && (await this.#isLate(updating))) {
        this.#keep(unsaved, unsaved.error ?? slow())
        void this.#settle(unsaved, updating)
        return undefined
      }
      const stored = await updating
      if (run.asked === undefined) return stored
      if (unsaved !== undefined) return this.#conclude(unsaved, stored)
      // A failure was written, or nothing.
      if (stored.revision > this.revision && isSame(stored.token, this.#latest)) this.#known = stored
      return undefined
    } catch (error) {
      if (run.thrown !== undefined) throw run.thrown.error
      if (run.made === undefined) throw options.signal?.aborted === true ? error : storeFailure(error)
      this.#keep({ ...run.made, isPending: false }, storeFailure(error))
    } finally {
      letGo()
      isWaited = false
      this.#changes.delete(over)
      isOver()
    }
    return undefined
  }

  /** Keeps a token that was issued while the store could not be reached, or after its lock was given up. */
  keep(content: RecordContent, base: StoredRecord | undefined, error: RefreshError): void {
    // What a login left unsaved outranks all, and so does what was made from it.
    const before = this.#unsaved
    const login = before?.login && { ...before.login, token: content.token ?? before.login.token }
    const from = before ? before.base : (base ?? this.#known)
    this.#keep({ content, base: from, login, isPending: false }, error)
  }

  /** A person logged in. @throws RefreshError `store_failed`, `store_invalid` */
  async login(token: AccessToken, madeFor: MadeFor | undefined): Promise<void> {
    this.#latest = token
    const login: Login = { token, madeFor }
    const unsaved: Unsaved = { content: { token }, base: undefined, login, isPending: false }
    this.#hold(unsaved)
    try {
      const stored = await this.#sessions.login(login)
      if (this.#unsaved === unsaved) this.#written(unsaved, stored)
    } catch (error) {
      const failure = storeFailure(error)
      if (this.#unsaved === unsaved) this.#keep(unsaved, failure)
      throw failure
    }
  }

  /** A person logged out. @throws RefreshError `store_failed`, `store_invalid` */
  async logout(): Promise<void> {
    this.#latest = undefined
    this.#release()
    try {
      await this.#sessions.logout()
    } catch (error) {
      throw storeFailure(error)
    }
  }

  /** Writes what has yet to be written, if anything. A store that goes on trying by itself is not asked again. */
  save(): Promise<void> {
    const unsaved = this.#unsaved
    if (unsaved === undefined || unsaved.isPending) return Promise.resolve()
    this.#stopTimer()
    this.#saving ??= this.#save(unsaved).finally(() => (this.#saving = undefined))
    return this.#saving
  }

  /** Resolves when everything is stored. @throws RefreshError `store_failed` after `timeout` ms */
  async flush(timeout: number): Promise<void> {
    if (!this.isUnsaved && this.#changes.size === 0) return
    // Failures are told as events; the next try follows.
    this.save().catch(() => undefined)
    await within(this.#options.clock, timeout, this.#stored(), () => {
      const message = this.isUnsaved
        ? `The token could not be stored within ${timeout} ms. It is in use here, and would be lost with this process.`
        : `A refresh was still under way after ${timeout} ms. What it brings would be lost with this process.`
      return new RefreshError('store_failed', message, { cause: this.#unsaved?.error })
    })
  }

  /** Resolves when everything is stored, also what is being redeemed or written right now. */
  async #stored(): Promise<void> {
    while (this.isUnsaved || this.#changes.size > 0) await Promise.all([this.saved(), ...this.#changes])
  }

  /** Resolves when there is no token that the store does not have. */
  saved(): Promise<void> {
    if (!this.isUnsaved) return Promise.resolve()
    return new Promise((resolve) => {
      this.#waiting.add(resolve)
    })
  }

  async #update(change: Change, options: UpdateOptions): Promise<StoredRecord> {
    const { store, key } = this.#options
    return recordInForce(await store.update(key, change, options))
  }

  /** Whether a second has passed without the update's end. */
  async #isLate(updating: Promise<unknown>): Promise<boolean> {
    let stop = (): void => undefined
    const late = new Promise<true>((resolve) => {
      stop = startTimer(this.#options.clock, BRIEFLY, () => resolve(true))
    })
    const over = updating.then(
      () => false,
      () => false,
    )
    return Promise.race([over, late]).finally(() => stop())
  }

  /** Follows a write that the store goes on trying. */
  async #settle(unsaved: Unsaved, updating: Promise<StoredRecord>): Promise<void> {
    try {
      const stored = await updating
      if (this.#unsaved === unsaved) this.#conclude(unsaved, stored)
    } catch (error) {
      unsaved.isPending = false
      if (this.#unsaved === unsaved) this.#keep(unsaved, storeFailure(error))
    }
  }

  /** @returns the record in force where it is another's, and ours is dropped */
  #conclude(unsaved: Unsaved, stored: StoredRecord): StoredRecord | undefined {
    if (isSame(stored.token, unsaved.content.token)) {
      this.#written(unsaved, stored)
      return undefined
    }
    if (unsaved.base !== undefined && isFrom(unsaved.base, stored)) {
      // Another process wrote a failure beside the token that ours was made from, and no newer token.
      unsaved.isPending = false
      this.#keep(unsaved, unsaved.error ?? covered())
      this.save().catch(() => undefined)
      return undefined
    }
    if (this.#unsaved === unsaved) this.#discard(stored)
    return stored
  }

  async #saveLater(): Promise<void> {
    const unsaved = this.#unsaved
    if (unsaved !== undefined && !unsaved.isPending) await this.#save(unsaved)
  }

  async #save(unsaved: Unsaved): Promise<void> {
    try {
      await this.#sessions.idle()
      // A login came meanwhile, and could not be stored either: what the store holds is of the one before it.
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
      // A later one may be unsaved by now.
      if (this.#unsaved === unsaved) this.#keep(unsaved, failure)
      throw failure
    }
  }

  /** @throws RefreshError where the store does not come to it within a deadline, or does not take it at once */
  async #saveToken(unsaved: Unsaved, base: StoredRecord): Promise<void> {
    const { clock, deadline } = this.#options
    const silence = new AbortController()
    const stop = startTimer(clock, deadline, () => silence.abort(silent(deadline)))
    let isAsked = (): void => undefined
    const asked = new Promise<void>((resolve) => (isAsked = resolve))
    const change: Change = async (current) => {
      const found = givenRecord(current)
      const isOver = silence.signal.aborted || this.#unsaved !== unsaved
      stop()
      isAsked()
      if (isOver || !isFrom(base, found)) return undefined
      if (found === undefined && base.revision > 0) {
        this.#tell({ type: 'record_vanished', revision: base.revision })
      }
      return { ...contentOf(found ?? NONE), failure: undefined, ...unsaved.content }
    }
    const { signal } = silence
    const updating = this.#update(change, { signal, isOver: () => signal.aborted })
    updating.catch(() => undefined)
    try {
      // A store of the user's may take no notice of the signal.
      await Promise.race([abortable(updating, signal), asked])
      if (await this.#isLate(updating)) {
        unsaved.isPending = true
        void this.#settle(unsaved, updating)
        throw slow()
      }
      const stored = await updating
      if (this.#unsaved === unsaved) this.#conclude(unsaved, stored)
    } finally {
      stop()
    }
  }

  #written(unsaved: Unsaved, stored: StoredRecord): void {
    this.know(stored)
    this.#pause.reset()
    if (this.#unsaved === unsaved || this.#unsaved === undefined) this.#release()
    this.#tell({ type: 'persisted', revision: stored.revision })
  }

  /** In use, and not in the store. */
  #keep(unsaved: Unsaved, error: RefreshError): void {
    unsaved.error = error
    this.#latest = unsaved.content.token
    if (unsaved.base !== undefined && unsaved.base.revision > this.revision) this.#known = unsaved.base
    this.#hold(unsaved)
    this.#tell({ type: 'persist_failed', error })
    this.#stopTimer()
    if (unsaved.isPending) return
    const { clock } = this.#options
    const now = clock.now()
    this.#pause.start(now, 0, LONGEST_PAUSE)
    this.#stopTimer = startTimer(clock, this.#pause.remaining(now), () => {
      this.save().catch(() => undefined)
    })
  }

  #hold(unsaved: Unsaved): void {
    this.#unsaved = unsaved
    // Each try begins no new grace: a program would never end while its store is away.
    this.#letGo ??= keepAlive(this.#options.exitGrace)
    this.#options.onUnsaved()
  }

  /** The store holds a newer login by now, or a newer token. */
  #discard(inForce?: StoredRecord): void {
    // What was dropped must not be redeemed next: its refresh token may have been spent, or outranked, by what is in force.
    if (inForce?.revision === this.revision) this.#latest = inForce.token
    this.#release()
    this.#tell({ type: 'refresh_discarded', generation: 0 })
  }

  #release(): void {
    this.#unsaved = undefined
    this.#stopTimer()
    this.#letGo?.()
    this.#letGo = undefined
    this.#options.onUnsaved()
    for (const done of this.#waiting) done()
    this.#waiting.clear()
  }

  #tell(event: RefreshEvent): void {
    const { onEvent } = this.#options
    if (onEvent) tell(onEvent, event)
  }
}

/** The record still holds the token that another was made from, whatever was written beside it, or is gone altogether. */
function isFrom(base: StoredRecord, current: StoredRecord | undefined): boolean {
  if (current === undefined || current.revision === 0) return true
  return (base.session ?? 0) === (current.session ?? 0) && isSame(base.token, current.token)
}

function slow(): RefreshError {
  return new RefreshError('store_failed', `The store did not take the token within ${BRIEFLY} ms.`)
}

function silent(deadline: number): RefreshError {
  const message = `The store did not come to the token within ${deadline} ms: give each of its steps a time limit.`
  return new RefreshError('store_failed', message)
}

function covered(): RefreshError {
  return new RefreshError('store_failed', 'Another process wrote while the token was to be stored.')
}
