import type { RefreshCause } from '../events.ts'
import type { CellOptions } from '../options.ts'
import type { Snapshot } from '../refresher.ts'
import { InForce } from './in-force.ts'

/** The values of a cell: the one in force, its number, and what may take its place. */
export class Values<T> {
  readonly #options: CellOptions<T>
  #inForce: InForce<T> | undefined
  #generation = 0
  #sequence = 0
  #applied = 0
  #isClosed = false

  constructor(options: CellOptions<T>) {
    this.#options = options
  }

  get inForce(): InForce<T> | undefined {
    return this.#inForce
  }

  /** The last generation given out; numbers never restart. */
  get last(): number {
    return this.#generation
  }

  /** The generation in force; 0 for none. */
  get generationInForce(): number {
    return this.#inForce?.snapshot.generation ?? 0
  }

  /** The sequence number of what took effect last. */
  get applied(): number {
    return this.#applied
  }

  /** Logged out until `set()`. */
  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Numbers flights, `set()` and `clear()`: what began later outranks. */
  number(): number {
    return ++this.#sequence
  }

  /** Puts a value in force. `cause` is that of the refresh it came from; the host's own values have none. */
  adopt(value: T, sequence: number, cause: RefreshCause | undefined): Snapshot<T> {
    const { expiresAt, clock, refreshAhead } = this.#options
    const snapshot: Snapshot<T> = { value, generation: ++this.#generation, expiresAt: expiresAt(value) }
    this.#inForce = new InForce(snapshot, cause, clock.now(), refreshAhead)
    this.#applied = sequence
    this.#isClosed = false
    return snapshot
  }

  /** @param isClosed only `set()` puts a value in force again */
  drop(isClosed: boolean): void {
    this.#applied = this.number()
    this.#inForce = undefined
    this.#isClosed = isClosed
  }
}
