import type { RecordContent, StoredRecord } from '../../credential/store.ts'
import { RefreshError } from '../../errors.ts'
import { pause } from '../../lib/clock.ts'
import type { Row } from './lease-table.ts'

/** The server as a replacement needs it, for its key. */
export interface ReplacingServer {
  read(): Promise<Row | undefined>
  /** undefined: the record has another revision by now. */
  swap(seen: number, text: string): Promise<Row | undefined>
  isPassing(error: unknown): boolean
  isRefusal(error: unknown): boolean
  opened(row: Row | undefined): StoredRecord | undefined
  encoded(content: RecordContent): string
  /** ms: no try begins after that. */
  readonly timeout: number
}

/** ms between tries */
const [FIRST_PAUSE, LONGEST_PAUSE] = [25, 400]

/**
 * Reads, changes, and compares and sets, until no other write comes between.
 *
 * @throws RefreshError `store_failed`, `store_invalid`; what `change` throws
 */
export async function replaceRow(
  server: ReplacingServer,
  change: (current: StoredRecord | undefined) => RecordContent,
): Promise<StoredRecord> {
  const end = performance.now() + server.timeout
  /** The swap that had no response and may have been written. */
  let unsure: Attempt | undefined
  for (let wait = FIRST_PAUSE; ;) {
    const row = await server.read()
    // The caller was told by now that it failed. A driver that queues may let a read wait until the server is back.
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
  /** The session of the record that it replaces. */
  readonly before: number
  readonly session: number
}

/**
 * True if the attempt was carried out although its response was lost: its record is there, or another process has built on it. Replacing
 * that one would restore a refresh token that may be spent.
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
