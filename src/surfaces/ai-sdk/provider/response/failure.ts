import { isConnectionCode } from '../../../../core/verdict/error-names.ts'
import { madeOf } from '../../../../core/verdict/facts.ts'
import { hasMadeUpStatus } from '../../../../core/verdict/node-status.ts'
import { isUnauthorizedError } from '../../../../core/verdict/unauthorized.ts'
import { RefreshError } from '../../../../errors.ts'
import { parseRetryAfter, servedAt } from '../../../../lib/retry-after.ts'
import type { ChatOutcome, StreamErrorDelta, StreamErrorKind } from '../../../../llm/response.ts'
import { isRecord } from '../../record.ts'
import { readVendorError, type VendorError } from './vendor-error.ts'

/**
 * A failure, as read from an AI SDK error. We recognize errors by their fields and names, never by `instanceof`: every major version of the
 * AI SDK has classes of its own.
 */
export type Failure = StreamErrorDelta

type Refused = Exclude<ChatOutcome, { type: 'success' }>

/** A response came that the AI SDK could not read. */
const UNREADABLE: ReadonlySet<unknown> = new Set([
  'AI_JSONParseError',
  'AI_TypeValidationError',
  'AI_InvalidResponseDataError',
  'AI_EmptyResponseBodyError',
  'AI_NoContentGeneratedError',
])

/** The beginnings of runtimes' messages for a connection that failed or broke. */
const CONNECTION_WORDS = /^(fetch failed|failed to fetch|load failed|network error|terminated)/i

/** The number of causes in a chain that are looked at. */
const MOST_CAUSES = 8

/**
 * The failure that a thrown error tells of: the vendor's refusal, an answer that cannot be read, or a lost
 * connection. Undefined for anything else (an abort, a missing key, a bug), which is best left thrown.
 */
export function readFailure(error: unknown, now: number): Failure | undefined {
  const failure = thrownFailure(error, now)
  return failure && madeOf(failure, error)
}

/**
 * The failure that an `error` part inside a stream tells of. The vendor's own name for it decides, since the
 * HTTP status said 200. Undefined for an abort.
 */
export function readErrorPart(error: unknown, now: number): Failure | undefined {
  const failure = streamedFailure(error, now)
  return failure && madeOf(failure, error)
}

function thrownFailure(error: unknown, now: number): Failure | undefined {
  if (!isRecord(error) || error instanceof RefreshError || isAbort(error)) return undefined
  const status = error['statusCode']
  if (typeof status === 'number' && status >= 400) return refusal(error, status, now)
  const unread = [error, error['cause']].filter(isRecord).find(({ name }) => UNREADABLE.has(name))
  if (unread !== undefined) return unreadable(unread, typeof status === 'number' ? status : undefined)
  return isConnectionLost(error) ? lost(messageOf(error)) : undefined
}

function streamedFailure(error: unknown, now: number): Failure | undefined {
  if (typeof error === 'string') return { type: 'error', kind: 'unknown', message: error }
  if (!isRecord(error)) return { type: 'error', kind: 'unknown', message: 'The stream reported an error.' }
  if (isAbort(error)) return undefined
  if (typeof error['statusCode'] === 'number' && 'responseHeaders' in error) return thrownFailure(error, now)
  // @ai-sdk/openai-compatible says so when the stream ends without a finish reason.
  if (error['name'] === 'AI_InvalidResponseDataError' && error['data'] === undefined) return brokenOff()
  if (UNREADABLE.has(error['name'])) return unreadable(error, undefined)
  const vendor = readVendorError(isRecord(error['data']) ? error['data'] : error)
  const guess = typeof error['statusCode'] === 'number' ? error['statusCode'] : undefined
  const status = vendor.status ?? guess
  if (status === undefined && isConnectionLost(error)) return lost(messageOf(error))
  return told(status, vendor, vendor.message ?? messageOf(error), undefined, vendor.retryAfterMs)
}

/** The failure of a stream that ended before it was finished. */
export function brokenOff(): Failure {
  return lost('The stream ended before it was finished.')
}

/**
 * The outcome that a thrown error amounts to.
 *
 * @throws the error if it is no such failure
 */
