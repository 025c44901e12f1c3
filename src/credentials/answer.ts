import { RefreshError } from '../core/errors.ts'
import { parseRetryAfter } from '../core/retry-after.ts'

/** They ask for patience, not for another request. */
const PATIENCE = new Set([408, 425])
const PATIENT_WORDS = new Set(['temporarily_unavailable', 'server_error', 'slow_down'])

/** An answer that has arrived whole. */
export interface Answer {
  readonly host: string
  readonly response: Response
  readonly text: string
  /** epoch ms; lifetimes count from here, for it is not known how long the answer took */
  readonly sentAt: number
}

/**
 * What is wrong with an answer of a token endpoint, if anything, where no person's login is at stake: then a grant that is
 * refused (`invalid_grant`) is no reason to log in again.
 *
 * @param now epoch ms
 */
export function refusal({ response, text, host }: Answer, now: number): RefreshError | undefined {
  const { status, headers, ok } = response
  const retryAfter = parseRetryAfter(headers.get('retry-after'), now)
  if (status === 429) {
    return new RefreshError('source_rate_limited', `${host} asks to wait (429).`, { retryAfter })
  }
  if (status >= 500 || PATIENCE.has(status)) {
    return new RefreshError('source_unavailable', `${host} cannot answer now (${status}).`, { retryAfter })
  }
  // A platform that hides redirects gives them no status.
  if (status === 0 || (status >= 300 && status < 400)) {
    return new RefreshError(
      'source_refused',
      `${host} redirects, which is not followed: name the endpoint itself.`,
    )
  }
  const type = headers.get('content-type') ?? ''
  // A token is one by whatever name it comes: what was spent for it would be lost.
  if (ok && holdsToken(text)) return undefined
  if (/\bhtml\b/i.test(type) || /^\s*</.test(text) || (ok && !isJson(type, text))) {
    return new RefreshError('source_unavailable', `${host} did not answer with JSON (${status}).`, {
      retryAfter,
    })
  }
  const { code, description } = readError(text)
  if (ok && code === undefined) return undefined
  if (code !== undefined && PATIENT_WORDS.has(code)) {
    return new RefreshError('source_unavailable', `${host} cannot answer now (${code}).`, { retryAfter })
  }
  const request = requestId(headers)
  const message = `${host} refuses (${[status, code, request].filter((part) => part !== undefined).join(', ')}).`
  return new RefreshError(
    'source_refused',
    message,
    description === undefined ? {} : { cause: new Error(description) },
  )
}

/** @throws RefreshError `source_invalid` for JSON that is no object */
export function readObject({ text, host }: Answer): object {
  try {
    const body: unknown = JSON.parse(text)
    if (typeof body === 'object' && body !== null) return body
  } catch {
    // Its own error quotes the text.
  }
  throw new RefreshError('source_invalid', `${host} answered with JSON that cannot be read.`)
}

function holdsToken(text: string): boolean {
  try {
    return typeof field(JSON.parse(text), 'access_token') === 'string'
  } catch {
    return false
  }
}

function isJson(type: string, text: string): boolean {
  return text.trim() !== '' && (type === '' || /[/+]json\b/i.test(type))
}

/** Some answer with an error and a 200. */
function readError(text: string): { code?: string | undefined; description?: string | undefined } {
  try {
    const body: unknown = JSON.parse(text)
    const error = field(body, 'error')
    // Vendors put an object where OAuth has a string (RFC 6749 section 5.2).
    const code = word(error) ?? word(field(error, 'type')) ?? word(field(error, 'code'))
    const said = field(body, 'error_description') ?? field(error, 'message')
    return { code, description: typeof said === 'string' ? harmless(said) : undefined }
  } catch {
    return {}
  }
}

/** Nothing that may be a secret, for what was sent may come back: long words, and shorter ones with digits. */
function harmless(said: string): string {
  return said
    .slice(0, 1024)
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/\S{20,}|(?!AADSTS\d{4,8}\b)(?=\S*\d)\S{8,}/g, '…')
    .slice(0, 256)
}

function word(value: unknown): string | undefined {
  return typeof value === 'string' && /^[a-z][a-z_]{0,63}$/i.test(value) ? value : undefined
}

function requestId(headers: Headers): string | undefined {
  const id = headers.get('request-id') ?? headers.get('x-request-id')
  return id !== null && /^[\w-]{1,64}$/.test(id) ? `request ${id}` : undefined
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}
