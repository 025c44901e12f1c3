import { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { hasBody } from './body.ts'
import type { ProxyKey } from './options.ts'
import type { Served } from './served.ts'

/** A client's request. Node reads every request to its end and destroys it then, which costs one without a body much, and is of no use to it. */
export class ClientRequest extends IncomingMessage {
  /** What Node's parser found. Node sets it while it constructs the request, when a private member is not there yet. */
  asksForUpgrade: unknown

  /**
   * Node asks this before it hands a connection over. Only WebSockets are upgraded. A client that would like another protocol, such as h2c, gets
   * an ordinary response (RFC 9110 section 7.8): Java's client asks for h2c with every request.
   */
  get upgrade(): boolean {
    if (this.asksForUpgrade !== true) return false
    return this.method === 'CONNECT' || /websocket/i.test(this.headers.upgrade ?? '')
  }

  set upgrade(asks: unknown) {
    this.asksForUpgrade = asks
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
  /** A header or a parameter that it showed, and the key in it. */
  shown: { readonly value: string; readonly key: ProxyKey } | undefined
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
