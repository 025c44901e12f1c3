import type { RecordContent, StoredRecord } from '../../credential/store.ts'
import { RefreshError } from '../../errors.ts'
import { pause } from '../../lib/clock.ts'
import type { Row } from './lease-table.ts'

/** The operations that a replacement needs from its server. The key is fixed. */
export interface ReplacingServer {
  read(): Promise<Row | undefined>
  /** Returns undefined if the record in force has another revision by now. */
  swap(seen: number, text: string): Promise<Row | undefined>
  isPassing(error: unknown): boolean
  isRefusal(error: unknown): boolean
  opened(row: Row | undefined): StoredRecord | undefined
  encoded(content: RecordContent): string
  /** ms: no try begins after that. */
  readonly timeout: number
}

/** ms: the first and the longest pause between two tries */
const [FIRST_PAUSE, LONGEST_PAUSE] = [25, 400]

/**
 * Reads the record, changes it, and compares and sets it. It repeats that until no other write comes between.
 *
 * @throws RefreshError `store_failed`, `store_invalid`; the error of `change`
 */
export async function replaceRow(
  server: ReplacingServer,
  change: (current: StoredRecord | undefined) => RecordContent,
): Promise<StoredRecord> {
  const end = performance.now() + server.timeout
  /** The last swap without a response, which the server may have carried out. */
  let unsure: Attempt | undefined
  for (let wait = FIRST_PAUSE; ;) {
    const row = await server.read()
    // The caller has got its timeout by now, so write nothing. A driver that queues commands may return the read only after the outage.
    if (performance.now() > end) throw overdue()
    const current = server.opened(row)
    if (current && row && unsure && isCovered(unsure, row, current)) return current
    const content = change(current)
    const text = server.encoded(content)
    try {
      const swapped = await server.swap(row?.revision ?? 0, text)
      if (swapped) return server.opened(swapped) ?? { ...content, revision: swapped.revision }
    } catch (error) {
      if (!server.isPassing(error) || performance.now() + wait > end) throw error
      const attempt = { text, before: current?.session ?? 0, session: content.session ?? 0 }
      if (!server.isRefusal(error)) unsure = attempt
      await pause({ now: Date.now }, wait)
      wait = Math.min(wait * 2, LONGEST_PAUSE)
    }
  }
}

interface Attempt {
  readonly text: string
  /** The session of the record that the attempt replaces. */
  readonly before: number
  readonly session: number
}

/**
 * True if the server carried the attempt out, although its response was lost: the attempt's record is there, or another process has already
 * refreshed from it. Writing again would then restore a refresh token that may be spent.
 */
function isCovered({ text, before, session }: Attempt, row: Row, current: StoredRecord): boolean {
  return row.text === text || (session > before && (current.session ?? 0) >= session)
}

function overdue(): RefreshError {
  return new RefreshError(
    'store_failed',
    'The record was not replaced in time: the server responds slowly, or other processes changed the record each time in between. Try again.',
  )
}
