import type { Admitted } from './gate.ts'
import type { ProxyRefusal } from './options.ts'
import { type Reply, reply } from './reply.ts'
import type { Route } from './route.ts'
import type { Target } from './target.ts'

/** Why a request goes no further, and what its client is told. */
export interface Refused {
  readonly reason: ProxyRefusal | undefined
  readonly reply: Reply
}

/** They belong to the connection (CONNECT), or would show the credential to the client (TRACE). */
const METHODS: ReadonlySet<string> = new Set(['CONNECT', 'TRACE', 'TRACK'])

/** Characters of a name that a message repeats. */
const LONGEST_SHOWN = 20

/** Refuses what comes from a web page, or is no request for a route. Nothing is told to whoever has no key. */
export function refusalOf(
  method: string,
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
    const fix = method === 'CONNECT' ? ' Give its URL to the program as a base URL, not as HTTPS_PROXY.' : ''
    return no('method', 405, `This proxy does not serve ${method}.${fix}`)
  }
  if (refused === 'version')
    return no('version', 400, 'The request must be one of HTTP/1.1, or of HTTP/1.0 without chunks.')
  if (refused === 'host')
    return no(
      'host',
      421,
      'The request names a host that is not this proxy. Name yours in allowHosts, if it is one.',
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
  // The key is the only way in: no OAuth server of ours is to be found, nor one of an upstream's (RFC 8615, RFC 9728).
  if (target.name === '.well-known' || (preset === 'mcp' && /\/\.well-known(?:\/|$)/.test(target.rest)))
    return no('route', 404, 'There is no such thing here.')
  if (key === undefined) {
    // A 401 would begin an OAuth login with the proxy.
    const status = preset === 'mcp' ? 403 : 401
    return no(
      'key',
      status,
      "The request has no valid key of this proxy. Send one as your API key, in 'Authorization: Bearer KEY', x-api-key, api-key or x-goog-api-key.",
    )
  }
  if (target.name === '-') return undefined
  if (route === undefined) {
    // What is longer may be a key that somebody put into the path.
    const which = target.name.length > LONGEST_SHOWN ? 'of that name' : `'${target.name}'`
    return no('route', 404, `The proxy has no route ${which}. It has ${[...routes.keys()].join(', ')}.`)
  }
  if (key.routes?.includes(target.name) === false)
    return no('forbidden', 403, `The key '${key.name}' does not open the route '${target.name}'.`)
  return undefined
}

export function unavailable(reason: 'busy' | 'draining', route: Route | undefined): Refused {
  const message =
    reason === 'busy'
      ? 'The proxy serves as many requests as it may. Try again.'
      : 'The proxy is shutting down. Try again.'
  const made = reply({ status: 503, code: reason, message }, route?.preset)
  return { reason, reply: { ...made, headers: { ...made.headers, 'retry-after': '1' } } }
}

/** Paths of the proxy's own: `/-/healthz` and `/-/metrics`. */
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
