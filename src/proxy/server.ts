import { createServer, type Server, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { tell } from '../core/events.ts'
import { optionError } from '../lib/options.ts'
import { hasBody, isEnding, jsonRpcId, readBody } from './body.ts'
import { ClientRequest, ClientResponse, Connections } from './connections.ts'
import { Exchange, send } from './exchange.ts'
import { admit, type Admitted } from './gate.ts'
import type { KeyRing } from './keys.ts'
import { isLoopback, type ProxyDispatcher, type ProxySettings } from './options.ts'
import {
  health,
  ownPage,
  type Refused,
  refusalOf,
  refusedHandshake,
  malformed,
  unavailable,
} from './refusals.ts'
import { codeOf } from './reply.ts'
import type { Route } from './route.ts'
import { Served, Tally } from './served.ts'
import { readTarget, type Target } from './target.ts'
import { isWebSocket, joining, responseOn } from './upgrade.ts'
import { ATTEMPTS, openUpstreams, type Upstreams } from './upstreams.ts'

/** A request that the proxy has accepted. */
interface Read {
  readonly target: Target
  readonly route: Route
  readonly admitted: Admitted
  readonly served: Served
  /** Bytes that the client sent behind its request for an upgrade; undefined if it requested none. */
  readonly head: Buffer | undefined
}

/** The HTTP server of a proxy. It checks each request, and passes it on to the upstream. */
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
  /** Callbacks that wait until no request is open. */
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
      // No limit for a whole request, because a large upload may take long. `readBody` limits the wait for each piece.
      requestTimeout: 0,
      headersTimeout: requestHead,
      connectionsCheckingInterval: Math.min(requestHead, 30_000),
      keepAliveTimeout: 60_000,
      insecureHTTPParser: false,
      // Let TCP find out that a client is gone, even while a stream sends nothing for hours.
      keepAlive: true,
      keepAliveInitialDelay: 60_000,
      // We refuse a request without `Host` ourselves, in the vendor's shape.
      requireHostHeader: false,
      IncomingMessage: ClientRequest,
      ServerResponse: ClientResponse,
    }
    const onRequest = (request: ClientRequest, response: ClientResponse): void => {
      this.#serve(request, response, undefined)
    }
    const server = createServer(options, onRequest)
    // No limit for the number of headers: beyond it Node would drop headers, perhaps an `Origin`. Node still limits their total size.
    server.maxHeadersCount = 0
    server.on('checkContinue', onRequest)
    const onDetached = (request: ClientRequest, _socket: Duplex, head: Buffer): void => {
      request.socket.on('error', () => request.socket.destroy())
      this.#serve(request, responseOn(request), head)
    }
    server.on('upgrade', onDetached)
    // Answer CONNECT, so that a program that uses this as a forward proxy learns the reason. Without a listener Node drops the connection.
    server.on('connect', onDetached)
    server.on('clientError', refuseMalformed)
    // A connection that cannot be accepted, for instance for lack of file descriptors, must not end the process.
    server.on('error', () => undefined)
    this.#server = server
  }

  async listen(): Promise<{ port: number; host: string }> {
    const { host, port, onEvent } = this.#settings
    const server = this.#server
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      // A long queue, because after an outage all clients may connect at once.
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

  /** @param patience ms. Then the proxy cuts what is still open */
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
    const { method = 'GET', url = '/' } = request
    const now = new Served(method, this.#tally)
    response.served = now
    const connection = this.#connections.of(request.socket)
    connection.add(response)
    if (this.#isDraining || request.offersUpgrade) response.shouldKeepAlive = false
    const target = readTarget(url)
    const admitted = admit(request, target?.query ?? '', this.#keys, this.#settings.allowHosts, connection)
    now.key = admitted.key?.name
    const route = target && this.#routes.get(target.name)
    const refused = this.#refusal(
      { method, url },
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
    asked: { readonly method: string; readonly url: string },
    target: Target | undefined,
    admitted: Admitted,
    route: Route | undefined,
    isNoHandshake: boolean,
  ): Refused | undefined {
    const isHealth = target?.name === '-' && target.rest === '/healthz' && /^(?:GET|HEAD)$/.test(asked.method)
    if (isHealth && admitted.refused === undefined) return health(this.#isDraining)
    const refused = refusalOf(asked, target, admitted, this.#routes)
    if (refused !== undefined) return refused
    if (target?.name === '-') return ownPage(target, () => this.#tally.metrics())
    if (this.#isDraining) return unavailable('draining', route)
    if (this.#tally.open > this.#settings.maxRequests) return unavailable('busy', route)
    return isNoHandshake ? refusedHandshake(route) : undefined
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
      // undici need not block the connection: without pipelining no other request waits behind this one.
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

/** Refuses bytes that are not HTTP, too large or too slow, because two servers may read them differently (RFC 9112 section 11.2). */
function refuseMalformed(error: Error & { code?: string }, socket: Duplex): void {
  if (!socket.writable) return void socket.destroy()
  const { status, headers, body } = malformed(error.code)
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  const length = `Connection: close\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n`
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}${length}${body}`)
  setTimeout(() => socket.destroy(), 1_000).unref()
}
