import type { IncomingMessage, ServerResponse } from 'node:http'
import { nextTick } from 'node:process'
import { isMarked } from '../surfaces/shared/synthetic-401.ts'
import type { DispatchController, DispatchHandler, ResponseHeaders } from '../surfaces/undici/types.ts'
import { endsEarly, isArriving } from './body.ts'
import { loginReply, type Reply, upstreamReply } from './reply.ts'
import { type Asked, responseHead, trailersOf } from './response-headers.ts'
import type { Served } from './served.ts'

/** Joins the client's connection with the upgraded one. */
export type Join = (status: number, rawHeaders: unknown, socket: unknown) => void

/**
 * Receives undici's events of a request to an upstream, and writes the response to the client.
 *
 * `open`: no response has arrived. `own`: the surface refused to send the request, and its response says why. `passing`: the client gets
 * the upstream's response. `over`: the client gets nothing more.
 */
export class Exchange implements DispatchHandler {
  /** How often the request was sent to the upstream. */
  attempts = 0
  readonly #request: IncomingMessage
  readonly #response: ServerResponse
  readonly #asked: Asked
  readonly #served: Served
  readonly #patience: number
  /** The id of a JSON-RPC request, or null. */
  readonly #id: string | number | null
  readonly #join: Join | undefined
  #state: 'open' | 'own' | 'passing' | 'over' = 'open'
  #controller: DispatchController | undefined
  #code = ''
  #text = ''
  /** The length of the response's body in bytes; -1 if the upstream does not state it. */
  #length = -1
  /** The last piece of the body. The proxy writes it together with the response's end. */
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

  /** Pauses the upstream, because the client reads too slowly. */
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
      // Destroy the connection, so that the client does not take a broken response for a complete one.
      this.#state = 'over'
      this.#response.destroy()
    } else this.refuse(error)
  }

  /** Reports that the request could not be sent, or that no response came. */
  refuse(error: unknown): void {
    if (this.#hasLeft) return
    const { route } = this.#asked
    this.#reply(upstreamReply(error, route, this.#id), 'upstream')
  }

  /** Passes early hints on, as a proxy must do with any informational response (RFC 9110 section 15.2). Node can write no other one. */
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
      // Ignore the error: a response follows without the hints, too. Node refuses links that it cannot read.
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
    // End a 304 here: undici would wait for a body of the length that the 304 states.
    if (status === 204 || status === 304 || this.#request.method === 'HEAD') {
      this.#state = 'over'
      response.end()
      return
    }
    // Send the head with the first piece of the body if that has arrived, else at once.
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

  /** Called when the client has left, or has its whole response. */
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

/** Sends a response that the proxy makes. */
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

/** Removes from a reason phrase the characters that Node does not accept (RFC 9112 section 4). */
function sound(message = ''): string {
  return message === 'OK' ? message : message.replaceAll(/[^\t\x20-\x7e\x80-\xff]/g, '')
}
