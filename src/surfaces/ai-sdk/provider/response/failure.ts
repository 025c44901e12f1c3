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
 * A failure that we read from an AI SDK error. We recognize errors by their fields and names, not by `instanceof`, because every major
 * version of the AI SDK has its own classes.
 */
export type Failure = StreamErrorDelta

type Refused = Exclude<ChatOutcome, { type: 'success' }>

/** Errors for a response that the AI SDK could not read. */
const UNREADABLE: ReadonlySet<unknown> = new Set([
  'AI_JSONParseError',
  'AI_TypeValidationError',
  'AI_InvalidResponseDataError',
  'AI_EmptyResponseBodyError',
  'AI_NoContentGeneratedError',
])

/** How runtimes' messages begin when a connection failed or broke. */
const CONNECTION_WORDS = /^(fetch failed|failed to fetch|load failed|network error|terminated)/i

/** The number of errors in a chain of causes that we look at. */
const MOST_CAUSES = 8

/**
 * Reads a thrown error: the vendor refused the request, the response is unreadable, or the connection was lost. Returns undefined for any
 * other error (an abort, a missing key, a bug), which the caller should throw.
 */
export function readFailure(error: unknown, now: number): Failure | undefined {
  const failure = thrownFailure(error, now)
  return failure && madeOf(failure, error)
}

/**
 * Reads an `error` part of a stream. The HTTP status was 200, so the vendor's own name for the error decides. Returns undefined for an
 * abort.
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
  // @ai-sdk/openai-compatible sends this error if the stream ends without a finish reason.
  if (error['name'] === 'AI_InvalidResponseDataError' && error['data'] === undefined) return brokenOff()
  if (UNREADABLE.has(error['name'])) return unreadable(error, undefined)
  const vendor = readVendorError(isRecord(error['data']) ? error['data'] : error)
  const guess = typeof error['statusCode'] === 'number' ? error['statusCode'] : undefined
  const status = vendor.status ?? guess
  if (status === undefined && isConnectionLost(error)) return lost(messageOf(error))
  return told(status, vendor, vendor.message ?? messageOf(error), undefined, vendor.retryAfterMs)
}

/** The failure of a stream that ended too early. */
export function brokenOff(): Failure {
  return lost('The stream ended before it was finished.')
}

/**
 * Converts a thrown error into the outcome of a call.
 *
 * @throws the error itself if it stands for no outcome
 */
export function outcomeOf(error: unknown): Refused {
  const failure = readFailure(error, Date.now())
  const outcome = failure && toOutcome(failure)
  if (outcome === undefined) throw error
  return outcome
}

/** The outcome of a `chat` for a failure; undefined if `chat` throws for it. */
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

/** If the response did not fit the AI SDK's schema, it is often the vendor's error in an unexpected form, so look for that first. */
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

/** Prefers `retry-after-ms`, because `retry-after` counts only in seconds. Returns ms. */
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
    // The AI SDK throws this error if a request got no response, or if the body broke off.
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
