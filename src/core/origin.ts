import type { Breaker } from './breaker.ts'
import type { Clock } from './clock.ts'
import type { Generation, RejectionOptions, Snapshot, WaitOptions } from './refresher.ts'

/** Where a {@link Face} gets its values: the cell, or something built from its values. */
export interface Origin<T> {
  readonly clock: Clock
  /** ms */
  readonly deadline: number
  peek(): Snapshot<T> | undefined
  /** The value in force, where no caller need wait and no refresh is due; at once. */
  usable(): Snapshot<T> | undefined
  snapshot(options?: WaitOptions): Promise<Snapshot<T>>
  /** The breaker is the reporting face's own: one remote side must not stop the refreshes of another. */
  refresh(rejected: Generation, breaker: Breaker, options?: RejectionOptions): Promise<Snapshot<T>>
}
