import type { Audience } from '../../core/audience.ts'
import type { Generation, Refresher, RejectionOptions, Snapshot, WaitOptions } from '../../core/refresher.ts'

/**
 * A refresher whose first snapshot was used already: the retry policy takes over from there. A class, for a rejected request must not
 * cost an object of closures.
 */
export class Pinned<T> implements Refresher<T> {
  readonly #refresher: Refresher<T>
  readonly #used: Snapshot<T>

  constructor(refresher: Refresher<T>, used: Snapshot<T>) {
    this.#refresher = refresher
    this.#used = used
  }

  get audience(): Audience | undefined {
    return this.#refresher.audience
  }

  peek(): Snapshot<T> | undefined {
    return this.#refresher.peek()
  }

  usable(): Snapshot<T> {
    return this.#used
  }

  snapshot(options?: WaitOptions): Promise<Snapshot<T>> {
    return this.#refresher.snapshot(options)
  }

  refresh(rejected: Generation, options?: RejectionOptions): Promise<Snapshot<T>> {
    return this.#refresher.refresh(rejected, options)
  }

  async demand(
    lacking: Generation,
    challenge: string,
    options?: WaitOptions,
  ): Promise<Snapshot<T> | undefined> {
    return this.#refresher.demand?.(lacking, challenge, options)
  }

  accepted(snapshot: Generation, endpoint?: string): void {
    this.#refresher.accepted(snapshot, endpoint)
  }

  stillRejected(snapshot: Generation, endpoint?: string): void {
    this.#refresher.stillRejected?.(snapshot, endpoint)
  }

  map<U>(build: (value: T) => U | Promise<U>): Refresher<U> {
    return this.#refresher.map(build)
  }
}