export function outcomeOf(error: unknown): Refused {
  const failure = readFailure(error, Date.now())
  const outcome = failure && toOutcome(failure)
  if (outcome === undefined) throw error
  return outcome
}

/** A failure as the outcome of a `chat`; undefined if a `chat` throws instead. */
function toOutcome(failure: Failure): Refused | undefined {
  const { type: _, kind, retryAfterMs, ...facts } = failure
  switch (kind) {
    case 'rate_limited':
      return { type: 'rate_limited', ...(retryAfterMs !== undefined && { retryAfterMs }) }
    case 'invalid_request':
    case 'server_error':
      return madeOf({ type: kind, ...facts }, failure)
    case 'connection':
    case 'unknown':
      return undefined
    default:
      kind satisfies never
      return undefined
  }
}

function refusal(error: Record<string, unknown>, status: number, now: number): Failure {
  const headers = lowerCased(error['responseHeaders'])
  const body = error['responseBody']
  const vendor = readVendorError(body === undefined || body === '' ? error['data'] : body)
  return told(
    hasMadeUpStatus(error) ? (vendor.status ?? (isUnauthorizedError(error) ? 401 : status)) : status,
    vendor,
    vendor.message ?? (messageOf(error) || `HTTP ${status}`),
    headers['www-authenticate'],
    retryAfterOf(headers, now) ?? vendor.retryAfterMs,
  )
}

function told(
  status: number | undefined,
  vendor: VendorError,
  message: string,
  challenge: string | undefined,
  retryAfterMs: number | undefined,
): Failure {
  return {
    type: 'error',
    kind: kindOf(status),
    message,
    ...(status !== undefined && { status }),
    ...(vendor.code !== undefined && { code: vendor.code }),
    ...(challenge !== undefined && { challenge }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  }
}

function kindOf(status: number | undefined): StreamErrorKind {
  if (status === undefined) return 'unknown'
  if (status === 429) return 'rate_limited'
  return status >= 500 ? 'server_error' : 'invalid_request'
}

/** A value that did not fit the schema is often the vendor's error, in a form that the AI SDK did not expect. */
function unreadable(error: Record<string, unknown>, status: number | undefined): Failure {
  const vendor = readVendorError(error['value'])
  if (vendor.status !== undefined) {
    return told(vendor.status, vendor, vendor.message ?? messageOf(error), undefined, vendor.retryAfterMs)
  }
  const message = 'The answer could not be read: it is not what the vendor documents.'
  if (isUnauthorizedError(error)) {
    return { type: 'error', kind: 'invalid_request', message: vendor.message ?? message }
  }
  return { type: 'error', kind: 'server_error', message, ...(status !== undefined && { status }) }
}

function lost(message: string): Failure {
  return { type: 'error', kind: 'connection', message }
}

/** Milliseconds win over the header that can only say seconds. */
function retryAfterOf(headers: Record<string, string>, now: number): number | undefined {
  const ms = Number(headers['retry-after-ms'] ?? NaN)
  if (Number.isFinite(ms) && ms >= 0) return ms
  return parseRetryAfter(
    headers['retry-after'],
    servedAt((name) => headers[name], now),
  )
}

function isConnectionLost(error: unknown): boolean {
  let current = error
  for (let depth = 0; depth < MOST_CAUSES && isRecord(current); depth++) {
    const { name, code, cause, statusCode } = current
    if (isConnectionCode(code)) return true
    if (name === 'TypeError' && CONNECTION_WORDS.test(messageOf(current))) return true
    // The AI SDK's name for a request that got no response, or one whose body broke off.
    if (name === 'AI_APICallError' && (statusCode === undefined || statusCode === 200)) return true
    current = cause
  }
  return false
}

function isAbort(error: Record<string, unknown>): boolean {
  return (
    error['name'] === 'AbortError' || error['name'] === 'TimeoutError' || error['name'] === 'ResponseAborted'
  )
}

function lowerCased(headers: unknown): Record<string, string> {
  if (!isRecord(headers)) return {}
  const entries = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)] as const)
  return Object.fromEntries(entries)
}

function messageOf(error: Record<string, unknown>): string {
  return typeof error['message'] === 'string' ? error['message'] : 'The vendor gave no reason.'
}
