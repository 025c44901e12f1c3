import { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { hasBody } from './body.ts'
import type { ProxyKey } from './options.ts'
import type { Served } from './served.ts'

export function isWebSocketOffer(upgrade: string | undefined): boolean {
  return upgrade?.toLowerCase() === 'websocket'
}

/**
 * A client's request. For a request without a body it skips two steps of Node, the reading to its end and the destroying, because they cost
 * much and change nothing.
 */
export class ClientRequest extends IncomingMessage {
  /** True if the request offers another protocol. Node reads nothing that arrives behind such a request. */
  offersUpgrade = false

  /**
   * True if Node should take the connection away from HTTP. The proxy ignores any other offer than a WebSocket: a client that offers a
   * protocol also accepts HTTP/1.1 (RFC 9110 section 7.8), and Java's client offers `h2c` with every request.
   */
  get upgrade(): boolean {
    const { method, headers } = this
    return this.offersUpgrade && (method === 'CONNECT' || isWebSocketOffer(headers.upgrade))
  }

  /** Node's parser sets this if the request offers another protocol. */
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

/** A client's response. It reports its end to the record of its request, without a listener for each response. */
export class ClientResponse extends ServerResponse<ClientRequest> {
  served: Served | undefined

  override emit(event: string | symbol, ...given: unknown[]): boolean {
    if (event === 'close') this.served?.closed()
    // A response that cannot be written must not end the process.
    else if (event === 'error') this.destroy()
    return (event === 'error' && this.listenerCount(event) === 0) || super.emit(event, ...given)
  }
}

/** A client's connection, and the facts that most clients repeat with each request. */
export class Connection {
  readonly socket: Socket
  /** A host of ours that an earlier request named. */
  host: string | undefined
  /** The header or parameter in which an earlier request showed a valid key, the text of that key, and the key's entry. */
  shown: { readonly value: string; readonly text: string; readonly key: ProxyKey } | undefined
  /** Responses that wait behind another one. */
  readonly #waiting = new Set<ServerResponse>()

  constructor(socket: Socket) {
    this.socket = socket
  }

  /**
   * Records a response that waits behind another one, so that it learns when its connection is gone. Node tells only the response that it
   * is sending.
   */
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

  /** Records a connection that is no longer the server's. */
  upgraded(socket: Socket): void {
    this.#upgraded.add(socket)
    socket.once('close', () => this.#upgraded.delete(socket))
  }

  cutUpgraded(): void {
    for (const socket of this.#upgraded) socket.destroy()
  }
}
