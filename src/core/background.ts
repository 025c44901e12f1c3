import type { Background } from './refresher.ts'

/**
 * Hands a flight to the callbacks that keep the platform from cancelling it.
 *
 * @param over settles when the flight is over
 * @param settled called when the flight is over: its promise settles when the flight's token is stored
 */
export function handOver(
  takers: readonly (Background | undefined)[],
  over: Promise<unknown>,
  settled: (() => Promise<void>) | undefined,
): void {
  const wanted = new Set(takers)
  wanted.delete(undefined)
  if (wanted.size === 0) return
  const ended = over
    .catch(() => undefined)
    .then(settled)
    .catch(() => undefined)
  for (const take of wanted) {
    try {
      const returned: unknown = take?.(ended)
      if (returned instanceof Promise) returned.catch(() => undefined)
    } catch {
      // `waitUntil` throws outside of a request. The flight goes on without its protection.
    }
  }
}
