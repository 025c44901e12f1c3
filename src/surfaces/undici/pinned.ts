import type { Refresher, Snapshot } from '../../core/refresher.ts'

/** A refresher whose first snapshot is one that was used already: the retry policy takes over from there. */
export function pinned<T>(refresher: Refresher<T>, snapshot: Snapshot<T>): Refresher<T> {
  return {
    peek: () => refresher.peek(),
    usable: () => snapshot,
    snapshot: (options) => refresher.snapshot(options),
    refresh: (rejected, options) => refresher.refresh(rejected, options),
    accepted: (generation) => refresher.accepted(generation),
    map: (build) => refresher.map(build),
  }
}
