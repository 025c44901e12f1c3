import { likelyOf } from './gate.ts'
import { rewritten, type Route } from './route.ts'

/**
 * Headers that the client does not get. They concern the upstream's connection, or tell a browser what to keep for an origin. All routes
 * share the proxy's origin, and it has no pages.
 */
const DROPPED: ReadonlySet<string> = new Set([
  'alt-svc',
  'clear-site-data',
  'connection',
  'keep-alive',
  'nel',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-connection',
  'public-key-pins',
  'report-to',
  'service-worker-allowed',
  'set-cookie',
  'set-cookie2',
  'strict-transport-security',
  // Node refuses this header in an HTTP/1.0 response. The trailers themselves pass.
  'trailer',
  'transfer-encoding',
  'upgrade',
  'x-llm-refresh',
])
const LOCATIONS: ReadonlySet<string> = new Set(['location', 'content-location'])
/** Headers that must be whole URLs, because clients expect that. */
const URLS: ReadonlySet<string> = new Set(['operation-location', 'azure-asyncoperation', 'x-goog-upload-url'])
const mayMatter = likelyOf([...DROPPED, ...LOCATIONS, ...URLS, 'date', 'www-authenticate'])
const CORS = 'access-control-'
const CONNECTION = 'connection'

/** The head of a response, as the client gets it. */
export interface ResponseHead {
  /** Names and values in turn. */
  readonly headers: string[]
  readonly hasDate: boolean
}

/** The request that a response answers. */
export interface Asked {
  readonly route: Route
  /** The path at the upstream. */
  readonly path: string
  /** The proxy's host, as the client names it. */
  readonly host: string
}

/**
 * The headers of an upstream's response, for the client.
 *
 * @param rawHeaders names and values in turn, as undici gives them
 */
export function responseHead(rawHeaders: unknown, asked: Asked): ResponseHead {
  const { route, path, host } = asked
  const list: readonly unknown[] = Array.isArray(rawHeaders) ? rawHeaders : []
  const named = namedByConnection(list)
  const headers: string[] = []
  let hasDate = false
  for (let at = 0; at + 1 < list.length; at += 2) {
    const given = latin1(list[at])
    const value = latin1(list[at + 1])
    const isCors = given.length > CORS.length && given.slice(0, CORS.length).toLowerCase() === CORS
    if (named === undefined && !isCors && !mayMatter(given)) {
      headers.push(given, value)
      continue
    }
    const name = given.toLowerCase()
    if (isCors || DROPPED.has(name) || named?.has(name) === true) continue
    // An MCP client would begin an OAuth login with the proxy.
    if (name === 'www-authenticate' && route.preset === 'mcp') continue
    if (name === 'date') hasDate = true
    if (LOCATIONS.has(name)) headers.push(given, rewritten(route, value, path, ''))
    else if (URLS.has(name)) headers.push(given, rewritten(route, value, path, `http://${host}`))
    else headers.push(given, value)
  }
  return { headers, hasDate }
}

/** The trailers for the client, without fields that it must not get. */
export function trailersOf(rawTrailers: unknown): [name: string, value: string][] {
  const list: readonly unknown[] = Array.isArray(rawTrailers) ? rawTrailers : []
  const trailers: [string, string][] = []
  for (let at = 0; at + 1 < list.length; at += 2) trailers.push([latin1(list[at]), latin1(list[at + 1])])
  return trailers.filter(([name]) => !DROPPED.has(name.toLowerCase()) && !name.toLowerCase().startsWith(CORS))
}

function namedByConnection(list: readonly unknown[]): ReadonlySet<string> | undefined {
  let named: Set<string> | undefined
  for (let at = 0; at + 1 < list.length; at += 2) {
    const name = list[at]
    const length = Buffer.isBuffer(name) || typeof name === 'string' ? name.length : 0
    if (length !== CONNECTION.length || latin1(name).toLowerCase() !== CONNECTION) continue
    const value = latin1(list[at + 1]).toLowerCase()
    if (/^(?:keep-alive|close|upgrade)$/.test(value)) continue
    named ??= new Set()
    for (const each of value.split(',')) named.add(each.trim())
  }
  return named
}

function latin1(field: unknown): string {
  return Buffer.isBuffer(field) ? field.toString('latin1') : String(field)
}
