import { RefreshError } from '../../errors.ts'
import { abortable } from '../../lib/abortable.ts'
import { within } from '../../lib/clock.ts'
import type {
  StoreChange,
  MadeFor,
  RecordContent,
  StoredFailure,
  StoredRecord,
  UpdateOptions,
} from '../store.ts'
import { type AccessToken, isSame } from '../token.ts'
import { storeFailure } from './failures.ts'
import { givenRecord } from './given-record.ts'
import { KnownRecord } from './known-record.ts'
import { notSilent } from './not-silent.ts'
import { ObservedChange } from './observed-change.ts'
import type { RecordOptions } from './record-options.ts'
import { SessionWriter } from './session-writer.ts'
import { inTurn } from './store-turn.ts'
import { isLate, updateStore } from './store-update.ts'
import { UnsavedToken } from './unsaved-token.ts'

/** A change that runs under its lock. */
interface UnderWay {
  /** Resolves when the change has ended. */
  readonly over: Promise<void>
  /** True if the change was given up, or if its request may have ended without it. */
  readonly isOver: () => boolean
}

/** The record of one key: what this process knows of it, and the token that it has yet to write. */
export class TokenRecord {
  readonly #options: RecordOptions
  readonly #known: KnownRecord
  readonly #sessions: SessionWriter
  readonly #unsaved: UnsavedToken
  /** The changes that run. A token that one of them brings must still be written. */
  readonly #changes = new Set<UnderWay>()

  constructor(options: RecordOptions) {
    this.#options = options
    this.#sessions = new SessionWriter(options)
    this.#known = new KnownRecord(this.#sessions)
    this.#unsaved = new UnsavedToken(options, this.#known, this.#sessions)
  }

  get revision(): number {
    return this.#known.revision
  }

  /** The last token that this process has read or written, or that it will write. */
  get latest(): AccessToken | undefined {
    return this.#known.latest
  }

  /** The terminal failure in the record that this process knows: another process found that the login had ended. */
  get ended(): StoredFailure | undefined {
    const { failure } = this.#known.record
    return failure?.terminal === true ? failure : undefined
  }

  /** True if this process holds a token that the store does not have. */
  get isUnsaved(): boolean {
    return this.#unsaved.current !== undefined
  }

