import type { Admitted } from './gate.ts'
import type { ProxyRefusal } from './options.ts'
import { type Reply, reply } from './reply.ts'
import type { Route } from './route.ts'
import type { Target } from './target.ts'

/** Why the proxy refuses a request, and its response. */
export interface Refused {
  readonly reason: ProxyRefusal | undefined
  readonly reply: Reply
}

/** CONNECT concerns the connection. TRACE and TRACK would show the credential to the client. */
const METHODS: ReadonlySet<string> = new Set(['CONNECT', 'TRACE', 'TRACK'])

const AS_BASE_URL = 'Give its URL to the program as a base URL, not as HTTPS_PROXY or HTTP_PROXY.'
/** A request line with a whole URL is meant for a forward proxy of the machine (RFC 9112 section 3.2.2). */
const WHOLE_URL = /^[a-z][a-z\d+.-]*:/i

/** The longest name, in characters, that a message repeats. */
const LONGEST_SHOWN = 20

/**
 * Why the proxy refuses a request: it comes from a web page, or it is no valid request for a route. A client without a key learns nothing
 * about the routes.
 */
export function refusalOf(
  { method, url }: { readonly method: string; readonly url: string },
  target: Target | undefined,
  admitted: Admitted,
  routes: ReadonlyMap<string, Route>,
): Refused | undefined {
  const { refused, key } = admitted
  const route = target && routes.get(target.name)
  const preset = route?.preset
  const no = (reason: ProxyRefusal, status: number, message: string): Refused => ({
    reason,
    reply: reply({ status, code: 'invalid_request', message }, preset),
  })
  if (METHODS.has(method)) {
    const fix = method === 'CONNECT' ? ` ${AS_BASE_URL}` : ''
    return no('method', 405, `This proxy does not serve ${method}.${fix}`)
  }
  if (WHOLE_URL.test(url)) return no('target', 400, `This proxy does not serve whole URLs. ${AS_BASE_URL}`)
  if (refused === 'version')
    return no('version', 400, 'The request must be one of HTTP/1.1, or of HTTP/1.0 without chunks.')
  if (refused === 'host')
    return no(
      'host',
      421,
      'The request names a host that is not this proxy: use its own address, or have it allow that name.',
    )
  if (refused === 'origin')
    return no('origin', 403, 'The request comes from a web page, and this proxy serves programs only.')
  if (target === undefined) {
    return no(
      'target',
      400,
      'The request must name a path such as /NAME/v1/models, without dot segments, control characters or a fragment.',
    )
  }
  // Only a key opens the proxy. So no client may find an OAuth server here, neither ours nor an upstream's (RFC 8615, RFC 9728).
  if (target.name === '.well-known' || (preset === 'mcp' && /\/\.well-known(?:\/|$)/.test(target.rest)))
    return no('route', 404, 'There is no such thing here.')
  if (key === undefined) {
    // After a 401 an MCP client would begin an OAuth login with the proxy.
    const status = preset === 'mcp' ? 403 : 401
    return no(
      'key',
      status,
      "The request has no valid key of this proxy. Send one as your API key, in 'Authorization: Bearer KEY', x-api-key, api-key or x-goog-api-key.",
    )
  }
  if (target.name === '-') return undefined
  if (route === undefined) {
    // Do not repeat a long name: it may be a key that someone put into the path.
    const which = target.name.length > LONGEST_SHOWN ? 'of that name' : `'${target.name}'`
    return no('route', 404, `The proxy has no route ${which}. It has ${[...routes.keys()].join(', ')}.`)
  }
  if (key.routes?.includes(target.name) === false)
    return no('forbidden', 403, `The key '${key.name}' does not open the route '${target.name}'.`)
  return undefined
}

/** The refusal of an invalid WebSocket handshake (RFC 6455 section 4.1). */
export function refusedHandshake(route: Route | undefined): Refused {
  const message = "A WebSocket's handshake must be a GET without a body."
  return { reason: 'method', reply: reply({ status: 405, code: 'invalid_request', message }, route?.preset) }
}

/** The response to a request that Node's parser rejects, by the parser's code. */
export function malformed(code: string | undefined): Reply {
  const [status, message] =
    code === 'HPE_HEADER_OVERFLOW'
      ? [431, 'The headers of the request exceed 16 KiB.']
      : code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? [408, 'The head of the request did not come in time.']
        : [400, 'This is no request of HTTP/1.1 over a connection without TLS.']
  return reply({ status, code: 'invalid_request', message }, undefined)
}

export function unavailable(reason: 'busy' | 'draining', route: Route | undefined): Refused {
  const message =
    reason === 'busy'
      ? 'The proxy serves as many requests as it may. Try again.'
      : 'The proxy is shutting down. Try again.'
  const made = reply({ status: 503, code: reason, message }, route?.preset)
  return { reason, reply: { ...made, headers: { ...made.headers, 'retry-after': '1' } } }
}

/** The response to a path of the proxy itself, such as `/-/metrics`. */
export function ownPage(target: Target, metrics: () => string): Refused {
  const type = 'text/plain; charset=utf-8'
  if (target.rest === '/metrics') {
    const headers = { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }
    return { reason: undefined, reply: { status: 200, headers, body: metrics() } }
  }
  return { reason: 'route', reply: { status: 404, headers: { 'content-type': type }, body: 'not found\n' } }
}

export function health(isDraining: boolean): Refused {
  const headers = { 'content-type': 'text/plain; charset=utf-8' }
  const [status, body] = isDraining ? [503, 'draining\n'] : [200, 'ok\n']
  return { reason: undefined, reply: { status, headers, body } }
}
