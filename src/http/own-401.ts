import { asRefreshError } from '../core/events.ts'

/** An answer of our own. */
export interface OwnAnswer {
  readonly status: 401
  readonly statusText: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/**
 * What a client gets where there is no credential to send: an authentication error in a shape that every vendor's
 * client understands. An error that is thrown would look like a lost connection to them, and be retried.
 */
export function own401(reason: unknown): OwnAnswer {
  const { code, message } = asRefreshError(reason)
  const said = `llm-refresh: ${code}: ${message}`
  return {
    status: 401,
    statusText: `Unauthorized (${code})`,
    headers: {
      'content-type': 'application/json',
      'www-authenticate': 'Bearer realm="llm-refresh"', // RFC 9110 section 15.5.2 demands one
      'x-should-retry': 'false',
    },
    body: JSON.stringify({
      type: 'error',
      error: { type: 'authentication_error', code, status: 'UNAUTHENTICATED', message: said },
    }),
  }
}
