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

/** The address that a proxy listens on. */
export interface ProxyAddress {
  /** The URL without a slash at its end: `http://127.0.0.1:8080`. A client's base URL is this URL and `/NAME`. */
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
  /**
   * @throws RefreshError `invalid_option` if the proxy cannot listen on the address, if undici is missing, or if a route leads to the proxy
   * itself
   */
  listen(): Promise<ProxyAddress>
  /**
   * Ends the proxy after the open requests, for instance on a SIGTERM. The proxy accepts no new connection, responds with 503 to new
   * requests on open connections, and lets open streams run to their end. After `timeouts.drain` ms it cuts the rest.
   */
  drain(): Promise<void>
  /** Ends the proxy at once, and cuts all connections. */
  close(): Promise<void>
}

/**
 * A local HTTP proxy for programs that take a base URL and a static key. The proxy sends `/NAME/rest` to the route's `to` + `/rest`, with a
 * fresh credential. If the upstream rejects the credential, the proxy sends the request once more with a refreshed one, as
 * `refreshingInterceptor` does. Clients show a placeholder key, and never see the credential. The proxy needs undici 7 or later.
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
