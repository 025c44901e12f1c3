import { type Clock, within } from '../core/clock.ts'
import { RefreshError } from '../core/errors.ts'
import { Lease, type Moment, readTime } from './lease.ts'
import type { Backend, Lock, OnStep } from './lock.ts'
import { pause } from './pause.ts'
import { persistently } from './persistently.ts'
import type { Change, Store, StoredToken, UpdateOptions } from './store.ts'
import type { AccessToken } from './token.ts'
import { Turns } from './turns.ts'

/** How long a waiter sleeps where no notice comes: at first, and at most. ms */
const [FIRST_LOOK, LAST_LOOK] = [25, 400]

/** So long (ms) a write that fails is tried again. */
const WRITING = 1_000

const NONE: StoredToken = { token: undefined, revision: 0 }

/** How a store locks. */
export interface ExclusiveOptions {
  /** How long a lock outlives the last sign of life of its holder, in ms. */
  readonly lease: number
  /** How long the store may take to answer, in ms. */
  readonly timeout: number
  /** How many locks are taken at a time. */
  readonly maxLocks?: number | undefined
  readonly clock?: Clock | undefined
  readonly onStep?: OnStep | undefined
}

interface Held {
  readonly lock: Lock
  /** Before it was asked for. */
  readonly since: Moment
}

/** A store whose updates are exclusive among all processes and hosts that share its backend. */
export class ExclusiveStore implements Store {
  readonly #backend: Backend
  readonly #lease: number
  readonly #timeout: number
  readonly #clock: Clock
  readonly #onStep: OnStep | undefined
  readonly #turns = new Turns()

  constructor(backend: Backend, { lease, timeout, clock, onStep }: ExclusiveOptions) {
    this.#backend = backend
    this.#lease = lease
    this.#timeout = timeout
    this.#clock = clock ?? { now: () => Date.now() }
    this.#onStep = onStep
  }

  read(key: string): Promise<StoredToken | undefined> {
    return this.#answer(this.#backend.read(key))
  }

  update(key: string, change: Change, { known }: UpdateOptions = {}): Promise<StoredToken> {
    return this.#locked(key, known, async (lock, lease) => {
      const { signal } = lease
      const confirm = (): Promise<void> => lease.confirm()
      const token = await change(lock.current, { signal, abandoned: lock.abandoned, confirm })
      await this.#onStep?.('changed')
      return token === undefined ? undefined : this.#write(lock, token)
    })
  }

  async delete(key: string): Promise<void> {
    await this.#locked(key, undefined, (lock) => this.#write(lock, undefined))
  }

  /** While the lock is held: whoever gets it next would redeem a refresh token that is spent. */
  #write(lock: Lock, token: AccessToken | undefined): Promise<StoredToken> {
    return persistently(
      () => this.#answer(lock.write(token)),
      () => true,
      WRITING,
    )
  }

  /** @param use gives what it has written; where that is nothing, the lock is given back unused */
  #locked(
    key: string,
    known: number | undefined,
    use: (lock: Lock, lease: Lease) => Promise<StoredToken | undefined>,
  ): Promise<StoredToken> {
    return this.#turns.take(key, async () => {
      await this.#onStep?.('wanted')
      const got = await this.#lock(key, known)
      if (got === 'newer') return (await this.read(key)) ?? NONE
      const { lock, since } = got
      const lease = new Lease(() => this.#answer(lock.renew()), this.#lease, this.#clock, since)
      let written: StoredToken | undefined
      try {
        await this.#onStep?.('locked')
        written = await use(lock, lease)
      } finally {
        lease.end()
        // Where that fails, the lock is free when its lease is over.
        if (written === undefined) await this.#answer(lock.release()).catch(() => undefined)
      }
      await this.#onStep?.('released')
      return written ?? lock.current ?? NONE
    })
  }

  async #lock(key: string, known: number | undefined): Promise<Held | 'newer'> {
    const contender = this.#backend.contend(key, known)
    const tryLock = async (): Promise<Held | 'newer' | number> => {
      const since = readTime()
      const trying = contender.tryLock()
      // What comes too late must not be held by nobody.
      const lock = await this.#answer(trying, (late) => typeof late === 'object' && late.release())
      return typeof lock === 'object' ? { lock, since } : lock
    }
    let got = await tryLock()
    if (typeof got !== 'number') return got

    let alarm = new AbortController()
    const wake = (): void => alarm.abort()
    const over = new AbortController()
    // What was given back before the notices began was given back without one.
    this.#backend.watch(key, wake, over.signal)?.then(wake, () => undefined)
    try {
      for (let look = FIRST_LOOK; ; look = Math.min(look * 2, LAST_LOOK)) {
        await pause(this.#clock, Math.min(got, look), alarm.signal).catch(() => undefined)
        alarm = new AbortController()
        got = await tryLock()
        if (typeof got !== 'number') return got
      }
    } finally {
      over.abort()
    }
  }

  #answer<R>(asked: Promise<R>, dispose?: (late: R) => unknown): Promise<R> {
    let isLate = false
    const late = (): RefreshError => {
      isLate = true
      return new RefreshError('store_failed', `The store did not answer within ${this.#timeout} ms.`)
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
