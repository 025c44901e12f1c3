import { parseRetryAfter } from '../../core/retry-after.ts'
import { isRecord } from './record.ts'

/** What a vendor's own words tell of a failure. */
export interface VendorError {
  readonly message?: string | undefined
  readonly code?: string | undefined
  /** The HTTP status that the code stands for, or that the vendor wrote into the body. */
  readonly status?: number | undefined
  /** ms */
  readonly retryAfter?: number | undefined
}

/** Enough of a body that is no JSON to tell what it is about. */
const MOST_WORDS = 300

/** The status that a vendor answers with when an error of this name comes first, and not inside a 200. */
const STATUS: ReadonlyMap<string, number> = new Map([
  // Anthropic
  ['invalid_request_error', 400],
  ['authentication_error', 401],
  ['billing_error', 402],
  ['permission_error', 403],
  ['not_found_error', 404],
  ['request_too_large', 413],
  ['rate_limit_error', 429],
  ['api_error', 500],
  ['timeout_error', 504],
  ['overloaded_error', 529],
  // OpenAI and its like
  ['invalid_api_key', 401],
  ['token_expired', 401],
  ['token_invalidated', 401],
  ['unauthorized', 401],
  ['insufficient_quota', 429],
  ['rate_limit_exceeded', 429],
  ['invalid_prompt', 400],
  ['context_length_exceeded', 400],
  ['server_error', 500],
  ['internal_error', 500],
  ['server_overloaded', 503],
  // Azure
  ['expiredauthenticationtoken', 401],
  // Google: the names of gRPC
  ['cancelled', 499],
  ['invalid_argument', 400],
  ['failed_precondition', 400],
  ['out_of_range', 400],
  ['unauthenticated', 401],
  ['permission_denied', 403],
  ['not_found', 404],
  ['already_exists', 409],
  ['aborted', 409],
  ['resource_exhausted', 429],
  ['unknown', 500],
  ['internal', 500],
  ['data_loss', 500],
  ['unimplemented', 501],
  ['unavailable', 503],
  ['deadline_exceeded', 504],
])

/** Names of envelopes, which tell nothing of the error inside. */
const ENVELOPES: ReadonlySet<string> = new Set(['error', 'response.failed'])

/** Reads the error bodies of OpenAI, Anthropic, Google, Azure, AWS, Databricks and OAuth servers. */
export function readVendorError(body: unknown): VendorError {
  if (typeof body === 'string') {
    const parsed = parse(body)
    return parsed === undefined ? { message: words(body) } : readVendorError(parsed)
  }
  // Google wraps the answer of a stream in an array.
  const outer: unknown = Array.isArray(body) ? body[0] : body
  if (!isRecord(outer)) return {}
  const error = inner(outer)
  const details = Array.isArray(error['details']) ? error['details'].filter(isRecord) : []
  const reason = details.map((detail) => detail['reason']).find(isText)
  const names = [
    error['code'],
    error['status'],
    error['type'],
    error['error_code'],
    error['__type'],
    error['error'],
  ]
    .filter(isText)
    .filter((name) => !ENVELOPES.has(name) && !/\s/.test(name))
  const number = [error['code'], error['error_code']].map(Number).find(isErrorStatus)
  return {
    message: [
      error['message'],
      error['Message'],
      error['error_description'],
      error['detail'],
      error['error'],
    ].find(isText),
    code: reason ?? names[0] ?? (number === undefined ? undefined : String(number)),
    status: number ?? names.map((name) => STATUS.get(name.toLowerCase())).find(isErrorStatus),
    retryAfter: details.map((detail) => delay(detail['retryDelay'])).find((ms) => ms !== undefined),
  }
}

/** The error itself, out of whatever envelope it came in. */
function inner(outer: Record<string, unknown>): Record<string, unknown> {
  if (isRecord(outer['error'])) return outer['error']
  const response = outer['response']
  return isRecord(response) && isRecord(response['error']) ? response['error'] : outer
}

/** Google's `RetryInfo`: seconds, as in `"37.5s"`. */
function delay(value: unknown): number | undefined {
  return isText(value) && value.endsWith('s') ? parseRetryAfter(value.slice(0, -1), 0) : undefined
}

/** What an HTML page or a plain text has to say. */
function words(body: string): string | undefined {
  const [, title] = /<title[^>]*>([^<]*)</i.exec(body) ?? []
  const text = (title ?? (body.trimStart().startsWith('<') ? '' : body)).trim()
  return text === '' ? undefined : text.slice(0, MOST_WORDS)
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isErrorStatus(value: number | undefined): value is number {
  return value !== undefined && Number.isInteger(value) && value >= 400 && value <= 599
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}
