import { likelyOf } from './gate.ts'
import { rewritten, type Route } from './route.ts'

/** They concern the upstream's connection, or what a browser keeps of an origin: ours is shared by all routes, and has no pages. */
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
  // Node refuses it on a response of HTTP/1.0; the trailers themselves are handed on.
  'trailer',
  'transfer-encoding',
  'upgrade',
  'x-llm-refresh',
])
const LOCATIONS: ReadonlySet<string> = new Set(['location', 'content-location'])
/** Clients take these for whole URLs. */
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

/** For whom it is, and what it answers. */
export interface Asked {
  readonly route: Route
  /** At the upstream. */
  readonly path: string
  /** Ours, as the client calls it. */
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
    // The client would begin an OAuth login with the proxy.
    if (name === 'www-authenticate' && route.preset === 'mcp') continue
    if (name === 'date') hasDate = true
    if (LOCATIONS.has(name)) headers.push(given, rewritten(route, value, path, ''))
    else if (URLS.has(name)) headers.push(given, rewritten(route, value, path, `http://${host}`))
    else headers.push(given, value)
  }
  return { headers, hasDate }
}

/** Trailers, or other fields that belong to nobody but the client. */
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
