import { describe, optionError } from '../core/options.ts'

const LOOPBACK = /^(?:localhost|.+\.localhost|127(?:\.\d+){3}|\[::1\])$/

/**
 * The origins that a credential may be sent to (RFC 6454).
 *
 * @throws RefreshError `invalid_option` for what is no origin, and for plain http to anything but loopback
 */
export function readOrigins(given: string | readonly string[]): ReadonlySet<string> {
  const origins = typeof given === 'string' ? [given] : given
  if (!Array.isArray(origins) || origins.length === 0) {
    throw optionError('origins', "must name where the credential may go, such as 'https://api.example.com'")
  }
  return new Set(origins.map(readOrigin))
}

function readOrigin(given: unknown): string {
  const url = typeof given === 'string' && URL.canParse(given) ? new URL(given) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    const what = typeof given === 'string' ? 'what is no URL of http or https' : describe(given)
    throw optionError('origins', `must hold origins such as 'https://api.example.com', not ${what}`)
  }
  const { origin, protocol, hostname } = url
  // A path would be a promise that is not kept: a credential is bounded by the origin, not by the path.
  if (url.href !== `${origin}/`) {
    throw optionError('origins', `must hold origins only: '${origin}', without a path, a query or a user`)
  }
  if (hostname.includes('*')) throw optionError('origins', 'must be named each: there are no wildcards')
  if (protocol === 'http:' && !LOOPBACK.test(hostname)) {
    throw optionError('origins', `would send the credential in the clear: use 'https://${url.host}'`)
  }
  return origin
}
