import { asRefreshError } from '../../core/events.ts'
import { header } from '../../core/verdict/foreign.ts'

/** A response of our own. */
export interface SyntheticResponse {
  readonly status: 401
  readonly statusText: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Marks a response of our own. Its value is the error's code, and nothing else. */
const OWN = 'x-llm-refresh'

/**
 * The response that a client gets if we refuse a request: an authentication error in a form that every vendor's client understands. Clients
 * would take a thrown error for a lost connection, and retry.
 */
export function synthetic401(reason: unknown): SyntheticResponse {
  const { code, message } = asRefreshError(reason)
  const said = `llm-refresh: ${code}: ${message}`
  return {
    status: 401,
    statusText: `Unauthorized (${code})`,
    headers: {
      'content-type': 'application/json',
      'www-authenticate': 'Bearer realm="llm-refresh"', // RFC 9110 section 15.5.2 demands one
      'x-should-retry': 'false',
      [OWN]: code,
    },
    body: JSON.stringify({
      type: 'error',
      error: { type: 'authentication_error', code, status: 'UNAUTHENTICATED', message: said },
    }),
  }
}

/**
 * True if one of our surfaces made this response. Then it says nothing about another surface's credential.
 *
 * @param headers a `Headers`, or an object with names in lower case
 */
export function isSynthetic401(headers: unknown): boolean {
  if (typeof headers !== 'object' || headers === null) return false
  return OWN in headers ? Reflect.get(headers, OWN) !== undefined : headerOf(headers, OWN) !== undefined
}

/** The same of headers whose names are in lower case, as undici gives them with each response. */
export function isMarked(headers: Readonly<Record<string, unknown>>): boolean {
  return headers[OWN] !== undefined
}

/** A header of a response, or of what stands in for one in a test. */
export function headerOf(headers: unknown, name: string): string | undefined {
  try {
    const found: unknown = Reflect.get(Object(headers), 'get')
    const value: unknown = typeof found === 'function' ? Reflect.apply(found, headers, [name]) : undefined
    return typeof value === 'string' ? value : header(headers, name)
  } catch {
    return undefined
  }
}
