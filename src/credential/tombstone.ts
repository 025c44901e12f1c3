import type { RecordContent, StoredRecord } from './store.ts'

/** The record after a logout. Members that this version does not know stay. */
export function tombstone(current: StoredRecord | undefined): RecordContent {
  const { revision: _revision, failure: _failure, token: _token, session = 0, ...rest } = current ?? NONE
  return { ...rest, token: undefined, session: session + 1 }
}

/** No record. */
export const NONE: StoredRecord = { token: undefined, revision: 0 }

/** The content of a record: all but its revision. */
export function contentOf(record: StoredRecord): RecordContent {
  const { revision: _revision, ...content } = record
  return content
}
