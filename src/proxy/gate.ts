import type { IncomingMessage } from 'node:http'
import type { Connection } from './connections.ts'
import type { KeyRing } from './keys.ts'
import { isLoopback, type ProxyKey, type ProxyRefusal } from './options.ts'

/** The facts that a request's headers state, read in one pass. */
export interface Admitted {
  /** For the upstream: names and values in turn, without the client's keys and what is meant for us. */
  readonly headers: string[]
  readonly key: ProxyKey | undefined
  readonly query: string
  /** The one Host header, which was checked. */
  readonly host: string
  readonly refused: Extract<ProxyRefusal, 'host' | 'origin' | 'version'> | undefined
}

/** What a header is to us. Others are handed on. */
type Role = 'key' | 'protocols' | 'host' | 'origin' | 'site' | 'te' | 'dropped'
const ROLES: ReadonlyMap<string, Role> = new Map<string, Role>([
  // Where clients put keys. They never reach an upstream.
  ...['authorization', 'x-api-key', 'api-key', 'x-goog-api-key'].map((name) => [name, 'key'] as const),
  ['sec-websocket-protocol', 'protocols'],
  ['host', 'host'],
  ['origin', 'origin'],
  ['sec-fetch-site', 'site'],
  ['te', 'te'],
  // They concern one connection (RFC 9110 section 7.6.1), or are the upstream connection's to say.
  ...[
    'connection',
    'expect',
    'http2-settings',
    'keep-alive',
    'proxy-authenticate',
    'proxy-authorization',
    'proxy-connection',
    'trailer',
    'transfer-encoding',
    'upgrade',
  ].map((name) => [name, 'dropped'] as const),
])
const mayHaveRole = likelyOf(ROLES.keys())
/** Where OpenAI's clients put their key if their WebSocket takes no headers. */
const IN_PROTOCOL = /(?:^|[\s,])openai-insecure-api-key\.([\w.-]+)/
/** A key that is longer is none of ours, and is not worth a hash. */
const LONGEST_KEY = 512

/** Tells quickly of most names that they are none of these: by their length and their first letter. */
export function likelyOf(names: Iterable<string>): (name: string) => boolean {
  const seen = new Uint8Array(1_024)
  const place = (name: string): number => ((name.length & 31) << 5) | (name.charCodeAt(0) & 31)
  for (const name of names) seen[place(name)] = 1
  return (name) => seen[place(name)] === 1
}

/**
 * Is the request for us, from a program and not from a web page, and whose key does it bear?
 *
 * @param query from its question mark on, or empty
 * @param connection that it came by
 */
export function admit(
  request: IncomingMessage,
  query: string,
  keys: KeyRing,
  allowHosts: ReadonlySet<string>,
  connection: Connection,
): Admitted {
  const { rawHeaders } = request
  const named = namedByConnection(request)
  const headers: string[] = []
  let [host, hosts] = ['', 0]
  let origins: string[] | undefined
  let site = 'none'
  let key: ProxyKey | undefined
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const given = rawHeaders[at] ?? ''
    const value = rawHeaders[at + 1] ?? ''
    if (named === undefined && !mayHaveRole(given)) {
      headers.push(given, value)
      continue
    }
    const name = given.toLowerCase()
    const role = ROLES.get(name)
    if (role === 'key') key ??= keyIn(value, keys, connection)
    else if (role === 'protocols') key ??= keyIn(IN_PROTOCOL.exec(value)?.[1] ?? '', keys, connection)
    else if (role === 'host' && hosts++ === 0) host = value.toLowerCase()
    else if (role === 'origin') (origins ??= []).push(value.toLowerCase())
    else if (role === 'site') site = site === 'none' ? value.toLowerCase() : 'mixed'
    else if (role === 'te' && /(?:^|,)\s*trailers\s*(?:$|,)/i.test(value)) headers.push('te', 'trailers')
    const isOthers = role === undefined || role === 'origin' || role === 'site' || role === 'protocols'
    if (isOthers && named?.has(name) !== true) headers.push(given, value)
  }
  const stripped = keyInQuery(query, keys, connection)
  key ??= stripped.key
  const isOurs = hosts === 1 && isOurHost(host, allowHosts, connection)
  const isPage =
    origins?.some((origin) => origin !== `http://${host}`) === true ||
    !(site === 'none' || site === 'same-origin')
  const refused = !isSound(request) ? 'version' : !isOurs ? 'host' : isPage ? 'origin' : undefined
  return { headers: withoutKey(headers, connection.shown?.text), key, query: stripped.query, host, refused }
}

