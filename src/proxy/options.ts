import type { RefreshListener } from '../core/events.ts'
import type { Refresher } from '../core/refresher.ts'
import type { RejectionRules } from '../core/verdict/unauthorized.ts'
import type { AccessToken } from '../credential/token.ts'
import {
  aFunction,
  anything,
  checked,
  checkedOptions,
  from,
  mustBe,
  optionError,
  type OptionTable,
  unchecked,
} from '../lib/options.ts'
import type { Apply } from '../surfaces/shared/apply.ts'

/** The API that a route leads to. It decides the shape of the proxy's own errors and of placeholder keys. */
export type ProxyPreset = 'anthropic' | 'openai' | 'google' | 'azure' | 'mcp'

/** One upstream, and the credential that its requests get. */
export interface ProxyRoute {
  /**
   * The upstream's base URL, such as `https://api.openai.com/v1`: the proxy sends `/NAME/rest` to `to` + `/rest`. Plain http is allowed for
   * loopback and for `plainHttpOrigins` only.
   */
  to: string
  /** The credential. Routes may share one, and then share its refreshes. */
  credential: Refresher<AccessToken> | Refresher<string>
  /**
   * How the credential goes on a request: the name of a header, or a function. If the credential's values are strings, the function gets
   * each as `{ accessToken }`.
   * @default 'authorization'
   */
  apply?: string | Apply<AccessToken> | undefined
  /**
   * The vendor whose errors the proxy's own errors look like. With `mcp`, the client gets no 401 and no `WWW-Authenticate`, and
   * `/.well-known/` responds with 404, so that the client begins no OAuth login with the proxy.
   * @default a shape that the clients of Anthropic, OpenAI and Google understand
   */
  preset?: ProxyPreset | undefined
  /**
   * The command or the advice for a person whose login has ended, such as 'Run `llm-refresh login work`.' The client gets it in the error's
   * message.
   * @default none
   */
  remedy?: string | undefined
  /**
   * As in `refreshingInterceptor`.
   * @default no changes
   */
  rules?: RejectionRules | undefined
  /** As in `refreshingInterceptor`. @default false */
  inspectStreams?: boolean | undefined
}

/** The proxy's entry for a placeholder key. It has the key's hash, and not the key itself. */
export interface ProxyKey {
  /** The name of the key in the audit. */
  name: string
  /** SHA-256 of the key, in hex: `createProxyKey()` makes both. */
  hash: string
  /** The names of the routes that it opens. @default every route */
  routes?: readonly string[] | undefined
}

/** How long the proxy waits, in ms, and for what. */
export interface ProxyTimeouts {
  /** A connection to an upstream. @default 10_000 */
  connect?: number | undefined
  /** The head of a response, after the request is sent. @default 600_000 */
  head?: number | undefined
  /** The next piece of a response. @default 600_000 */
  idle?: number | undefined
  /** The head of a client's request. @default 30_000 */
  requestHead?: number | undefined
  /** The next piece of a client's request, and a client that does not read its response. @default 120_000 */
  client?: number | undefined
  /** Open requests while the proxy drains. Then the proxy cuts them. @default 30_000 */
  drain?: number | undefined
}

/** The record of one request, for an audit. It contains no secret, no path and no query. */
export interface ProxyAuditEntry {
  /** When the request's head arrived, epoch ms. */
  readonly time: number
  /** The name of the placeholder key; undefined if the request had no valid key. */
  readonly key: string | undefined
  readonly route: string | undefined
  readonly method: string
  /** 499: the client left before it had a response. 101: a connection was upgraded. */
  readonly status: number
  /** True if the proxy made a second attempt. */
  readonly retried: boolean
  /** Why the proxy itself refused the request; undefined if it did not. */
  readonly refused: ProxyRefusal | undefined
  /** Bytes of the response's body. For an upgraded connection, bytes in both directions. */
  readonly bytes: number
  /** ms from the request's head to the end of the response. */
  readonly duration: number
}

/** Why the proxy refused a request. */
export type ProxyRefusal =
  | 'version'
  | 'host'
  | 'origin'
  | 'target'
  | 'method'
  | 'key'
  | 'route'
  | 'forbidden'
  | 'login'
  | 'unavailable'
  | 'busy'
  | 'draining'
  | 'upstream'

