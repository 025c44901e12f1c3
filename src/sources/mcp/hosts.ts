import { RefreshError } from '../../errors.ts'
import { parsedUrl } from '../../lib/secure-url.ts'

const LOOPBACK = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/
/**
 * IPv4 addresses outside the public internet (RFC 6890): this network, private use, shared address space, loopback, link local,
 * benchmarking, multicast and reserved.
 */
const PRIVATE_V4 =
  /^(?:0|10|127|22[4-9]|2[34]\d|25[0-5]|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])|169\.254|172\.(?:1[6-9]|2\d|3[01])|192\.168|192\.0\.0|198\.1[89])\./
/**
 * Unspecified and loopback, IPv4 in IPv6, NAT64, Teredo and 6to4, unique local, link local, multicast (RFC 4291, RFC 4193, RFC 6052, RFC 4380,
 * RFC 3056).
 */
const PRIVATE_V6 = /^\[(?:::|64:ff9b:|2001:0?:|2002:|f[cd]|fe[89ab]|ff)/i
const PRIVATE_NAME = /(?:^|\.)(?:localhost|local|internal|intranet|lan|home|corp|home\.arpa)\.?$/i

/** This machine. */
export function isLoopback({ hostname }: URL): boolean {
  return LOOPBACK.test(hostname)
}

/** Link-local addresses. Clouds serve a machine's secrets there. */
function isLinkLocal({ hostname }: URL): boolean {
  return /^(?:169\.254\.|\[fe[89ab])/i.test(hostname)
}

/** Whether a host is in a private network, judged by its address or its name. This does not resolve the name. */
function isPrivate({ hostname }: URL): boolean {
  const isAddress = hostname.startsWith('[') || /^[\d.]+$/.test(hostname)
  if (isAddress) return PRIVATE_V4.test(hostname) || PRIVATE_V6.test(hostname)
  return !hostname.replace(/\.$/, '').includes('.') || PRIVATE_NAME.test(hostname)
}

/**
 * Why the library must not request a URL that another server named; undefined if it may. The URL must use https, unless it and the server that
 * named it are both on this machine. A server outside a private network must not lead the library into one.
 *
 * @param from the URL of the server that named it
 * @param plainHttp origins that the user allows over plain http
 * @param isNamed the user named the server `from`. If that server is in a private network, it may lead to another host there.
 */
export function refusedTarget(
  url: URL | undefined,
  from: URL,
  plainHttp: readonly string[],
  isNamed = false,
): string | undefined {
  if (url === undefined) return 'it is no URL'
  if (url.username !== '' || url.password !== '' || url.hash !== '') {
    return 'it holds a user, a password or a fragment'
  }
  if (plainHttp.includes(url.origin)) return undefined
  const isBothHere = isLoopback(url) && isLoopback(from)
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isBothHere)) return 'it is no https URL'
  const isInside = isNamed && isPrivate(from) && !isLoopback(from) && !isLoopback(url)
  const mayBePrivate = isBothHere || url.hostname === from.hostname || (isInside && !isLinkLocal(url))
  if (isPrivate(url) && !mayBePrivate) {
    return 'it is an address of a private network, or of this machine'
  }
  return undefined
}

/** A URL for a message. The query is hidden, because some servers take a key in it. */
export function placeName({ origin, pathname, search }: URL): string {
  return `${origin}${pathname}${search === '' ? '' : '?…'}`
}

/** Whether two texts are equal apart from one slash at the end. */
export function isSameBut(one: string, other: string): boolean {
  return one.replace(/\/$/, '') === other.replace(/\/$/, '')
}

/** Parses a URL that another party wrote; undefined if it is none, or longer than 2,048 characters. */
export function readUrl(text: unknown): URL | undefined {
  return typeof text === 'string' && text.length <= 2_048 ? parsedUrl(text) : undefined
}

export function invalid(message: string): RefreshError {
  return new RefreshError('source_invalid', message)
}

/** An error that time does not mend: the configuration has to change, or the server that names the target. */
export function refused(message: string): RefreshError {
  return new RefreshError('source_refused', message)
}
