import type { RefreshError } from '../../errors.ts'
import { describe, optionError } from '../../lib/options.ts'
import { LOOPBACK, parsedUrl } from '../../lib/secure-url.ts'

/**
 * Reads the origins that may get a credential (RFC 6454).
 *
 * @param plainHttp origins of a trusted network, which may get it over plain http
 * @throws RefreshError `invalid_option` if a value is no origin, or if it is plain http, not loopback, and not among `plainHttp`
 */
export function readOrigins(
  given: string | readonly string[],
  plainHttp: string | readonly string[] | undefined,
): ReadonlySet<string> {
  const trusted = new Set(
    listed('plainHttpOrigins', plainHttp ?? []).map((origin) => read(origin, 'plainHttpOrigins').origin),
  )
  const origins = listed('origins', given).map((origin) => read(origin, 'origins'))
  if (origins.length === 0) throw missing('origins')
  for (const { origin, protocol, hostname, host } of origins) {
    if (protocol === 'https:' || LOOPBACK.test(hostname) || trusted.has(origin)) continue
    throw optionError(
      'origins',
      `would send the credential in the clear: use 'https://${host}', or, within a network that you trust, plainHttpOrigins: ['${origin}']`,
    )
  }
  return new Set(origins.map(({ origin }) => origin))
}

function listed(name: string, given: string | readonly string[]): readonly unknown[] {
  const origins = typeof given === 'string' ? [given] : given
  if (!Array.isArray(origins)) throw missing(name)
  return origins
}

function missing(name: string): RefreshError {
  return optionError(name, "must name where the credential may go, such as 'https://api.example.com'")
}

function read(given: unknown, name: string): URL {
  const url = typeof given === 'string' ? parsedUrl(given) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    const what = typeof given === 'string' ? "a text without 'https://' or 'http://'" : describe(given)
    throw optionError(name, `must hold origins such as 'https://api.example.com', not ${what}`)
  }
  const { origin, hostname } = url
  // Refuse a path: it would seem to limit the credential, but only the origin does.
  if (url.href !== `${origin}/`) {
    throw optionError(name, `must hold origins only: '${origin}', without a path, a query or a user`)
  }
  if (hostname.includes('*')) throw optionError(name, 'must be named each: there are no wildcards')
  return url
}
