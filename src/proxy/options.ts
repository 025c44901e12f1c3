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

/** Whose API a route leads to: it decides the shape of the proxy's own errors, and of placeholder keys. */
export type ProxyPreset = 'anthropic' | 'openai' | 'google' | 'azure' | 'mcp'

/** One upstream, and the credential that its requests get. */
export interface ProxyRoute {
  /**
   * The upstream's base URL: `/NAME/rest` goes to `to` + `/rest`. Plain http is for loopback only, and for `plainHttpOrigins`.
   * For example `https://api.openai.com/v1`.
   */
  to: string
  /** Routes may share one: they share its generations, too. */
  credential: Refresher<AccessToken> | Refresher<string>
  /**
   * How the credential is put on a request: the name of a header, or a function. A credential of strings comes to the function as
   * `{ accessToken }`.
   * @default 'authorization'
   */
  apply?: string | Apply<AccessToken> | undefined
  /**
   * Whose errors the proxy's own look like. `mcp`: no 401 and no `WWW-Authenticate` reach the client, and `/.well-known/` is answered 404, so
   * that the client begins no OAuth login with the proxy.
   * @default a shape that the clients of Anthropic, OpenAI and Google understand
   */
  preset?: ProxyPreset | undefined
  /** The command or the advice that mends an ended login. The client reads it: 'Run `llm-refresh login work`.' */
  remedy?: string | undefined
  /** As in `refreshingInterceptor`. */
  rules?: RejectionRules | undefined
  /** As in `refreshingInterceptor`. @default false */
  inspectStreams?: boolean | undefined
}

/** A placeholder key, as the proxy keeps it: it never knows the key itself. */
export interface ProxyKey {
  /** It stands in the audit. */
  name: string
  /** SHA-256 of the key, in hex: `createProxyKey()` makes both. */
  hash: string
  /** The names of the routes that it opens. @default every route */
  routes?: readonly string[] | undefined
}

/** How long the proxy waits, in ms. */
export interface ProxyTimeouts {
  /** For a connection to an upstream. @default 10_000 */
  connect?: number | undefined
  /** For the head of a response, once the request is sent. @default 600_000 */
  head?: number | undefined
  /** For the next piece of a response. @default 600_000 */
  idle?: number | undefined
  /** For the head of a client's request. @default 30_000 */
  requestHead?: number | undefined
  /** For the next piece of a client's request, and for a client that does not read its response. @default 120_000 */
  client?: number | undefined
  /** For open requests while the proxy drains; what is open then is cut. @default 30_000 */
  drain?: number | undefined
}

/** One request, for an audit. It holds no secret, no path and no query. */
export interface ProxyAuditEntry {
  /** epoch ms */
  readonly time: number
  /** The name of the placeholder key; undefined where none was found. */
  readonly key: string | undefined
  readonly route: string | undefined
  readonly method: string
  /** 499: the client left before it had a response. 101: a connection was upgraded. */
  readonly status: number
  /** A second attempt was made. */
  readonly retried: boolean
  /** Why the proxy itself refused the request. */
  readonly refused: ProxyRefusal | undefined
  /** Bytes of the response's body; of an upgraded connection, both ways. */
  readonly bytes: number
  /** ms */
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

/** How {@link createProxy} works. */
export interface ProxyOptions {
  /** By name: `/NAME/rest` goes to the route's `to` + `/rest`. */
  routes: Readonly<Record<string, ProxyRoute>>
  /** Clients that show one of these keys may use the proxy. Without a key the proxy refuses every request. `proxy.keys.replace()` changes them while it runs. */
  keys: readonly ProxyKey[]
  /** @default '127.0.0.1' */
  host?: string | undefined
  /** 0: a free one. @default 0 */
  port?: number | undefined
  /** Has to be true for a `host` that is not this machine alone: whoever reaches that address can try keys, and keys travel in plain http. @default false */
  allowRemote?: boolean | undefined
  /**
   * Names under which clients may reach the proxy, besides `localhost`, loopback addresses and the address that a connection came in by: the names of a compose network, say.
   * For example `['llm-proxy', 'host.docker.internal']`.
   */
  allowHosts?: readonly string[] | undefined
  /** Upstreams' origins that may get the credential over plain http: as in `refreshingInterceptor`. @default none */
  plainHttpOrigins?: string | readonly string[] | undefined
  /** The largest body, in bytes, that is sent a second time. @default 33_554_432 */
  replayLimit?: number | undefined
  /** Requests that are served at a time; others are answered 503. @default 1_000 */
  maxRequests?: number | undefined
  timeouts?: ProxyTimeouts | undefined
  /** Hears of each request. @default none */
  audit?: ((entry: ProxyAuditEntry) => void) | undefined
  /** Hears of retries, and of what is amiss. */
  onEvent?: RefreshListener | undefined
  /**
   * An undici dispatcher for all requests to upstreams, which the proxy does not close.
   * @default its own, which obeys `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`
   */
  dispatcher?: ProxyDispatcher | undefined
}

/** The part of a dispatcher of undici 7 or later that the proxy calls. */
export interface ProxyDispatcher {
  dispatch(options: object, handler: object): boolean
}

/** The options, with their defaults. */
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

/** Does only this machine reach it? */
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
