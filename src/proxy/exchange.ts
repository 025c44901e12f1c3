import type { IncomingMessage, ServerResponse } from 'node:http'
import { nextTick } from 'node:process'
import { isMarked } from '../surfaces/shared/synthetic-401.ts'
import type { DispatchController, DispatchHandler, ResponseHeaders } from '../surfaces/undici/types.ts'
import { endsEarly, isArriving } from './body.ts'
import { loginReply, type Reply, upstreamReply } from './reply.ts'
import { type Asked, responseHead, trailersOf } from './response-headers.ts'
import type { Served } from './served.ts'

/** Takes an upgraded connection. */
export type Join = (status: number, rawHeaders: unknown, socket: unknown) => void

/**
 * Hears of a request to an upstream, and writes the response straight to the client.
 *
 * `open`: there is no response yet. `own`: the surface refused to send it, and says why. `passing`: the client gets the upstream's. `over`: it has
 * all that it will get.
 */
export class Exchange implements DispatchHandler {
  /** How often the request was sent. */
  attempts = 0
  readonly #request: IncomingMessage
  readonly #response: ServerResponse
  readonly #asked: Asked
  readonly #served: Served
  readonly #patience: number
  /** Of the JSON-RPC request. */
  readonly #id: string | number | null
  readonly #join: Join | undefined
  #state: 'open' | 'own' | 'passing' | 'over' = 'open'
  #controller: DispatchController | undefined
  #code = ''
  #text = ''
  /** Of the response's body, where it is told. */
  #length = -1
  /** The end of the response comes with it. */
  #last: Uint8Array | undefined
  #hasLeft = false

  constructor(given: {
    request: IncomingMessage
    response: ServerResponse
    asked: Asked
    served: Served
    /** ms that the client may take to read what it got */
    patience: number
    id: string | number | null
    join: Join | undefined
  }) {
    this.#request = given.request
    this.#response = given.response
    this.#asked = given.asked
    this.#served = given.served
    this.#patience = given.patience
    this.#id = given.id
    this.#join = given.join
  }

