import type { StoredRecord } from '../store.ts'
import type { AccessToken } from '../token.ts'
import { NONE } from '../tombstone.ts'
import type { SessionWriter } from './session-writer.ts'

/** The part of a record that this process knows. */
export class KnownRecord {
  readonly #sessions: SessionWriter
  /** The record with the highest revision known here: only a higher one is new. */
  record: StoredRecord = NONE
  /** The last token that was read, written, or is to be written. */
  latest: AccessToken | undefined

  constructor(sessions: SessionWriter) {
    this.#sessions = sessions
  }

  get revision(): number {
    return this.record.revision
  }

  /** Notes a record that was read or written. */
  know(record: StoredRecord): void {
    this.record = record
    this.latest = record.token
    this.#sessions.know(record)
  }
}
