import type { CellOptions } from '../options.ts'
import type { RefreshCause, Snapshot } from '../refresher.ts'
import { InForce } from './in-force.ts'

/** The values of a cell: the one in force, its number, and what may take its place. */
export class Values<T> {
  readonly #options: CellOptions<T>
  #tenure: InForce<T> | undefined
  #generation = 0
  #sequence = 0
  #applied = 0
  #isClosed = false

  constructor(options: CellOptions<T>) {
    this.#options = options
  }

  get inForce(): InForce<T> | undefined {
    return this.#tenure
  }

  /** The last generation given out; numbers never restart. */
  get last(): number {
    return this.#generation
  }

  /** The generation in force; 0 for none. */
  get generationInForce(): number {
    return this.#tenure?.snapshot.generation ?? 0
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
    const { expiresAt, clock, ahead } = this.#options
    const snapshot: Snapshot<T> = { value, generation: ++this.#generation, expiresAt: expiresAt(value) }
    this.#tenure = new InForce(snapshot, cause, clock.now(), ahead)
    this.#applied = sequence
    this.#isClosed = false
    return snapshot
  }

  /** @param isClosed only `set()` puts a value in force again */
  drop(isClosed: boolean): void {
    this.#applied = this.number()
    this.#tenure = undefined
    this.#isClosed = isClosed
  }
}
