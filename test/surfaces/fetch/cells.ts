import { Refreshable, type RefreshEvent } from '../../../src/index.ts'

/** A cell that starts with `t0` and brings `t1`, `t2` …; it counts, and keeps what it hears. */
export function tokens(): {
  cell: Refreshable<string>
  refreshes: () => number
  heard: RefreshEvent[]
  onEvent: (event: RefreshEvent) => void
} {
  let count = 0
  const heard: RefreshEvent[] = []
  const cell = new Refreshable({ initial: 't0', refresh: async () => `t${++count}` })
  return { cell, refreshes: () => count, heard, onEvent: (event) => heard.push(event) }
}

/** A cell whose refresh fails. */
export function broken(initial?: string): { cell: Refreshable<string>; refreshes: () => number } {
  let count = 0
  const refresh = async (): Promise<string> => {
    count++
    throw new Error('The token endpoint is down.')
  }
  return { cell: new Refreshable({ initial, refresh }), refreshes: () => count }
}
