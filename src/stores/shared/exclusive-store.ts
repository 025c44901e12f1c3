import type { Finding } from '../../core/events.ts'
import { isInSource } from '../../core/source-context.ts'
import { writeFailure, writeToken } from '../../credential/record/write.ts'
import type {
  StoreChange,
  RecordContent,
  Store,
  StoredRecord,
  UpdateOptions,
} from '../../credential/store.ts'
import { isSame } from '../../credential/token.ts'
import { NONE, tombstone } from '../../credential/tombstone.ts'
import { RefreshError } from '../../errors.ts'
import { throwIfAborted } from '../../lib/abortable.ts'
import { type Clock, platformClock, within, pause } from '../../lib/clock.ts'
import { KeyedMutex } from '../../lib/keyed-mutex.ts'
import { printAs } from '../../lib/print/print-as.ts'
import { type GiveBack, Slots } from '../../lib/slots.ts'
import { Lease, type Moment, readTime } from './lease.ts'
import type { Backend, Lock, OnStep, Written } from './lock.ts'

/** ms: the first and the longest sleep of a waiter between two looks, if no notification wakes it. */
const [FIRST_LOOK, LAST_LOOK] = [25, 400]

/** ms: a lock that is held for longer than a flight's deadline no longer counts among `maxLocks`. */
const COUNTED = 30_000

/** The number of writes at a time. After an outage thousands of tokens may be unsaved: with all writes at once, each would be late. */
const MOST_WRITES = 64

/** Options of a store's locks. */
export interface ExclusiveOptions {
  /** How long a lock outlives its holder's last sign of life, in ms. */
  readonly lease: number
  /** How long the store may take to respond, in ms. */
  readonly timeout: number
  /** The number of locks that the store holds or waits for at a time. Default: 64. */
  readonly maxLocks?: number | undefined
  readonly clock?: Clock | undefined
  readonly onStep?: OnStep | undefined
}

interface Held {
  readonly lock: Lock
  /** A moment before the lock was acquired. */
  readonly since: Moment
}

/** A store whose updates are exclusive among all processes and hosts that share its backend. */
export class ExclusiveStore implements Store {
  readonly #backend: Backend
  readonly #lease: number
  readonly #timeout: number
  readonly #clock: Clock
  readonly #onStep: OnStep | undefined
  readonly #mutex = new KeyedMutex()
  readonly #slots: Slots
  readonly #writes: Slots = new Slots(MOST_WRITES)

  constructor(backend: Backend, { lease, timeout, maxLocks = 64, clock, onStep }: ExclusiveOptions) {
    this.#backend = backend
    this.#lease = lease
    this.#timeout = timeout
    this.#clock = clock ?? platformClock
    this.#onStep = onStep
    this.#slots = new Slots(maxLocks)
    printAs(this, 'Store', () => ({ where: backend.where, lease }))
  }

  read(key: string): Promise<StoredRecord | undefined> {
    return this.#bounded(this.#backend.read(key))
  }

  async replace(
    key: string,
    change: (current: StoredRecord | undefined) => RecordContent,
  ): Promise<StoredRecord> {
    let thrown: { readonly error: unknown } | undefined
    const observed: typeof change = (current) => {
      try {
        return change(current)
      } catch (error) {
        thrown = { error }
        throw error
      }
    }
    try {
      return await this.#bounded(this.#backend.replace(key, observed))
    } catch (error) {
      throw thrown === undefined ? error : thrown.error
    }
  }

  async delete(key: string): Promise<void> {
    await this.replace(key, tombstone)
  }

  /** @internal The folder of an account, if the backend keeps accounts in folders. */
  placeOf(key: string): string | undefined {
    return this.#backend.placeOf?.(key)
  }

  findings(): readonly Finding[] {
    return this.#backend.findings?.() ?? []
  }

