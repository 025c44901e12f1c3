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

/** How the responses of a call are judged. */
interface Inspecting {
  readonly judge: ResponseJudge
  readonly inspectStreams: boolean
}

/** The attempt that a response is for. */
export interface Inspected extends Judged {
  readonly isRetry: boolean
}

/** The inspection of a response before the caller gets it: up to its first event, or all of its body. undefined if the head is enough. */
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
  // A stream may last for hours: a rule for its status has its head to go by.
  if (isStream && !isMendable(judge.answer(status, head.headers, ''))) return undefined
  return inspectBody(judge, head, open, attempt)
}

/** undefined if there is nothing to decode. */
function openerOf(encoding: unknown): OpenDecoder | undefined {
  return encoding === undefined ? undefined : (take, done) => openDecoder(encoding, take, done)
}

/** A header that came more than once, as one (RFC 9110 section 5.3). */
function joined(headers: ResponseHeaders): ResponseHeaders {
  const { 'www-authenticate': challenge } = headers
  return Array.isArray(challenge) ? { ...headers, 'www-authenticate': challenge.join(', ') } : headers
}
