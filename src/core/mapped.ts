import { RefreshError } from '../errors.ts'
import { abortable } from '../lib/abortable.ts'
import type { Clock } from '../lib/clock.ts'
import { currentTurn } from '../lib/input.ts'
import type { Audience } from './audience.ts'
import { Breaker } from './cell/breaker.ts'
import { Building } from './cell/building.ts'
import type { Generation, Refresher, RejectionOptions, Snapshot, WaitOptions } from './refresher.ts'

type Demand = Parameters<NonNullable<Refresher<unknown>['demand']>>
type Renewed = Parameters<NonNullable<Refresher<unknown>['renew']>>

/** The parts of a refresher that a map built from it needs. */
export interface Origin<T> extends Refresher<T> {
  readonly clock: Clock
  /** ms */
  readonly deadline: number
  /** Raised by every login and logout. */
  readonly epoch: number
  /** A remote side accepted this generation. */
  heard(snapshot: Generation): void
  usable(): Snapshot<T> | undefined
  /** @param breaker the breaker of the map that reports: one remote side must not stop the refreshes of another */
  refresh(rejected: Generation, options?: RejectionOptions, breaker?: Breaker): Promise<Snapshot<T>>
}

/** The promises that all callers of a stampede share. */
interface Shared<T, U> {
  readonly turn: object
  readonly base: Promise<Snapshot<T>>
  readonly derived: Promise<Snapshot<U>>
}

/** Something built from a refresher's values, once per generation. */
export class Mapped<T, U> implements Origin<U> {
  readonly clock: Clock
  readonly deadline: number
  readonly #origin: Origin<T>
  readonly #make: (value: T) => U | Promise<U>
  readonly #breaker = new Breaker()
  // Keyed by the snapshot: when the cell discards a snapshot, the built value is discarded with it.
  readonly #built = new WeakMap<Snapshot<T>, Building<U>>()
  #shared: Shared<T, U> | undefined

  constructor(origin: Origin<T>, build: (value: T) => U | Promise<U>) {
    if (typeof build !== 'function') {
      throw new RefreshError(
        'invalid_option',
        'map() needs a function that builds something from the value, such as a client.',
      )
    }
    this.clock = origin.clock
    this.deadline = origin.deadline
    this.#origin = origin
    this.#make = build
  }

  peek(): Snapshot<U> | undefined {
    return this.#find(this.#origin.peek())?.snapshot
  }

  /** Builds at once if `build` is synchronous, so that the first call with a new value waits for no turn of the event loop. */
  usable(): Snapshot<U> | undefined {
    const base = this.#origin.usable()
    return base && (this.#find(base) ?? this.#start(base)).snapshot
  }

  snapshot(options?: WaitOptions): Promise<Snapshot<U>> {
    const built = options?.signal?.aborted === true ? undefined : this.#find(this.#origin.usable())
    if (built?.ready !== undefined) return built.ready
    return this.#derive(this.#origin.snapshot(options), options)
  }

  refresh(
    rejected: Generation,
    options?: RejectionOptions,
    breaker: Breaker = this.#breaker,
  ): Promise<Snapshot<U>> {
    return this.#derive(this.#origin.refresh(rejected, options, breaker), options)
  }

  async demand(...demand: Demand): Promise<Snapshot<U> | undefined> {
    // Take the value in force, because a person may have logged in during the demand.
    return (await this.#origin.demand?.(...demand)) && this.snapshot(demand[2])
  }

  accepted(snapshot: Generation, endpoint?: string): void {
    this.#breaker.accepted(snapshot.generation, endpoint)
    this.heard(snapshot)
  }

  stillRejected(snapshot: Generation, endpoint?: string): void {
    this.#breaker.stillRejected(snapshot.generation, endpoint, this.clock.now())
  }

  heard(snapshot: Generation): void {
    this.#origin.heard(snapshot)
  }

  map<V>(build: (value: U) => V | Promise<V>): Refresher<V> {
    return new Mapped(this, build)
  }

  get epoch(): number {
    return this.#origin.epoch
  }

  get audience(): Audience | undefined {
    return this.#origin.audience
  }

  get owner(): object | undefined {
    return this.#origin.owner
  }

  isDead(): boolean {
    return this.#origin.isDead?.() === true
  }

  async renew(...than: Renewed): Promise<void> {
    await this.#origin.renew?.(...than)
  }

  #find(snapshot: Snapshot<T> | undefined): Building<U> | undefined {
    return snapshot && this.#built.get(snapshot)
  }

  /** Callers of one turn that wait for the same base share one promise. They never share the promise of another request. */
  #derive(base: Promise<Snapshot<T>>, options: WaitOptions = {}): Promise<Snapshot<U>> {
    if (options.signal !== undefined || options.background !== undefined) return this.#await(base, options)
    const turn = currentTurn()
    if (this.#shared?.base !== base || this.#shared.turn !== turn) {
      this.#shared = { turn, base, derived: this.#await(base, options) }
    }
    return this.#shared.derived
  }

  async #await(base: Promise<Snapshot<T>>, options: WaitOptions): Promise<Snapshot<U>> {
    const { epoch } = this
    try {
      const snapshot = await base
      const derived = await abortable(this.#build(snapshot), options.signal)
      // If a login or a logout came meanwhile, this value belongs to the account before it. Get the present one.
      return epoch === this.epoch ? derived : await this.snapshot(options)
    } finally {
      if (this.#shared?.base === base) this.#shared = undefined
    }
  }

  /** Builds a value from the base, or joins the build that runs. */
  #build(base: Snapshot<T>): Promise<Snapshot<U>> {
    const running = this.#find(base)
    if (running?.ready !== undefined) return running.ready
    const read = running?.deadline.inputRead()
    return read === undefined ? this.#join(base) : read.then(() => this.#join(base))
  }

  /** Joins the running build. If that build is past its deadline, starts another one, because a build spends nothing. */
  #join(base: Snapshot<T>): Promise<Snapshot<U>> {
    const running = this.#find(base)
    return (running?.isOver === false ? running : this.#start(base)).join()
  }

  #start(base: Snapshot<T>): Building<U> {
    const forget = (): void => {
      // Only the callers that waited get the failure. The next caller starts a new build.
      if (this.#find(base) === building) this.#built.delete(base)
    }
    const building: Building<U> = new Building(
      () => this.#make(base.value),
      base,
      this.clock,
      this.deadline,
      forget,
    )
    this.#built.set(base, building)
    return building
  }
}
