import { isMendable } from '../../core/verdict/demand.ts'
import { isEventStream } from '../shared/http-surface.ts'
import {
  type Inspection,
  inspectBody,
  inspectEvents,
  type Judged,
  type OpenDecoder,
} from '../shared/inspection.ts'
import type { ResponseJudge } from '../shared/response-judge.ts'
import { openDecoder } from './decoder.ts'
import type { ResponseHeaders } from './types.ts'

/** The settings that decide how a response is inspected. */
interface Inspecting {
  readonly judge: ResponseJudge
  readonly inspectStreams: boolean
}

/** The attempt that a response belongs to. */
export interface Inspected extends Judged {
  readonly isRetry: boolean
}

/**
 * Makes the inspection of a response: of its first event, or of its whole body. undefined if the head is enough, so that the caller gets
 * the response at once.
 */
export function inspectionOf(
  status: number,
  headers: ResponseHeaders,
  { judge, inspectStreams }: Inspecting,
  attempt: Inspected,
): Inspection | undefined {
  const isStream = isEventStream(status, headers['content-type'])
  const isInspected = isStream && inspectStreams && status === 200
  if (!isInspected && !judge.mayReject(status, headers['content-type'])) return undefined
  const head = { status, headers: joined(headers) }
  const open = openerOf(headers['content-encoding'])
  if (isInspected) return inspectEvents(judge, head, open, !attempt.isRetry, attempt)
  // Judge a stream by its head alone, even if a rule names its status: the stream may last for hours.
  if (isStream && !isMendable(judge.answer(status, head.headers, ''))) return undefined
  return inspectBody(judge, head, open, attempt)
}

/** Opens a decoder for this encoding; undefined if there is nothing to decode. */
function openerOf(encoding: unknown): OpenDecoder | undefined {
  return encoding === undefined ? undefined : (take, done) => openDecoder(encoding, take, done)
}

/** Joins a header that came several times into one (RFC 9110 section 5.3). */
function joined(headers: ResponseHeaders): ResponseHeaders {
  const { 'www-authenticate': challenge } = headers
  return Array.isArray(challenge) ? { ...headers, 'www-authenticate': challenge.join(', ') } : headers
}
