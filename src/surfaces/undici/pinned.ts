import type { Generation, Refresher, RejectionOptions, Snapshot } from '../../core/refresher.ts'

/**
 * A refresher for one request: it says which endpoint was asked. Its first snapshot may be one that was used already: the retry policy takes
 * over from there.
 */
export function pinned<T>(
  refresher: Refresher<T>,
  endpoint: string,
  used: Snapshot<T> | undefined,
): Refresher<T> {
  return {
    peek: () => refresher.peek(),
    usable: () => used ?? refresher.usable?.(),
    snapshot: (options) => refresher.snapshot(options),
    refresh: (rejected: Generation, options?: RejectionOptions) =>
      refresher.refresh(rejected, { ...options, endpoint }),
    accepted: (generation) => refresher.accepted(generation, endpoint),
    stillRejected: (generation) => refresher.stillRejected?.(generation, endpoint),
    map: (build) => refresher.map(build),
  }
}