  /**
   * @param onWait called when the read begins to wait for its turn (true), and when its wait ends (false)
   * @throws RefreshError `store_failed`, `store_invalid`
   */
  async read(onWait?: (isWaiting: boolean) => void): Promise<StoredRecord | undefined> {
    const { store, key, clock, deadline } = this.#options
    try {
      const read = (): Promise<StoredRecord | undefined> => notSilent(this.#options, store.read(key))
      return givenRecord(await inTurn('read', store, read, { clock, deadline, onWait }))
    } catch (error) {
      throw storeFailure(error)
    }
  }

  /** Notes a record that this process has read. */
  know(record: StoredRecord): void {
    this.#known.know(record)
  }

  /**
   * Changes the record under its lock. If the token that `change` gives cannot be written within a second, this returns, and the
   * write goes on, so that the token is not lost.
   *
   * @returns the record in force, if another process wrote it; else undefined
   * @throws the error of `change`; the signal's reason; RefreshError `store_failed` if the store failed before it called `change`
   */
  async update(change: StoreChange, options: UpdateOptions): Promise<StoredRecord | undefined> {
    let [isWaited, isOver] = [options.isBrief !== true, (): void => undefined]
    const over = new Promise<void>((resolve) => (isOver = resolve))
    const underWay: UnderWay = { over, isOver: () => run.isLeft || options.isOver?.() === true }
    const wait = lockWait(this.#options)
    const run = new ObservedChange(change, this.#options, () => {
      wait(false)
      if (isWaited) this.#changes.add(underWay)
    })
    const onNews: UpdateOptions['onNews'] = (news, error) => {
      if (news === 'queued' || news === 'held') wait(true)
      if (news === 'vanished')
        this.#options.audience.tell({ type: 'record_vanished', revision: this.#known.revision })
      if (news === 'unwritten' && run.made) run.made.error = error
      options.onNews?.(news, error)
    }
    const updating = updateStore(this.#options, run.change, { ...options, isOver: underWay.isOver, onNews })
    updating.catch(() => undefined)
    try {
      // A user's own store may ignore the signal.
      await Promise.race([abortable(updating, options.signal), run.isMade])
      const unsaved = run.made
      if (unsaved !== undefined && (await isLate(this.#options.clock, updating))) {
        this.#unsaved.follow(unsaved, updating)
        return undefined
      }
      const stored = await updating
      if (!run.isAsked) return stored
      if (unsaved !== undefined) return this.#unsaved.conclude(unsaved, stored)
      // The change gave a failure, or nothing to write.
      if (stored.revision > this.#known.revision && isSame(stored.token, this.#known.latest))
        this.#known.record = stored
      return undefined
    } catch (error) {
      if (run.thrown !== undefined) throw run.thrown.error
      if (run.made === undefined) throw options.signal?.aborted === true ? error : storeFailure(error)
      this.#unsaved.keep({ ...run.made, pendingUntil: 0 }, storeFailure(error))
    } finally {
      wait(false)
      run.end()
      isWaited = false
      this.#changes.delete(underWay)
      isOver()
    }
    return undefined
  }

  /** Keeps a token that the source issued while the store could not be reached, or after the refresh was given up. */
  keep(content: RecordContent, base: StoredRecord | undefined, error: RefreshError): void {
    // An unsaved login outranks every record, and so does a token that was refreshed from that login.
    const before = this.#unsaved.current
    const login = before?.login && { ...before.login, token: content.token ?? before.login.token }
    const from = before ? before.base : (base ?? this.#known.record)
    this.#unsaved.keep({ content, base: from, login, pendingUntil: 0 }, error)
  }

  /** A person logged in. @throws RefreshError `store_failed`, `store_invalid` */
  async login(token: AccessToken, madeFor: MadeFor | undefined): Promise<void> {
    this.#known.latest = token
    await this.#unsaved.login({ token, madeFor })
  }

  /** A person logged out. @throws RefreshError `store_failed`, `store_invalid` */
  async logout(): Promise<void> {
    this.#known.latest = undefined
    this.#unsaved.release()
    try {
      await this.#sessions.logout()
    } catch (error) {
      throw storeFailure(error)
    }
  }

  /** Writes the unsaved token, if there is one. While the store itself still tries to write it, this does nothing. */
  save(): Promise<void> {
    return this.#unsaved.save()
  }

  /** Resolves when no token is unsaved. */
  saved(): Promise<void> {
    return this.#unsaved.saved()
  }

  /** Resolves when everything is stored. @throws RefreshError `store_failed` after `timeout` ms */
  async flush(timeout: number): Promise<void> {
    if (!this.isUnsaved && this.#underWay().length === 0) return
    // An event reports a failure, and the next try follows.
    this.save().catch(() => undefined)
    await within(this.#options.clock, timeout, this.#stored(), () => {
      const message = this.isUnsaved
        ? `The token could not be stored within ${timeout} ms: mend the store, or it is lost with this process.`
        : `A refresh was still under way after ${timeout} ms: wait for it, or what it brings is lost with this process.`
      return new RefreshError('store_failed', message, { cause: this.#unsaved.current?.error })
    })
  }

  /** Resolves when everything is stored, including the tokens of refreshes that run now. */
  async #stored(): Promise<void> {
    for (let all = this.#underWay(); this.isUnsaved || all.length > 0; all = this.#underWay())
      await Promise.all([this.saved(), ...all])
  }

  /** The changes that may still bring a token. A platform may have ended the request of a change: such a change brings none. */
  #underWay(): Promise<void>[] {
    for (const each of this.#changes) if (each.isOver()) this.#changes.delete(each)
    return Array.from(this.#changes, ({ over }) => over)
  }
}

/** Makes a function that reports an update's wait for its lock to the listeners: the begin (true) and the end (false), once each. */
function lockWait({
  audience,
  clock,
}: Pick<RecordOptions, 'audience' | 'clock'>): (isWaiting: boolean) => void {
  /** epoch ms: when the wait began; undefined while the update does not wait. */
  let since: number | undefined
  return (isWaiting) => {
    if (isWaiting === (since !== undefined)) return
    const now = clock.now()
    if (since === undefined) audience.tell({ type: 'lock_waiting' })
    else audience.tell({ type: 'lock_waited', duration: Math.max(0, now - since) })
    since = isWaiting ? now : undefined
  }
}
