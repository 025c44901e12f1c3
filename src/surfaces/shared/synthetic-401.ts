import { asRefreshError } from '../../core/events.ts'
import { header } from '../../core/verdict/foreign.ts'

/** A response that we make, instead of a server. */
export interface SyntheticResponse {
  readonly status: 401
  readonly statusText: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** The header that marks such a response. Its value is the error's code. */
const OWN = 'x-llm-refresh'

/**
 * The response for a request that we refuse. Every vendor's client understands it as an authentication error. A client would take a thrown
 * error for a lost connection, and retry.
 */
export function synthetic401(reason: unknown): SyntheticResponse {
  const { code, message } = asRefreshError(reason)
  const said = `llm-refresh: ${code}: ${message}`
  return {
    status: 401,
    statusText: `Unauthorized (${code})`,
    headers: {
      'content-type': 'application/json',
      'www-authenticate': 'Bearer realm="llm-refresh"', // RFC 9110 section 15.5.2 demands a challenge
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
 * True if one of our surfaces made this response. It then says nothing about another surface's credential.
 *
 * @param headers a `Headers`, or an object with names in lower case
 */
export function isSynthetic401(headers: unknown): boolean {
  if (typeof headers !== 'object' || headers === null) return false
  return OWN in headers ? Reflect.get(headers, OWN) !== undefined : headerOf(headers, OWN) !== undefined
}

/** Does the same for headers with names in lower case, which undici gives with each response. */
export function isMarked(headers: Readonly<Record<string, unknown>>): boolean {
  return headers[OWN] !== undefined
}

/** A header of a response, or of an object that stands in for a response in a test. */
export function headerOf(headers: unknown, name: string): string | undefined {
  try {
    const found: unknown = Reflect.get(Object(headers), 'get')
    const value: unknown = typeof found === 'function' ? Reflect.apply(found, headers, [name]) : undefined
    return typeof value === 'string' ? value : header(headers, name)
  } catch {
    return undefined
  }
}
