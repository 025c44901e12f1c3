import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** The connections of clients, and the responses that each of them waits for. */
export class Connections {
  readonly #open = new WeakMap<Socket, Set<ServerResponse>>()
  readonly #upgraded = new Set<Socket>()

  /** Node tells only the response that is being sent that its connection is gone, and not those that wait behind it. */
  add(socket: Socket, response: ServerResponse): void {
    let open = this.#open.get(socket)
    if (open === undefined) {
      const waiting = new Set<ServerResponse>()
      this.#open.set(socket, waiting)
      socket.once('close', () => setImmediate(() => waiting.forEach((each) => each.emit('close'))))
      open = waiting
    }
    open.add(response)
    response.once('close', () => open.delete(response))
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
