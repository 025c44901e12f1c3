import { Breaker } from './breaker.ts'
import { Cell } from './cell.ts'
import { Derived } from './derived.ts'
import { RefreshError } from './errors.ts'
import { type RefreshableOptions, readOptions } from './options.ts'
import type { Origin } from './origin.ts'
import type { Generation, Refresher, RejectionOptions, Snapshot, WaitOptions } from './refresher.ts'

/** A refresher over an origin, with a breaker of its own. */
class Face<T> implements Refresher<T> {
  readonly #origin: Origin<T>
  readonly #breaker = new Breaker()

  constructor(origin: Origin<T>) {
    this.#origin = origin
  }

  peek(): Snapshot<T> | undefined {
    return this.#origin.peek()
  }

  snapshot(options?: WaitOptions): Promise<Snapshot<T>> {
    return this.#origin.snapshot(options)
  }

  refresh(rejected: Generation, options?: RejectionOptions): Promise<Snapshot<T>> {
    return this.#origin.refresh(rejected, this.#breaker, options)
  }

  accepted(snapshot: Generation): void {
    this.#breaker.accepted(snapshot.generation)
  }

  map<U>(build: (value: T) => U | Promise<U>): Refresher<U> {
    if (typeof build !== 'function') {
      throw new RefreshError(
        'invalid_option',
        'map() takes the function that builds something from the value.',
      )
    }
    return new Face(new Derived(this.#origin, build))
  }
}

/**
 * The cell: one value that goes stale. It numbers every value it has held and refreshes it once for everyone.
 *
 * @example
 * const token = new Refreshable({
 *   refresh: async ({ signal }) => fetchToken({ signal }),
 *   expiresAt: (token) => token.expiresAt, // epoch ms
 * })
 * const snapshot = await token.snapshot()
 * // … the remote side answers 401 …
 * const fresh = await token.refresh(snapshot) // once, however many callers were rejected
 */
export class Refreshable<T> extends Face<T> {
  readonly #cell: Cell<T>

  /** @throws RefreshError `invalid_option` */
  constructor(options: RefreshableOptions<T>) {
    const cell = new Cell(readOptions(options))
    super(cell)
    this.#cell = cell
  }

  /**
   * Puts a value in force: a person logged in again. It outranks a refresh that is under way, and ends a
   * terminal failure and a `clear()`. Those who wait for a refresh get this value.
   * @throws RefreshError `invalid_value` for undefined or null
   */
  set(value: T): Snapshot<T> {
    return this.#cell.set(value)
  }

  /**
   * Drops the value: a person logged out. It outranks a refresh that is under way and holds until `set()`;
   * until then every caller gets `credential_missing`. Numbers never restart.
   */
  clear(): void {
    this.#cell.clear()
  }
}
