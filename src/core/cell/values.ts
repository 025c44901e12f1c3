import type { RefreshCause } from '../events.ts'
import type { CellOptions } from '../options.ts'
import type { Snapshot } from '../refresher.ts'
import { InForce } from './in-force.ts'

/** The values of a cell: numbers them, and knows which one is in force. */
export class Values<T> {
  readonly #options: CellOptions<T>
  inForce: InForce<T> | undefined
  /** The last generation that was given to a value. It never falls. */
  last = 0
  /** The sequence number of the last value that took effect. */
  applied = 0
  /** `clear()` was called: only `set()` puts a value in force again. */
  isClosed = false
  #sequence = 0

  constructor(options: CellOptions<T>) {
    this.#options = options
  }

  /** The generation in force; 0 for none. */
  get generationInForce(): number {
    return this.inForce?.snapshot.generation ?? 0
  }

  /** Numbers flights, `set()` and `clear()`: the higher number wins. */
  number(): number {
    return ++this.#sequence
  }

  /**
   * Puts a value in force.
   *
   * @param cause the cause of the refresh that brought the value; undefined for the host's `initial` and `set()`
   */
  adopt(value: T, sequence: number, cause: RefreshCause | undefined): Snapshot<T> {
    const { expiresAt, clock, refreshAhead } = this.#options
    const snapshot: Snapshot<T> = { value, generation: ++this.last, expiresAt: expiresAt(value) }
    this.inForce = new InForce(snapshot, cause, clock.now(), refreshAhead)
    this.applied = sequence
    this.isClosed = false
    return snapshot
  }

  /** @param isClosed only `set()` puts a value in force again */
  drop(isClosed: boolean): void {
    this.applied = this.number()
    this.inForce = undefined
    this.isClosed = isClosed
  }
}
