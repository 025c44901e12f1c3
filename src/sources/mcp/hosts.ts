import { RefreshError } from '../../errors.ts'
import { parsedUrl } from '../../lib/secure-url.ts'

const LOOPBACK = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/
/**
 * IPv4 addresses that are not on the public internet (RFC 6890): this network, private use, shared address space, loopback, link local,
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

/** Where clouds tell a machine its secrets. */
function isLinkLocal({ hostname }: URL): boolean {
  return /^(?:169\.254\.|\[fe[89ab])/i.test(hostname)
}

/** A host that a name or address on the public internet has no reason to lead to. A name is not looked up. */
function isPrivate({ hostname }: URL): boolean {
  const isAddress = hostname.startsWith('[') || /^[\d.]+$/.test(hostname)
  if (isAddress) return PRIVATE_V4.test(hostname) || PRIVATE_V6.test(hostname)
  return !hostname.replace(/\.$/, '').includes('.') || PRIVATE_NAME.test(hostname)
}

/**
 * Why a URL that somebody else named is not asked; undefined where it may be. It is https, or on this machine where the one who named it is,
 * too; and it does not lead from outside into a private network.
 *
 * @param from who named it
 * @param plainHttp origins that the user allows
 * @param isNamed the user named the one who names it: from inside a private network, that one may lead to another host there
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

/** A place, as a message names it. Some servers take a key in the query. */
export function placeName({ origin, pathname, search }: URL): string {
  return `${origin}${pathname}${search === '' ? '' : '?…'}`
}

/** The same but for one slash at the end. */
export function isSameBut(one: string, other: string): boolean {
  return one.replace(/\/$/, '') === other.replace(/\/$/, '')
}

/** A URL that another party wrote. */
export function readUrl(text: unknown): URL | undefined {
  return typeof text === 'string' && text.length <= 2_048 ? parsedUrl(text) : undefined
}

export function invalid(message: string): RefreshError {
  return new RefreshError('source_invalid', message)
}

/** The configuration, or the one who names a target, has to change: time mends nothing. */
export function refused(message: string): RefreshError {
  return new RefreshError('source_refused', message)
}
