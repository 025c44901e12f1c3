import type { Finding } from '../core/events.ts'
import type { Store } from './store.ts'

/** A store's findings about its configuration. If a user's store throws here, callers still get their token. */
export function findingsOf(store: Store): readonly Finding[] {
  try {
    return [...(store.findings?.() ?? [])]
  } catch {
    return []
  }
}