/** Clients of gateways repeat their key in a header of the gateway's, such as `apikey`. */
function withoutKey(headers: string[], text: string | undefined): string[] {
  if (text === undefined || !headers.some((value) => value.length >= text.length && value.includes(text)))
    return headers
  const kept: string[] = []
  for (let at = 0; at < headers.length; at += 2) {
    const [name = '', value = ''] = headers.slice(at, at + 2)
    const parts = value.split(',').filter((part) => !part.includes(text))
    const isList = name.toLowerCase() === 'sec-websocket-protocol' && parts.length > 0
    if (isList) kept.push(name, parts.join(',').trim())
    else if (!value.includes(text)) kept.push(name, value)
  }
  return kept
}

/** Node takes a request line without a version for one of HTTP/0.9, and chunks of HTTP/1.0, at which servers differ (RFC 9112 section 6.1). */
function isSound({ httpVersion, headers }: IncomingMessage): boolean {
  return httpVersion === '1.1' || (httpVersion === '1.0' && headers['transfer-encoding'] === undefined)
}

/** A rebound name (DNS) is neither of these; an address cannot be rebound. A client names the same host on all of a connection. */
function isOurHost(host: string, allowHosts: ReadonlySet<string>, connection: Connection): boolean {
  if (host === connection.host) return true
  const [, name = ''] = /^(\[[\da-f:.]+\]|[\w.-]+)(?::\d{1,5})?$/.exec(host) ?? []
  const bare = name.replaceAll(/^\[|\]$/g, '')
  const address = connection.socket.localAddress?.replace(/^::ffff:/, '')
  const isOurs = isLoopback(bare) || allowHosts.has(name) || bare === address
  if (isOurs) connection.host = host
  return isOurs
}

/** A `Connection` header names others that concern it alone. */
function namedByConnection({ headers }: IncomingMessage): ReadonlySet<string> | undefined {
  const { connection } = headers
  if (
    connection === undefined ||
    connection === 'keep-alive' ||
    /^(?:keep-alive|close|upgrade)$/i.test(connection)
  )
    return undefined
  return new Set(
    connection
      .toLowerCase()
      .split(',')
      .map((name) => name.trim()),
  )
}

/** What a connection has shown before is not hashed again. */
function keyIn(value: string, keys: KeyRing, connection: Connection): ProxyKey | undefined {
  const { shown } = connection
  if (shown !== undefined && isSame(shown.value, value) && keys.holds(shown.key)) return shown.key
  const text = value.replace(/^Bearer +/i, '').trim()
  const key = text === '' || text.length > LONGEST_KEY ? undefined : keys.find(text)
  if (key !== undefined) connection.shown = { value, text, key }
  return key
}

/** In constant time: a server in front of this one may send several clients' requests by one connection. */
function isSame(one: string, other: string): boolean {
  if (one.length !== other.length) return false
  let differences = 0
  for (let at = 0; at < one.length; at++) differences |= one.charCodeAt(at) ^ other.charCodeAt(at)
  return differences === 0
}

/** `?key=`, as Google's clients send it. Another API's parameter of that name, which is no key of ours, stays. */
function keyInQuery(
  query: string,
  keys: KeyRing,
  connection: Connection,
): { query: string; key: ProxyKey | undefined } {
  if (!query.includes('key=')) return { query, key: undefined }
  let key: ProxyKey | undefined
  const kept = query
    .slice(1)
    .split('&')
    .filter((parameter) => {
      if (!parameter.startsWith('key=')) return true
      const found = keyIn(decoded(parameter.slice(4)), keys, connection)
      key ??= found
      return found === undefined
    })
  return { query: kept.length === 0 ? '' : `?${kept.join('&')}`, key }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
