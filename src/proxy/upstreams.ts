import { env } from 'node:process'
import { loadPeer } from '../lib/optional-package.ts'
import { optionError } from '../lib/options.ts'
import { BROKEN_BY_PROXY } from '../lib/print/dialled.ts'
import { parsedUrl } from '../lib/secure-url.ts'
import type { Dispatch, DispatchOptions } from '../surfaces/undici/types.ts'
import { isLoopback, type ProxyDispatcher, type ProxySettings } from './options.ts'
import type { Route } from './route.ts'

/** The option of a request that counts its attempts. The interceptor copies it into each attempt with the other options. */
export const ATTEMPTS: unique symbol = Symbol('attempts')

export interface Counted extends DispatchOptions {
  readonly [ATTEMPTS]: { attempts: number }
}

/** Sends requests to upstreams. */
export interface Upstreams {
  dispatch(route: Route, options: Counted, handler: Parameters<Dispatch>[1]): boolean
  /** Cuts all connections. */
  destroy(): Promise<void>
}

const PROXIES = ['http_proxy', 'HTTP_PROXY', 'https_proxy', 'HTTPS_PROXY']

/**
 * @param address the proxy's own, to which no request may go
 * @throws RefreshError `invalid_option`
 */
export async function openUpstreams(
  routes: Iterable<Route>,
  settings: ProxySettings,
  given: ProxyDispatcher | undefined,
  address: { readonly port: number; readonly host: string },
): Promise<Upstreams> {
  const isOurs = (url: URL | undefined): boolean => {
    const host = url?.hostname.replaceAll(/^\[|\]$/g, '') ?? ''
    const isHere = host === address.host || isLoopback(host) || host === '0.0.0.0'
    return isHere && portOf(url) === address.port
  }
  const each = [...routes]
  const loop = each.find(({ origin }) => isOurs(parsedUrl(origin)))
  if (loop !== undefined)
    throw optionError('to', `of the route '${loop.name}' must not lead to this very proxy`)
  const opened: { destroy(): Promise<void> }[] = []
  const dispatchers = given === undefined ? await own(settings, isOurs, opened) : () => given
  const ways = new Map(
    each.map((route) => {
      const dispatcher = dispatchers(route)
      const beneath: Dispatch = (options, handler) => {
        if (isCounted(options)) options[ATTEMPTS].attempts++
        return dispatcher.dispatch(options, handler)
      }
      return [route.name, route.intercept(beneath)]
    }),
  )
  return {
    dispatch: (route, options, handler) => ways.get(route.name)?.(options, handler) ?? false,
    destroy: async () => {
      await Promise.all(opened.splice(0).map((dispatcher) => dispatcher.destroy()))
    },
  }
}

/**
 * Makes the dispatchers. Requests to this machine go there directly. If the environment's proxy is this very proxy, all requests go
 * directly.
 */
async function own(
  { timeouts }: ProxySettings,
  isOurs: (url: URL | undefined) => boolean,
  opened: { destroy(): Promise<void> }[],
): Promise<(route: Route) => ProxyDispatcher> {
  // Read each class of undici only when we need it, because the command line loads the class then.
  const undici = await loadPeer('undici', () => import('undici'))
  const options = {
    // No limit: a stream that lasts for hours must not make another request wait. `maxRequests` limits the number.
    connections: null,
    pipelining: 1,
    connect: { timeout: timeouts.connect },
    headersTimeout: timeouts.head,
    bodyTimeout: timeouts.idle,
  }
  const pools = new Map<string, ProxyDispatcher>()
  const direct = ({ origin }: Route): ProxyDispatcher => {
    const known = pools.get(origin)
    if (known !== undefined) return known
    const pool = new undici.Pool(origin, options)
    opened.push(pool)
    pools.set(origin, pool)
    return pool
  }
  const named = PROXIES.map((name) => env[name]).filter((proxy) => proxy !== undefined && proxy !== '')
  if (named.length === 0 || named.some((proxy) => isOurs(parsedUrl(proxy ?? '')))) return direct
  const proxied = new undici.EnvHttpProxyAgent({
    ...options,
    clientFactory: (_proxy, given) => givingUp(new undici.Agent(given)),
  })
  opened.push(proxied)
  return (route) => {
    const isHere = isLoopback(new URL(route.origin).hostname.replaceAll(/^\[|\]$/g, ''))
    return isHere ? direct(route) : proxied
  }
}

interface Connector {
  connect(options: never): Promise<unknown>
}

/**
 * Makes a client of the machine's proxy give up if that proxy breaks off during the request for a tunnel. undici before 8.6 connects again
 * at once after such an error, thousands of times a second, without end (nodejs/undici#3897).
 */
function givingUp<T extends Connector>(client: T): T {
  const connect = client.connect.bind(client)
  return Object.assign(client, {
    connect: (options: never) =>
      connect(options).catch((cause: unknown) => {
        if (Reflect.get(Object(cause), 'code') !== 'UND_ERR_SOCKET') throw cause
        const message = 'The proxy of this machine broke off the connection.'
        throw Object.assign(new Error(message, { cause }), { code: BROKEN_BY_PROXY })
      }),
  })
}

function portOf(url: URL | undefined): number {
  if (url === undefined || url.port !== '') return Number(url?.port)
  return url.protocol === 'https:' ? 443 : 80
}

function isCounted(options: DispatchOptions): options is Counted {
  return ATTEMPTS in options
}
