import { statusOfName } from '../../../../core/verdict/error-names.ts'
import { parseRetryAfter } from '../../../../lib/retry-after.ts'
import { isRecord } from '../../record.ts'

/** The facts in a vendor's error body. */
export interface VendorError {
  readonly message?: string | undefined
  readonly code?: string | undefined
  /** The HTTP status that the code stands for, or that the vendor wrote into the body. */
  readonly status?: number | undefined
  /** ms */
  readonly retryAfterMs?: number | undefined
}

/** The characters that we keep of a body that is not JSON: enough to tell what it is about. */
const MOST_WORDS = 300

/** Names that only mark an envelope, and say nothing about the error in it. */
const ENVELOPES: ReadonlySet<string> = new Set(['error', 'response.failed'])

/** Reads the error bodies of OpenAI, Anthropic, Google, Azure, AWS, Databricks and OAuth servers. */
export function readVendorError(body: unknown): VendorError {
  if (typeof body === 'string') {
    const parsed = parse(body)
    return parsed === undefined ? { message: words(body) } : readVendorError(parsed)
  }
  // Google wraps the response of a stream in an array.
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
    status: number ?? [...names, reason].map((name) => name && statusOfName(name)).find(isErrorStatus),
    retryAfterMs: details.map((detail) => delay(detail['retryDelay'])).find((ms) => ms !== undefined),
  }
}

/** The error itself, without its envelope. */
function inner(outer: Record<string, unknown>): Record<string, unknown> {
  if (isRecord(outer['error'])) return outer['error']
  const response = outer['response']
  return isRecord(response) && isRecord(response['error']) ? response['error'] : outer
}

/** Reads the delay of Google's `RetryInfo`, such as `"37.5s"`, into ms. */
function delay(value: unknown): number | undefined {
  return isText(value) && value.endsWith('s') ? parseRetryAfter(value.slice(0, -1), 0) : undefined
}

/** The readable text of an HTML page or of a plain text. */
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

function isErrorStatus(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 400 && value <= 599
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}
