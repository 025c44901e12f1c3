import { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { hasBody } from './body.ts'
import type { ProxyKey } from './options.ts'
import type { Served } from './served.ts'

export function isWebSocketOffer(upgrade: string | undefined): boolean {
  return upgrade?.toLowerCase() === 'websocket'
}

/** A client's request. Node reads every request to its end and destroys it then, which costs one without a body much, and is of no use to it. */
export class ClientRequest extends IncomingMessage {
  /** Another protocol is offered. Node reads nothing of what came with such a request behind it. */
  offersUpgrade = false

  /**
   * Node hands a connection over, away from HTTP, where this is true. Whoever offers another protocol is content with HTTP/1.1 (RFC 9110
   * section 7.8), and Java's client offers `h2c` with every request.
   */
  get upgrade(): boolean {
    const { method, headers } = this
    return this.offersUpgrade && (method === 'CONNECT' || isWebSocketOffer(headers.upgrade))
  }

  /** Node's parser says so. */
  set upgrade(offers: unknown) {
    this.offersUpgrade = offers === true
  }

  override resume(): this {
    return this.complete && this.readableLength === 0 ? this : super.resume()
  }

  override push(chunk: unknown, encoding?: BufferEncoding): boolean {
    return (chunk === null && !hasBody(this)) || super.push(chunk, encoding)
  }
}

/** A client's response. What happens to it is told to its request's record, without a listener for each. */
export class ClientResponse extends ServerResponse<ClientRequest> {
  served: Served | undefined

  override emit(event: string | symbol, ...given: unknown[]): boolean {
    if (event === 'close') this.served?.closed()
    // A response that cannot be written must not end the process.
    else if (event === 'error') this.destroy()
    return (event === 'error' && this.listenerCount(event) === 0) || super.emit(event, ...given)
  }
}

/** A client's connection, and what is known of it: most clients show the same with each request. */
export class Connection {
  readonly socket: Socket
  /** A host that it named, and that is ours. */
  host: string | undefined
  /** A header or a parameter that it showed, the text of the key in it, and whose key that is. */
  shown: { readonly value: string; readonly text: string; readonly key: ProxyKey } | undefined
  /** Responses that wait behind another one. */
  readonly #waiting = new Set<ServerResponse>()

  constructor(socket: Socket) {
    this.socket = socket
  }

  /** Node tells only the response that is being sent that its connection is gone, and not those that wait behind it. */
  add(response: ServerResponse): void {
    if (response.socket !== null) return
    this.#waiting.add(response)
    response.once('close', () => this.#waiting.delete(response))
  }

  closed(): void {
    if (this.#waiting.size > 0) setImmediate(() => this.#waiting.forEach((each) => each.emit('close')))
  }
}

/** The connections of clients. */
export class Connections {
  readonly #open = new Map<Socket, Connection>()
  readonly #upgraded = new Set<Socket>()

  of(socket: Socket): Connection {
    return this.#open.get(socket) ?? this.#add(socket)
  }

  #add(socket: Socket): Connection {
    const connection = new Connection(socket)
    this.#open.set(socket, connection)
    socket.once('close', () => {
      this.#open.delete(socket)
      connection.closed()
    })
    return connection
  }

  /** It is no longer the server's. */
  upgraded(socket: Socket): void {
    this.#upgraded.add(socket)
    socket.once('close', () => this.#upgraded.delete(socket))
  }

  cutUpgraded(): void {
    for (const socket of this.#upgraded) socket.destroy()
  }
}
