import { once } from 'node:events'
import { createConnection, createServer, type NetConnectOpts, type Socket } from 'node:net'

/** Where somebody listens: an address, or a socket in the file system. */
export type Listening = { readonly host: string; readonly port: number } | { readonly path: string }

/** Hands on what comes to one place to another. */
export interface Relay {
  readonly port: number
  /** Resolves when a connection was one too many. */
  readonly refused: Promise<void>
  close(): Promise<void>
}

/** How it hands on. */
export interface RelayOptions {
  /** ms, each way. Default: 0. */
  readonly latency?: number
  /** Connections beyond that are closed at once. */
  readonly most?: number
}

export async function startRelay(
  from: Listening,
  to: Listening,
  { latency = 0, most = Infinity }: RelayOptions = {},
): Promise<Relay> {
  let connections = 0
  let tellRefused = (): void => undefined
  const refused = new Promise<void>((resolve) => (tellRefused = resolve))
  const sockets = new Set<Socket>()
  const track = (socket: Socket): Socket => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    return socket
  }
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    if (++connections > most) {
      socket.destroy()
      tellRefused()
      return
    }
    const options: NetConnectOpts = { ...to, allowHalfOpen: true }
    const [near, far] = [track(socket), track(createConnection(options))]
    handOn(near, far, latency)
    handOn(far, near, latency)
  })
  server.listen(from)
  await once(server, 'listening')
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    refused,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

/** All in its order, and as late as the rest. */
function handOn(from: Socket, to: Socket, latency: number): void {
  const later = (step: () => void): void => {
    if (latency === 0) step()
    else setTimeout(step, latency)
  }
  from.setNoDelay(true)
  from.on('data', (chunk: Buffer) => later(() => to.write(chunk)))
  from.on('end', () => later(() => to.end()))
  from.on('error', () => undefined)
  from.on('close', (hasFailed) => later(() => (hasFailed ? to.destroy() : to.end())))
}