  onRequestStart(controller: DispatchController): void {
    this.#controller = controller
    if (this.#hasLeft) controller.abort(new Error('The client has left.'))
  }

  onRequestUpgrade(
    controller: DispatchController,
    status: number,
    _headers: ResponseHeaders,
    socket: unknown,
  ): void {
    this.#state = 'over'
    this.#served.retried = this.attempts > 1
    this.#join?.(status, controller.rawHeaders, socket)
  }

  onResponseStart(
    controller: DispatchController,
    status: number,
    headers: ResponseHeaders,
    message?: string,
  ): void {
    if (this.#state !== 'open') return
    if (status < 200) return this.#inform(status, controller.rawHeaders)
    const { route } = this.#asked
    this.#served.retried = this.attempts > 1
    if (this.attempts === 0 && isMarked(headers)) {
      this.#state = 'own'
      this.#code = String(headers['x-llm-refresh'])
      return
    }
    const hasEnded = route.isDead()
    if (status === 401 && (hasEnded || route.preset === 'mcp')) {
      const [code, why] = hasEnded
        ? ['reauthentication_required', `The login of the route '${route.name}' has ended: log in again.`]
        : ['refresh_failed', `The upstream of the route '${route.name}' refused the credential.`]
      this.#reply(loginReply(code, why, route.remedy, route.preset, this.#id), 'login')
      controller.abort(new Error('The rest of a rejected response is not wanted.'))
      return
    }
    this.#begin(status, message, controller.rawHeaders, Number(headers['content-length'] ?? -1))
  }

  onResponseData(controller: DispatchController, chunk: Uint8Array): void {
    if (this.#state === 'own') this.#text += Buffer.from(chunk).toString()
    if (this.#state !== 'passing') return
    this.#served.bytes += chunk.length
    if (this.#served.bytes === this.#length) this.#last = chunk
    else if (!this.#response.write(chunk)) this.#wait(controller)
  }

  /** The client does not keep up. */
  #wait(controller: DispatchController): void {
    const { socket } = this.#request
    socket.setTimeout(this.#patience)
    controller.pause()
    this.#response.once('drain', () => {
      socket.setTimeout(0)
      controller.resume()
    })
  }

  onResponseEnd(controller: DispatchController): void {
    if (this.#state === 'own') {
      const { route } = this.#asked
      this.#reply(
        loginReply(this.#code, messageIn(this.#text), route.remedy, route.preset, this.#id),
        'login',
      )
    } else if (this.#state === 'passing') {
      this.#state = 'over'
      const trailers = trailersOf(controller.rawTrailers)
      if (trailers.length > 0 && this.#response.chunkedEncoding) this.#response.addTrailers(trailers)
      if (this.#last === undefined) this.#response.end()
      else this.#response.end(this.#last)
    }
  }

  onResponseError(_controller: DispatchController | undefined, error: unknown): void {
    if (this.#state === 'passing') {
      // A response that is cut short must not look complete.
      this.#state = 'over'
      this.#response.destroy()
    } else this.refuse(error)
  }

  /** It could not be sent, or there is no response. */
  refuse(error: unknown): void {
    if (this.#hasLeft) return
    const { route } = this.#asked
    this.#reply(upstreamReply(error, route, this.#id), 'upstream')
  }

  /** Early hints, say: a proxy hands on what comes before a response (RFC 9110 section 15.2). Node has a way to write this one alone. */
  #inform(status: number, rawHeaders: unknown): void {
    if (status !== 103 || this.#request.httpVersionMinor === 0) return
    const { headers } = responseHead(rawHeaders, this.#asked)
    const link: string[] = []
    const hints: Record<string, string | string[]> = { link }
    for (let at = 0; at + 1 < headers.length; at += 2) {
      const [name = '', value = ''] = [headers[at]?.toLowerCase(), headers[at + 1]]
      if (name === 'link') link.push(value)
      else hints[name] = value
    }
    try {
      this.#response.writeEarlyHints(hints)
    } catch {
      // They help, and a response follows without them. Node refuses links that it cannot read.
    }
  }

  #begin(status: number, message: string | undefined, rawHeaders: unknown, length: number): void {
    const response = this.#response
    this.#state = 'passing'
    this.#length = length
    const { headers, hasDate } = responseHead(rawHeaders, this.#asked)
    if (hasDate) response.sendDate = false
    if (isArriving(this.#request)) endsEarly(this.#request, response)
    this.#served.status = status
    try {
      response.writeHead(status, sound(message), headers)
    } catch (error) {
      this.#state = 'open'
      this.refuse(error)
      this.#controller?.abort(error)
      return
    }
    // undici waits for the body that a 304 has a length of.
    if (status === 204 || status === 304 || this.#request.method === 'HEAD') {
      this.#state = 'over'
      response.end()
      return
    }
    // A head is sent with the first piece of the body, where that came with it; else at once.
    nextTick(flushHead, this)
  }

  flushHead(): void {
    if (this.#state === 'passing' && this.#served.bytes === 0) this.#response.flushHeaders()
  }

  #reply(reply: Reply, refused: NonNullable<Served['refused']>): void {
    if (this.#state === 'over' || this.#state === 'passing') return
    this.#state = 'over'
    this.#served.refused = refused
    send(this.#request, this.#response, reply, this.#served)
  }

  /** The client is gone, or has all of its response. */
  left(): void {
    this.#hasLeft = true
    if (this.#response.writableFinished || this.#state === 'over') return
    if (this.#state !== 'passing') this.#served.status = 499
    this.#state = 'over'
    this.#controller?.abort(new Error('The client has left.'))
  }
}

function flushHead(exchange: Exchange): void {
  exchange.flushHead()
}

/** Sends a response of the proxy's own. */
export function send(
  request: IncomingMessage,
  response: ServerResponse,
  { status, headers, body }: Reply,
  served: Served,
): void {
  served.status = status
  if (isArriving(request)) endsEarly(request, response)
  const content = request.method === 'HEAD' ? '' : body
  served.bytes = Buffer.byteLength(content)
  response.writeHead(status, {
    ...headers,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
  })
  response.end(content)
}

function messageIn(text: string): string {
  try {
    const error: unknown = Reflect.get(Object(JSON.parse(text)), 'error')
    return String(Reflect.get(Object(error), 'message')).replace(/^llm-refresh: \w+: /, '')
  } catch {
    return 'There is no credential.'
  }
}

/** A reason phrase that Node takes (RFC 9112 section 4). */
function sound(message = ''): string {
  return message === 'OK' ? message : message.replaceAll(/[^\t\x20-\x7e\x80-\xff]/g, '')
}
