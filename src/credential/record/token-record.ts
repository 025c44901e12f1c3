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

/** A change that runs. */
interface UnderWay {
  /** Resolves when it has ended. */
  readonly over: Promise<void>
  /** It was given up, or left behind. */
  readonly isOver: () => boolean
}

/** The record of one key: the part that is known here, and the part that has yet to be written. */
export class TokenRecord {
  readonly #options: RecordOptions
  readonly #known: KnownRecord
  readonly #sessions: SessionWriter
  readonly #unsaved: UnsavedToken
  /** Changes under a lock: what each leads to may have to be written yet. */
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

  /** The last token that was read, written, or is to be written. */
  get latest(): AccessToken | undefined {
    return this.#known.latest
  }

  /** Another process found that the login of the record that is known here had ended. */
  get ended(): StoredFailure | undefined {
    const { failure } = this.#known.record
    return failure?.terminal === true ? failure : undefined
  }

  /** True if the store lacks a token that we hold. */
  get isUnsaved(): boolean {
    return this.#unsaved.current !== undefined
  }

  /**
   * @param onWait called when the read waits for its turn (true), and when its turn has come (false)
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

  /** Notes a record that was read. */
  know(record: StoredRecord): void {
    this.#known.know(record)
  }

  /**
   * Changes the record under its lock. A token that `change` gives is not lost where it cannot be written: after a second without
   * success this returns, and the write goes on.
   *
   * @returns the record in force, if it is another's
   * @throws what `change` throws; the signal's reason; RefreshError `store_failed` where `change` was not even called
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
      // A store of the user's may take no notice of the signal.
      await Promise.race([abortable(updating, options.signal), run.isMade])
      const unsaved = run.made
      if (unsaved !== undefined && (await isLate(this.#options.clock, updating))) {
        this.#unsaved.follow(unsaved, updating)
        return undefined
      }
      const stored = await updating
      if (!run.isAsked) return stored
      if (unsaved !== undefined) return this.#unsaved.conclude(unsaved, stored)
      // A failure was written, or nothing.
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

  /** Keeps a token that was issued while the store could not be reached, or after its lock was given up. */
  keep(content: RecordContent, base: StoredRecord | undefined, error: RefreshError): void {
    // An unsaved login outranks every record, and so does a token that was made from it.
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

  /** Writes what has yet to be written, if anything. A store that goes on trying by itself is not asked again. */
  save(): Promise<void> {
    return this.#unsaved.save()
  }

  /** Resolves when there is no token that the store does not have. */
  saved(): Promise<void> {
    return this.#unsaved.saved()
  }

  /** Resolves when everything is stored. @throws RefreshError `store_failed` after `timeout` ms */
  async flush(timeout: number): Promise<void> {
    if (!this.isUnsaved && this.#underWay().length === 0) return
    // Events report failures; the next try follows.
    this.save().catch(() => undefined)
    await within(this.#options.clock, timeout, this.#stored(), () => {
      const message = this.isUnsaved
        ? `The token could not be stored within ${timeout} ms: mend the store, or it is lost with this process.`
        : `A refresh was still under way after ${timeout} ms: wait for it, or what it brings is lost with this process.`
      return new RefreshError('store_failed', message, { cause: this.#unsaved.current?.error })
    })
  }

  /** Resolves when everything is stored, including tokens that are being redeemed or written now. */
  async #stored(): Promise<void> {
    for (let all = this.#underWay(); this.isUnsaved || all.length > 0; all = this.#underWay())
      await Promise.all([this.saved(), ...all])
  }

  /** A platform may have ended the request of some: nothing comes of those. */
  #underWay(): Promise<void>[] {
    for (const each of this.#changes) if (each.isOver()) this.#changes.delete(each)
    return Array.from(this.#changes, ({ over }) => over)
  }
}

/** Reports one update's wait for its lock to the listeners: its begin (true) and its end (false), once each. */
function lockWait({
  audience,
  clock,
}: Pick<RecordOptions, 'audience' | 'clock'>): (isWaiting: boolean) => void {
  /** epoch ms; undefined while it does not wait. */
  let since: number | undefined
  return (isWaiting) => {
    if (isWaiting === (since !== undefined)) return
    const now = clock.now()
    if (since === undefined) audience.tell({ type: 'lock_waiting' })
    else audience.tell({ type: 'lock_waited', duration: Math.max(0, now - since) })
    since = isWaiting ? now : undefined
  }
}
