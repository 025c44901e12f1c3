import { describe, optionError } from './options.ts'

/** Host names of this machine. `*.localhost` is left out, because platforms look it up in the DNS. */
export const LOOPBACK: RegExp = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/

/**
 * Reads the URL of an endpoint that receives secrets: an https URL, or an http URL of this machine or of an allowed origin.
 *
 * @param plainHttp the origins that are allowed over plain http
 * @throws RefreshError `invalid_option`
 */
export function readEndpoint(name: string, given: unknown, plainHttp: readonly string[] = []): URL {
  const text = given instanceof URL ? given.href : given
  if (typeof text !== 'string' || parsedUrl(text) === undefined) {
    const what = typeof text === 'string' ? 'what is no URL' : describe(text)
    throw optionError(name, `must be a URL such as 'https://auth.example.com/token', not ${what}`)
  }
  const url = new URL(text)
  if (url.username !== '' || url.password !== '' || url.hash !== '') {
    throw optionError(name, 'must be a URL without a user, a password or a fragment')
  }
  if (url.protocol === 'https:' || isPlain(url, plainHttp)) return url
  const how =
    url.protocol === 'http:'
      ? `: it would send secrets in the clear to ${url.origin}. Inside a network that you trust, allow it with "plainHttpEndpoints": ["${url.origin}"]`
      : ''
  throw optionError(name, `must be an https URL${how}`)
}

function isPlain(url: URL, plainHttp: readonly string[]): boolean {
  return url.protocol === 'http:' && (LOOPBACK.test(url.hostname) || plainHttp.includes(url.origin))
}

/** @throws RefreshError `invalid_option` */
export function readPlainHttpEndpoints(given: unknown): readonly string[] {
  if (given === undefined) return []
  const problem = "must be a list of http origins, such as ['http://keycloak:8080']"
  if (!Array.isArray(given)) throw optionError('plainHttpEndpoints', problem)
  return given.map((origin: unknown) => {
    const url = typeof origin === 'string' ? parsedUrl(origin) : undefined
    const isOrigin = url?.protocol === 'http:' && url.pathname === '/' && url.search === '' && url.hash === ''
    if (url === undefined || !isOrigin || url.username !== '')
      throw optionError('plainHttpEndpoints', problem)
    return url.origin
  })
}

/** The text as a URL; undefined if it is none. Some platforms lack `URL.canParse` (React Native, browsers before 2024). */
export function parsedUrl(text: string, base?: string): URL | undefined {
  try {
    return new URL(text, base)
  } catch {
    return undefined
  }
}
