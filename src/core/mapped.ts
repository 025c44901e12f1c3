import { abortable } from './abortable.ts'
import { Breaker } from './breaker.ts'
import { type Clock, within } from './clock.ts'
import { RefreshError } from './errors.ts'
import type { Generation, Refresher, RejectionOptions, Snapshot, WaitOptions } from './refresher.ts'
import { timeout } from './refusals.ts'

/** What a map asks of what it is made from. */
export interface Origin<T> extends Refresher<T> {
  readonly clock: Clock
  /** ms */
  readonly deadline: number
  /** Raised by every login and logout. */
  readonly epoch: number
  usable(): Snapshot<T> | undefined
  /** The breaker is the reporting map's own: one remote side must not stop the refreshes of another. */
  refresh(rejected: Generation, options?: RejectionOptions, breaker?: Breaker): Promise<Snapshot<T>>
}

interface Built<U> {
  snapshot: Snapshot<U> | undefined
  readonly ready: Promise<Snapshot<U>>
}

/** Something built from a refresher's values, once per generation. */
export class Mapped<T, U> implements Origin<U> {
  readonly clock: Clock
  readonly deadline: number
  readonly #origin: Origin<T>
  readonly #build: (value: T) => U | Promise<U>
  readonly #breaker = new Breaker()
  // Keyed by the snapshot itself: when the cell lets go of one, what was built from it goes too.
  readonly #built = new WeakMap<Snapshot<T>, Built<U>>()

  constructor(origin: Origin<T>, build: (value: T) => U | Promise<U>) {
    if (typeof build !== 'function') {
      throw new RefreshError('invalid_option', 'map() takes a function.')
    }
    this.clock = origin.clock
    this.deadline = origin.deadline
    this.#origin = origin
    this.#build = build
  }

  peek(): Snapshot<U> | undefined {
    return this.#find(this.#origin.peek())?.snapshot
  }

  /** What can be built at once is built at once: the first call with a new value need not wait for a turn of the event loop. */
  usable(): Snapshot<U> | undefined {
    const base = this.#origin.usable()
    return base && (this.#find(base) ?? this.#start(base)).snapshot
  }

  snapshot(options?: WaitOptions): Promise<Snapshot<U>> {
    const built = options?.signal?.aborted === true ? undefined : this.#find(this.#origin.usable())
    if (built?.snapshot !== undefined) return built.ready
    return this.#derive(this.#origin.snapshot(options), options)
  }

  refresh(
    rejected: Generation,
    options?: RejectionOptions,
    breaker: Breaker = this.#breaker,
  ): Promise<Snapshot<U>> {
    return this.#derive(this.#origin.refresh(rejected, options, breaker), options)
  }

  accepted(snapshot: Generation): void {
    this.#breaker.accepted(snapshot.generation)
  }

  map<V>(build: (value: U) => V | Promise<V>): Refresher<V> {
    return new Mapped(this, build)
  }

  #find(snapshot: Snapshot<T> | undefined): Built<U> | undefined {
    return snapshot && this.#built.get(snapshot)
  }

  get epoch(): number {
    return this.#origin.epoch
  }

  async #derive(base: Promise<Snapshot<T>>, options: WaitOptions | undefined): Promise<Snapshot<U>> {
    const { epoch } = this
    const snapshot = await base
    const built = this.#find(snapshot) ?? this.#start(snapshot)
    const derived = await abortable(built.ready, options?.signal)
    // Nobody gets what belongs to an account that was left meanwhile.
    return epoch === this.epoch ? derived : this.snapshot(options)
  }

  #start(base: Snapshot<T>): Built<U> {
    const now = this.#buildNow(base)
    const built: Built<U> =
      now instanceof Promise
        ? {
            snapshot: undefined,
            ready: within(this.clock, this.deadline, now, () => timeout('map()', this.deadline)),
          }
        : { snapshot: now, ready: Promise.resolve(now) }
    this.#built.set(base, built)
    if (built.snapshot !== undefined) return built
    built.ready.then(
      (snapshot) => {
        built.snapshot = snapshot
      },
      // A failure is its callers' own; the next one tries again.
      () => this.#built.delete(base),
    )
    return built
  }

  #buildNow(base: Snapshot<T>): Snapshot<U> | Promise<Snapshot<U>> {
    try {
      const value = this.#build(base.value)
      return isPromise(value)
        ? Promise.resolve(value).then((built) => snapshotOf(built, base))
        : snapshotOf(value, base)
    } catch (error) {
      return Promise.reject(error)
    }
  }
}

function isPromise<U>(value: U | Promise<U>): value is Promise<U> {
  return typeof Reflect.get(Object(value), 'then') === 'function'
}

function snapshotOf<U>(value: U, { generation, expiresAt }: Snapshot<unknown>): Snapshot<U> {
  if (value === undefined || value === null) {
    throw new RefreshError('invalid_value', 'map() built nothing.')
  }
  return { value, generation, expiresAt }
}
