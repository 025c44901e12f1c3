import type { IncomingMessage } from 'node:http'
import type { Connection } from './connections.ts'
import type { KeyRing } from './keys.ts'
import { isLoopback, type ProxyKey, type ProxyRefusal } from './options.ts'

/** What one pass over a request's headers finds. */
export interface Admitted {
  /**
   * The headers for the upstream, names and values in turn. They contain no key of the client, and no header that is meant for the proxy.
   */
  readonly headers: string[]
  readonly key: ProxyKey | undefined
  readonly query: string
  /** The value of the only `Host` header. */
  readonly host: string
  readonly refused: Extract<ProxyRefusal, 'host' | 'origin' | 'version'> | undefined
}

/** What the proxy does with a header. It passes a header without a role on. */
type Role = 'key' | 'protocols' | 'host' | 'origin' | 'site' | 'te' | 'dropped'
const ROLES: ReadonlyMap<string, Role> = new Map<string, Role>([
  // Headers in which clients send keys. They never reach an upstream.
  ...['authorization', 'x-api-key', 'api-key', 'x-goog-api-key'].map((name) => [name, 'key'] as const),
  ['sec-websocket-protocol', 'protocols'],
  ['host', 'host'],
  ['origin', 'origin'],
  ['sec-fetch-site', 'site'],
  ['te', 'te'],
  // Headers that concern one connection (RFC 9110 section 7.6.1), or that the upstream connection sets itself.
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
/** The protocol in which OpenAI's clients send their key if their WebSocket cannot send headers. */
const IN_PROTOCOL = /(?:^|[\s,])openai-insecure-api-key\.([\w.-]+)/
/** The longest text, in characters, that we look up as a key. None of our keys is longer. */
const LONGEST_KEY = 512

/** Makes a fast test by length and first letter. It is false for most other names, and never for one of these. */
export function likelyOf(names: Iterable<string>): (name: string) => boolean {
  const seen = new Uint8Array(1_024)
  const place = (name: string): number => ((name.length & 31) << 5) | (name.charCodeAt(0) & 31)
  for (const name of names) seen[place(name)] = 1
  return (name) => seen[place(name)] === 1
}

/**
 * Checks that a request is meant for this proxy and comes from a program, not from a web page. Finds the key that it carries.
 *
 * @param query begins with its question mark, or is empty
 * @param connection the client's connection
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

/** Removes the client's key from all other headers: a gateway's client repeats it, for instance in `apikey`. */
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

/**
 * False for a request line without a version, which Node takes for HTTP/0.9, and for chunks in HTTP/1.0. Servers differ in how they read
 * them (RFC 9112 section 6.1).
 */
function isSound({ httpVersion, headers }: IncomingMessage): boolean {
  return httpVersion === '1.1' || (httpVersion === '1.0' && headers['transfer-encoding'] === undefined)
}

/**
 * True if the `Host` header names this proxy. A page that rebinds a DNS name sends another name, and no one can rebind an address. A client
 * names the same host in all requests of a connection, so we remember it.
 */
function isOurHost(host: string, allowHosts: ReadonlySet<string>, connection: Connection): boolean {
  if (host === connection.host) return true
  const [, name = ''] = /^(\[[\da-f:.]+\]|[\w.-]+)(?::\d{1,5})?$/.exec(host) ?? []
  const bare = name.replaceAll(/^\[|\]$/g, '')
  const address = connection.socket.localAddress?.replace(/^::ffff:/, '')
  const isOurs = isLoopback(bare) || allowHosts.has(name) || bare === address
  if (isOurs) connection.host = host
  return isOurs
}

/** The other headers that a `Connection` header names. They concern that connection only. */
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

/** Finds a key. If the connection has shown the same value before, the value is not hashed again. */
function keyIn(value: string, keys: KeyRing, connection: Connection): ProxyKey | undefined {
  const { shown } = connection
  if (shown !== undefined && isSame(shown.value, value) && keys.holds(shown.key)) return shown.key
  const text = value.replace(/^Bearer +/i, '').trim()
  const key = text === '' || text.length > LONGEST_KEY ? undefined : keys.find(text)
  if (key !== undefined) connection.shown = { value, text, key }
  return key
}

/** Compares in constant time: a server in front of this one may send several clients' requests over one connection. */
function isSame(one: string, other: string): boolean {
  if (one.length !== other.length) return false
  let differences = 0
  for (let at = 0; at < one.length; at++) differences |= one.charCodeAt(at) ^ other.charCodeAt(at)
  return differences === 0
}

/**
 * Removes a valid key from the query: Google's clients send theirs in `?key=`. A parameter of that name that is no key of ours stays,
 * because it belongs to the API.
 */
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
