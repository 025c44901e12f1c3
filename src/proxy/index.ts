import { KeyRing, type ProxyKeys } from './keys.ts'
import { type ProxyOptions, readSettings } from './options.ts'
import { readRoutes } from './route.ts'
import { ProxyServer } from './server.ts'

export { createProxyKey, type CreatedProxyKey, type ProxyKeys } from './keys.ts'
export type {
  ProxyAuditEntry,
  ProxyDispatcher,
  ProxyKey,
  ProxyOptions,
  ProxyPreset,
  ProxyRefusal,
  ProxyRoute,
  ProxyTimeouts,
} from './options.ts'

/** Where a proxy listens. */
export interface ProxyAddress {
  /** Without a slash at its end: `http://127.0.0.1:8080`. A client's base URL is this and `/NAME`. */
  readonly url: string
  readonly port: number
}

/** A local proxy that puts fresh credentials on requests. */
export interface Proxy {
  /** undefined until it listens. */
  readonly url: string | undefined
  /** undefined until it listens. */
  readonly port: number | undefined
  readonly keys: ProxyKeys
  /** @throws RefreshError `invalid_option` where the address cannot be had, undici is missing, or a route leads to the proxy itself */
  listen(): Promise<ProxyAddress>
  /**
   * Ends when all is served: no new connection is accepted, new requests on open connections are answered 503, and open streams go on to
   * their end. What is still open after `timeouts.drain` is cut. For a SIGTERM.
   */
  drain(): Promise<void>
  /** Cuts what is open. */
  close(): Promise<void>
}

/**
 * A local HTTP proxy for programs that take a base URL and a static key: `/NAME/rest` goes to the route's `to` + `/rest` with a credential that is always
 * fresh. A rejected request is sent once more with a refreshed one, as `refreshingInterceptor` does. Clients show a placeholder key, and never see the
 * credential. It needs undici 7 or later.
 *
 * @throws RefreshError `invalid_option`
 * @example
 * const { key, entry } = createProxyKey({ name: 'laptop', preset: 'openai' })
 * const proxy = createProxy({ keys: [entry], routes: { openai: { to: 'https://api.openai.com/v1', credential, preset: 'openai' } } })
 * const { url } = await proxy.listen()
 * // OPENAI_BASE_URL=`${url}/openai` OPENAI_API_KEY=key
 */
export function createProxy(options: ProxyOptions): Proxy {
  const settings = readSettings(options)
  const routes = readRoutes(options)
  const keys = new KeyRing(options.keys, new Set(routes.keys()))
  const server = new ProxyServer(settings, routes, keys, options.dispatcher)
  let listening: Promise<ProxyAddress> | undefined
  let address: ProxyAddress | undefined
  const open = async (): Promise<ProxyAddress> => {
    const { port, host } = await server.listen()
    address = { url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`, port }
    return address
  }
  return {
    get url() {
      return address?.url
    },
    get port() {
      return address?.port
    },
    keys,
    listen: () => {
      listening ??= open().catch((error: unknown) => {
        listening = undefined
        throw error
      })
      return listening
    },
    drain: () => server.drain(settings.timeouts.drain),
    close: () => server.drain(0),
  }
}
