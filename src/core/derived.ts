import { abortable } from './abortable.ts'
import type { Breaker } from './breaker.ts'
import { type Clock, within } from './clock.ts'
import { RefreshError } from './errors.ts'
import type { Origin } from './origin.ts'
import type { Generation, RejectionOptions, Snapshot, WaitOptions } from './refresher.ts'
import { missing } from './refusals.ts'

interface Built<U> {
  snapshot: Snapshot<U> | undefined
  readonly ready: Promise<Snapshot<U>>
}

/** Something built from another origin's values, once per generation. */
export class Derived<T, U> implements Origin<U> {
  readonly clock: Clock
  readonly deadline: number
  readonly #origin: Origin<T>
  readonly #build: (value: T) => U | Promise<U>
  // Keyed by the snapshot itself: when the cell lets go of one, what was built from it goes too.
  readonly #built = new WeakMap<Snapshot<T>, Built<U>>()

  constructor(origin: Origin<T>, build: (value: T) => U | Promise<U>) {
    this.clock = origin.clock
    this.deadline = origin.deadline
    this.#origin = origin
    this.#build = build
  }

  peek(): Snapshot<U> | undefined {
    return this.#find(this.#origin.peek())?.snapshot
  }

  usable(): Snapshot<U> | undefined {
    return this.#find(this.#origin.usable())?.snapshot
  }

  snapshot(options?: WaitOptions): Promise<Snapshot<U>> {
    const built = options?.signal?.aborted === true ? undefined : this.#find(this.#origin.usable())
    if (built?.snapshot !== undefined) return built.ready
    return this.#derive(this.#origin.snapshot(options), options)
  }

  refresh(rejected: Generation, breaker: Breaker, options?: RejectionOptions): Promise<Snapshot<U>> {
    return this.#derive(this.#origin.refresh(rejected, breaker, options), options)
  }

  #find(snapshot: Snapshot<T> | undefined): Built<U> | undefined {
    return snapshot && this.#built.get(snapshot)
  }

  async #derive(base: Promise<Snapshot<T>>, options: WaitOptions | undefined): Promise<Snapshot<U>> {
    const snapshot = await base
    const built = this.#find(snapshot) ?? this.#start(snapshot)
    const derived = await abortable(built.ready, options?.signal)
    // Logged out meanwhile: nobody gets what belongs to an account that was left.
    if (this.#origin.peek() === undefined) throw missing()
    return derived
  }

  #start(base: Snapshot<T>): Built<U> {
    const late = (): RefreshError =>
      new RefreshError('refresh_timeout', `map() did not build its value within ${this.deadline} ms.`)
    const built: Built<U> = {
      snapshot: undefined,
      ready: within(this.clock, this.deadline, this.#run(base), late),
    }
    this.#built.set(base, built)
    built.ready.then(
      (snapshot) => {
        built.snapshot = snapshot
      },
      // A failure is its callers' own; the next one tries again.
      () => this.#built.delete(base),
    )
    return built
  }

  async #run({ value, generation, expiresAt }: Snapshot<T>): Promise<Snapshot<U>> {
    const built = await this.#build(value)
    if (built === undefined || built === null) {
      throw new RefreshError(
        'invalid_value',
        'The function given to map() returned nothing; it must return what it built.',
      )
    }
    return Object.freeze({ value: built, generation, expiresAt })
  }
}