/** Options of {@link createProxy}. */
export interface ProxyOptions {
  /** The routes by name: the proxy sends `/NAME/rest` to the route's `to` + `/rest`. */
  routes: Readonly<Record<string, ProxyRoute>>
  /**
   * The keys that open the proxy. It refuses every request without one of them. `proxy.keys.replace()` changes them while the proxy runs.
   */
  keys: readonly ProxyKey[]
  /** @default '127.0.0.1' */
  host?: string | undefined
  /** The port; 0 for any free one. @default 0 */
  port?: number | undefined
  /**
   * Must be true if other machines can reach `host`: anyone who reaches that address can try keys, and keys travel in plain http.
   * @default false
   */
  allowRemote?: boolean | undefined
  /**
   * More names by which clients reach the proxy, such as `['llm-proxy', 'host.docker.internal']` in a compose network. `localhost`,
   * loopback addresses, and the address that a connection arrived at are always allowed.
   * @default none
   */
  allowHosts?: readonly string[] | undefined
  /** The upstreams' origins that may get the credential over plain http, as in `refreshingInterceptor`. @default none */
  plainHttpOrigins?: string | readonly string[] | undefined
  /** The largest request body, in bytes, that may be sent a second time. @default 33_554_432 */
  replayLimit?: number | undefined
  /** The most requests that the proxy serves at a time. It responds with 503 to others. @default 1_000 */
  maxRequests?: number | undefined
  timeouts?: ProxyTimeouts | undefined
  /** Receives the record of each request when the request has ended. @default none */
  audit?: ((entry: ProxyAuditEntry) => void) | undefined
  /** Receives the events of retries, and findings such as plain http on a public address. @default none */
  onEvent?: RefreshListener | undefined
  /**
   * An undici dispatcher for all requests to upstreams. The proxy does not close it.
   * @default its own, which obeys `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`
   */
  dispatcher?: ProxyDispatcher | undefined
}

/** The part of a dispatcher of undici 7 or later that the proxy calls. */
export interface ProxyDispatcher {
  dispatch(options: object, handler: object): boolean
}

/** The options with their defaults. */
export interface ProxySettings {
  readonly host: string
  readonly port: number
  readonly allowHosts: ReadonlySet<string>
  readonly maxRequests: number
  readonly timeouts: Readonly<Record<keyof ProxyTimeouts, number>>
  readonly audit: ProxyOptions['audit']
  readonly onEvent: RefreshListener | undefined
}

const OPTIONS = {
  ...unchecked('routes', 'keys'),
  host: [
    (given) => (typeof given === 'string' && given !== '' ? undefined : 'must be an address'),
    '127.0.0.1',
  ],
  port: [mustBe('a port from 0 to 65535', isPort), 0],
  allowRemote: anything,
  allowHosts: [anything, []],
  ...unchecked('plainHttpOrigins', 'replayLimit'),
  maxRequests: [mustBe('a number from 1', (given) => Number(given) >= 1), 1_000],
  timeouts: [anything, {}],
  audit: aFunction,
  onEvent: aFunction,
  dispatcher: anything,
} satisfies OptionTable<ProxyOptions>
const TIMEOUTS = {
  connect: [anything, 10_000],
  head: [anything, 600_000],
  idle: [anything, 600_000],
  requestHead: [anything, 30_000],
  client: [anything, 120_000],
  drain: [anything, 30_000],
} satisfies OptionTable<ProxyTimeouts>
const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|::1)$/

/** True if only this machine can reach the host. */
export function isLoopback(host: string): boolean {
  return LOOPBACK.test(host)
}

/** @throws RefreshError `invalid_option` */
export function readSettings(options: ProxyOptions): ProxySettings {
  const { host, port, allowRemote, allowHosts, maxRequests, audit, onEvent, ...read } = checkedOptions(
    options,
    OPTIONS,
  )
  if (!isLoopback(host) && allowRemote !== true) {
    throw optionError(
      'host',
      `is an address that other machines may reach, over plain http: use '127.0.0.1', or set allowRemote: true`,
    )
  }
  const timeouts = checkedOptions(read.timeouts, TIMEOUTS)
  for (const [name, ms] of Object.entries(timeouts)) checked(`timeouts.${name}`, ms, from(1))
  return { host, port, allowHosts: readHosts(allowHosts), maxRequests, timeouts, audit, onEvent }
}

function isPort(given: unknown): boolean {
  return Number.isInteger(given) && Number(given) >= 0 && Number(given) <= 65_535
}

function readHosts(given: readonly string[]): ReadonlySet<string> {
  const problem = "must be a list of host names such as 'llm-proxy', without a port"
  if (!Array.isArray(given)) throw optionError('allowHosts', problem)
  return new Set(
    given.map((host: unknown) => {
      if (typeof host !== 'string' || !/^(?:[\w.-]+|\[[\da-f:.]+\])$/i.test(host))
        throw optionError('allowHosts', problem)
      return host.toLowerCase()
    }),
  )
}