  update(key: string, change: StoreChange, options: UpdateOptions = {}): Promise<StoredRecord> {
    const { signal, isOver, onNews } = options
    // A source's `issue()` may itself call `update()`. That update takes no place, because the one around it may hold the last.
    const isNested = isInSource()
    const run = async (): Promise<StoredRecord> => {
      await this.#onStep?.('wanted')
      if (isNested) return this.#locked(key, change, options, () => undefined)
      const giveBack = await this.#slots.take({
        clock: this.#clock,
        holds: options.deadline ?? COUNTED,
        signal,
        onWait: (isWaiting) => onNews?.(isWaiting ? 'queued' : 'admitted'),
      })
      try {
        return await this.#locked(key, change, options, giveBack)
      } finally {
        giveBack()
      }
    }
    return this.#mutex.take(key, run, { signal, isOver })
  }

  async #locked(
    key: string,
    change: StoreChange,
    options: UpdateOptions,
    giveBack: GiveBack,
  ): Promise<StoredRecord> {
    const got = await this.#lock(key, options)
    if (got === 'newer') return (await this.read(key)) ?? NONE
    const { lock, since } = got
    const lease = new Lease(() => this.#bounded(lock.renew()), this.#lease, this.#clock, since)
    let [isSent, mayBeLost] = [false, false]
    let written: StoredRecord | undefined
    try {
      await this.#onStep?.('locked')
      const content = await change(lock.current, {
        signal: lease.signal,
        abandoned: lock.abandoned,
        confirm: () => lease.confirm(),
        sent: () => (isSent = true),
        mayBeLost: () => (mayBeLost = true),
      })
      await this.#onStep?.('changed')
      if (content !== undefined) {
        const isFailureAlone = content.failure !== undefined && isSame(content.token, lock.current?.token)
        written =
          mayBeLost || isFailureAlone
            ? await this.#writeFailure(lock, content)
            : await this.#writeToken(lock, content, options, giveBack)
      }
    } finally {
      lease.end()
      // If the release fails, the lock ends with its lease.
      if (written === undefined) await this.#bounded(lock.release(isSent)).catch(() => undefined)
    }
    await this.#onStep?.('released')
    return written ?? lock.current ?? NONE
  }

  /** @returns undefined if the failure could not be written: then it is discarded */
  async #writeFailure(lock: Lock, content: RecordContent): Promise<StoredRecord | undefined> {
    const written = await writeFailure(() => this.#bounded(lock.write(content)))
    return written?.record
  }

  async #writeToken(
    lock: Lock,
    content: RecordContent,
    { onNews, isBrief = false }: UpdateOptions,
    giveBack: GiveBack,
  ): Promise<StoredRecord> {
    const { record, hasVanished } = await writeToken(() => this.#written(lock, content), {
      longestPause: this.#lease / 5,
      isBrief,
      isFinal: (error) => this.#backend.isFinal?.(error) === true,
      onFailure: (error) => {
        // While the store holds this lock for an unsaved token, other accounts may lock, so release the place.
        giveBack()
        onNews?.('unwritten', error)
      },
    })
    if (hasVanished) onNews?.('vanished')
    return record
  }

  async #written(lock: Lock, content: RecordContent): Promise<Written> {
    const giveBack = await this.#writes.take({ clock: this.#clock, holds: this.#timeout })
    try {
      return await this.#bounded(lock.write(content))
    } finally {
      giveBack()
    }
  }

  async #lock(key: string, { known, signal, onNews }: UpdateOptions): Promise<Held | 'newer'> {
    const contender = this.#backend.lockWaiter(key, known)
    const tryLock = async (): Promise<Held | 'newer' | number> => {
      const since = readTime()
      const trying = contender.tryLock()
      // If the lock arrives after we timed out, release it: no caller is left to do so.
      const lock = await this.#bounded(trying, (late) => typeof late === 'object' && late.release(false))
      if (typeof lock === 'object' && signal?.aborted === true) await this.#bounded(lock.release(false))
      throwIfAborted(signal)
      return typeof lock === 'object' ? { lock, since } : lock
    }
    let got = await tryLock()
    if (typeof got !== 'number') return got
    onNews?.('held')

    let alarm = new AbortController()
    const wake = (): void => alarm.abort()
    const over = new AbortController()
    signal?.addEventListener('abort', wake)
    // A release that happened before we subscribed sent no notification, so look once more.
    this.#backend.watch(key, wake, over.signal)?.then(wake, () => undefined)
    try {
      for (let look = FIRST_LOOK; ; look = Math.min(look * 2, LAST_LOOK)) {
        await pause(this.#clock, Math.min(got, look), alarm.signal).catch(() => undefined)
        throwIfAborted(signal)
        alarm = new AbortController()
        got = await tryLock()
        if (typeof got !== 'number') return got
      }
    } finally {
      signal?.removeEventListener('abort', wake)
      over.abort()
    }
  }

  #bounded<R>(asked: Promise<R>, dispose?: (late: R) => unknown): Promise<R> {
    let isLate = false
    const late = (): RefreshError => {
      isLate = true
      const { where = 'The store' } = this.#backend
      return new RefreshError(
        'store_failed',
        `${where} did not respond within ${this.#timeout} ms: it is down, slow, or out of reach from here.`,
      )
    }
    const answered = asked.then(
      async (result) => {
        if (isLate) await dispose?.(result)
        return result
      },
      (error: unknown) => {
        throw this.#backend.explain(error)
      },
    )
    return within(this.#clock, this.#timeout, answered, late)
  }
}
