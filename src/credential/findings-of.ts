import type { Finding } from '../core/events.ts'
import type { Store } from './store.ts'

/** What a store says of its configuration. What a store of the user's throws here keeps nobody from a token. */
export function findingsOf(store: Store): readonly Finding[] {
  try {
    return [...(store.findings?.() ?? [])]
  } catch {
    return []
  }
}
