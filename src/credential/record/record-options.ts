import type { Audience } from '../../core/audience.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Store } from '../store.ts'

/** The location of a record, its time limits, and its owner's callbacks. */
export interface RecordOptions {
  readonly store: Store
  readonly key: string
  readonly clock: Clock
  /** ms: a user's own store that is silent for longer has failed. */
  readonly deadline: number
  /** ms: how long the process stays alive for an unsaved token. */
  readonly exitGrace: number
  readonly audience: Audience
  /** Called when `isUnsaved` of the record may have changed. */
  readonly onUnsaved: () => void
}
