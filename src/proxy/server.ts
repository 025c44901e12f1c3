import { createServer, type Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { tell } from '../core/events.ts'
import { optionError } from '../lib/options.ts'
import { endsWith, hasBody, isEnding, jsonRpcId, readBody } from './body.ts'
import { ClientRequest, ClientResponse, Connections } from './connections.ts'
import { Exchange, send } from './exchange.ts'
import { admit, type Admitted } from './gate.ts'
import type { KeyRing } from './keys.ts'
import { isLoopback, type ProxyDispatcher, type ProxySettings } from './options.ts'
import { health, ownPage, type Refused, refusalOf, unavailable } from './refusals.ts'
import { codeOf } from './reply.ts'
import type { Route } from './route.ts'
import { Served, Tally } from './served.ts'
import { readTarget, type Target } from './target.ts'
import { isWebSocket, joining, responseOn } from './upgrade.ts'
import { ATTEMPTS, openUpstreams, type Upstreams } from './upstreams.ts'

/** A request after it was read: its target, its route and its key. */
interface Read {
  readonly target: Target
  readonly route: Route
  readonly admitted: Admitted
  readonly served: Served
  /** The bytes that a client sent behind a request for an upgrade. */
  readonly head: Buffer | undefined
}

/** The server of a proxy: from a request to its exchange with the upstream. */
export class ProxyServer {
  readonly #settings: ProxySettings
  readonly #routes: ReadonlyMap<string, Route>
  readonly #keys: KeyRing
  readonly #dispatcher: ProxyDispatcher | undefined
  readonly #tally: Tally
  readonly #server: Server<typeof ClientRequest, typeof ClientResponse>
  readonly #connections = new Connections()
  #upstreams: Upstreams | undefined
  #isDraining = false
  /** They wait until nothing is open. */
  readonly #drained = new Set<() => void>()

  constructor(
    settings: ProxySettings,
    routes: ReadonlyMap<string, Route>,
    keys: KeyRing,
    dispatcher: ProxyDispatcher | undefined,
  ) {
    this.#settings = settings
    this.#routes = routes
    this.#keys = keys
    this.#dispatcher = dispatcher
    this.#tally = new Tally(settings.audit)
    const { requestHead } = settings.timeouts
    const options = {
      // A large upload may take its time: what a client says is bounded from piece to piece.
      requestTimeout: 0,
      headersTimeout: requestHead,
      connectionsCheckingInterval: Math.min(requestHead, 30_000),
      keepAliveTimeout: 60_000,
      insecureHTTPParser: false,
      // A client that is gone without a word is found out, also where a stream says nothing for hours.
      keepAlive: true,
      keepAliveInitialDelay: 60_000,
      // We refuse those without a Host ourselves, in the vendor's shape.
      requireHostHeader: false,
      IncomingMessage: ClientRequest,
      ServerResponse: ClientResponse,
    }
    const onRequest = (request: ClientRequest, response: ClientResponse): void => {
      this.#serve(request, response, undefined)
    }
    const server = createServer(options, onRequest)
    // Node would drop headers beyond a limit on their number, perhaps an Origin. The size of all headers is limited instead.
    server.maxHeadersCount = 0
    server.on('checkContinue', onRequest)
    const onDetached = (request: ClientRequest, _socket: Duplex, head: Buffer): void => {
      request.socket.on('error', () => request.socket.destroy())
      this.#serve(request, responseOn(request), head)
    }
    server.on('upgrade', onDetached)
    // Without a listener Node drops the connection, and a program that takes this for a proxy of the machine hears no reason.
    server.on('connect', onDetached)
    server.on('clientError', refuseMalformed)
    // A connection that could not be accepted, for want of file descriptors, say, must not end the process.
    server.on('error', () => undefined)
    this.#server = server
  }

  async listen(): Promise<{ port: number; host: string }> {
    const { host, port, onEvent } = this.#settings
    const server = this.#server
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      // After an outage, say, as many clients as may be served come at once.
      server.listen({ port, host, backlog: 4_096 }, () => resolve())
    }).catch((cause: unknown) => {
      throw optionError(
        'port',
        `${port} of ${host} cannot be listened on (${codeOf(cause)}): use another one`,
      )
    })
    const bound = server.address()
    if (bound === null || typeof bound === 'string') throw optionError('host', 'must be an address')
    try {
      const here = { port: bound.port, host: bound.address }
      this.#upstreams = await openUpstreams(this.#routes.values(), this.#settings, this.#dispatcher, here)
    } catch (error) {
      server.close()
      throw error
    }
    if (!isLoopback(host) && onEvent !== undefined) {
      const message = `The proxy listens on ${host}:${bound.port} in plain http: keys and content can be read on the way.`
      const fix = 'Let only a network that you trust reach it, or put a server with TLS in front of it.'
      const finding = { code: 'proxy_plain_http', level: 'warning', message, fix } as const
      tell(onEvent, { type: 'finding', finding })
    }
    return { port: bound.port, host }
  }

  /** @param patience ms until what is open is cut */
  async drain(patience: number): Promise<void> {
    this.#isDraining = true
    this.#tally.onEnd = () => setImmediate(() => this.#idle())
    const closed = new Promise<void>((resolve) => void this.#drained.add(resolve))
    const ended = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    const timer = setTimeout(() => this.#cut(), patience)
    this.#idle()
    await closed
    this.#server.closeIdleConnections()
    await ended
    clearTimeout(timer)
    await this.#upstreams?.destroy()
  }

  #idle(): void {
    this.#server.closeIdleConnections()
    if (this.#tally.open > 0) return
    for (const resolve of this.#drained) resolve()
    this.#drained.clear()
  }

  #cut(): void {
    this.#connections.cutUpgraded()
    this.#server.closeAllConnections()
  }

  #serve(request: ClientRequest, response: ClientResponse, head: Buffer | undefined): void {
    if (isEnding(request)) return void request.resume()
    // Node discards what came together with a request whose upgrade is not made.
    if (request.asksForUpgrade === true) endsWith(request, response)
    const { method = 'GET', url = '/' } = request
    const now = new Served(method, this.#tally)
    response.served = now
    const connection = this.#connections.of(request.socket)
    connection.add(response)
    if (this.#isDraining) response.shouldKeepAlive = false
    const target = readTarget(url)
    const admitted = admit(request, target?.query ?? '', this.#keys, this.#settings.allowHosts, connection)
    now.key = admitted.key?.name
    const route = target && this.#routes.get(target.name)
    const refused = this.#refusal(
      method,
      target,
      admitted,
      route,
      head !== undefined && !isWebSocket(request),
    )
    if (route !== undefined && refused?.reason !== 'key') now.route = route.name
    if (refused === undefined && target !== undefined && route !== undefined) {
      this.#forward(request, response, { target, route, admitted, served: now, head })
    } else if (refused !== undefined) {
      now.refused = refused.reason
      send(request, response, refused.reply, now)
    }
  }

  #refusal(
    method: string,
    target: Target | undefined,
    admitted: Admitted,
    route: Route | undefined,
    isOtherUpgrade: boolean,
  ): Refused | undefined {
    const isHealth = target?.name === '-' && target.rest === '/healthz' && /^(?:GET|HEAD)$/.test(method)
    if (isHealth && admitted.refused === undefined) return health(this.#isDraining)
    const refused = refusalOf(method, target, admitted, this.#routes)
    if (refused !== undefined) return refused
    if (target?.name === '-') return ownPage(target, () => this.#tally.metrics())
    if (this.#isDraining) return unavailable('draining', route)
    if (this.#tally.open > this.#settings.maxRequests) return unavailable('busy', route)
    return isOtherUpgrade ? refusalOf('CONNECT', target, admitted, this.#routes) : undefined
  }

  #forward(request: ClientRequest, response: ClientResponse, read: Read): void {
    if (!hasBody(request)) return this.#dispatch(request, response, read, undefined)
    readBody(request, response, this.#settings.timeouts.client, (body) => {
      if (!response.destroyed) this.#dispatch(request, response, read, body)
    })
  }

  #dispatch(
    request: ClientRequest,
    response: ClientResponse,
    { target, route, admitted, served: now, head }: Read,
    body: Uint8Array | AsyncIterable<unknown> | undefined,
  ): void {
    const { client: patience } = this.#settings.timeouts
    const path = `${route.base}${target.rest}${admitted.query}`
    const asked = { route, path: path.startsWith('/') ? path : `/${path}`, host: admitted.host }
    const join = head && joining(request, response, head, asked, now)
    const exchange = new Exchange({
      request,
      response,
      asked,
      served: now,
      patience,
      id: route.preset === 'mcp' ? jsonRpcId(body) : null,
      join:
        join &&
        ((...given) => {
          this.#connections.upgraded(request.socket)
          join(...given)
        }),
    })
    now.exchange = exchange
    const options = {
      origin: route.origin,
      path: asked.path,
      method: now.method,
      headers: admitted.headers,
      body,
      upgrade: head && 'websocket',
      // No other request waits behind it on its connection.
      blocking: false,
      [ATTEMPTS]: exchange,
    }
    try {
      this.#upstreams?.dispatch(route, options, exchange)
    } catch (error) {
      exchange.refuse(error)
    }
  }
}

/** Refuses bytes that are not HTTP, too large or too slow: two servers might read them differently (RFC 9112 section 11.2). */
function refuseMalformed(error: Error & { code?: string }, socket: Duplex): void {
  if (!socket.writable) return void socket.destroy()
  const status =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? '431 Request Header Fields Too Large'
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? '408 Request Timeout'
        : '400 Bad Request'
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
  setTimeout(() => socket.destroy(), 1_000).unref()
}
