import type { StoredRecord } from '../store.ts'
import type { AccessToken } from '../token.ts'
import { NONE } from '../tombstone.ts'
import type { SessionWriter } from './session-writer.ts'

/** The record and the token that this process knows. */
export class KnownRecord {
  readonly #sessions: SessionWriter
  /** The record with the highest revision that this process has read or written. Only a record with a higher revision is new. */
  record: StoredRecord = NONE
  /** The last token that this process has read or written, or that it will write. */
  latest: AccessToken | undefined

  constructor(sessions: SessionWriter) {
    this.#sessions = sessions
  }

  get revision(): number {
    return this.record.revision
  }

  /** Notes a record that this process has read or written. */
  know(record: StoredRecord): void {
    this.record = record
    this.latest = record.token
    this.#sessions.know(record)
  }
}
