import type { Audience } from '../../core/audience.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Store } from '../store.ts'

/** The location of a record, and its owner's callbacks. */
export interface RecordOptions {
  readonly store: Store
  readonly key: string
  readonly clock: Clock
  /** ms: a store of the user's that is silent for longer has failed. */
  readonly deadline: number
  /** ms that the process stays alive for the sake of an unsaved token. */
  readonly exitGrace: number
  readonly audience: Audience
  /** Called when the record's `isUnsaved` may have changed. */
  readonly onUnsaved: () => void
}
