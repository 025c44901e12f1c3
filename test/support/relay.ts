import { once } from 'node:events'
import { createConnection, createServer, type NetConnectOpts, type Socket } from 'node:net'

/** An address, or the path of a Unix socket, on which a server listens. */
export type Listening = { readonly host: string; readonly port: number } | { readonly path: string }

/** Forwards connections from one address to another. */
export interface Relay {
  readonly port: number
  /** Resolves when the relay has refused a connection because there were too many. */
  readonly refused: Promise<void>
  /** What the relay does from now on. At first it is `open`. */
  mode: RelayMode
  /** Breaks all connections. */
  cut(): void
  /**
   * Lets a connection hang for ever: the next one that sends this text. Either the request gets lost, or the response to it. Resolves when that
   * has happened.
   */
  hangAt(sent: string, lost: 'request' | 'response'): Promise<void>
  /** Like `hangAt`, but breaks the connection. */
  cutAt(sent: string, lost: 'request' | 'response'): Promise<void>
  close(): Promise<void>
}

/** `refusing`: closes new connections at once. `silent`: accepts new connections, and forwards nothing, on old connections neither. */
export type RelayMode = 'open' | 'refusing' | 'silent'

interface Trap {
  readonly sent: string
  readonly lost: 'request' | 'response'
  readonly end: 'hang' | 'cut'
  readonly sprung: () => void
}

/** Options of a relay. */
export interface RelayOptions {
  /** The delay in each direction, in ms. Default: 0. */
  readonly latency?: number
  /** The number of connections that the relay accepts. It closes further ones at once. */
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
  let trap: Trap | undefined
  const set = (sent: string, lost: Trap['lost'], end: Trap['end']): Promise<void> =>
    new Promise((sprung) => (trap = { sent, lost, end, sprung }))
  const relay: Relay = {
    port: 0,
    refused,
    mode: 'open',
    cut: () => {
      for (const socket of sockets) socket.destroy()
    },
    hangAt: (sent, lost) => set(sent, lost, 'hang'),
    cutAt: (sent, lost) => set(sent, lost, 'cut'),
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    if (++connections > most || relay.mode === 'refusing') {
      socket.destroy()
      if (connections > most) tellRefused()
      return
    }
    const options: NetConnectOpts = { ...to, allowHalfOpen: true }
    const [near, far] = [track(socket), track(createConnection(options))]
    let hangs = false
    const isSilent = (): boolean => hangs || relay.mode === 'silent'
    handOn(near, far, latency, (chunk) => {
      if (isSilent()) return false
      if (trap === undefined || !chunk.includes(trap.sent)) return true
      const { lost, end, sprung } = trap
      trap = undefined
      hangs = true
      const finish = (): void => {
        if (end === 'cut') near.destroy()
        sprung()
      }
      // To lose a response, wait for the server's first byte: by then the server has executed the request.
      if (lost === 'response') far.once('data', finish)
      else finish()
      return lost === 'response'
    })
    handOn(far, near, latency, () => !isSilent())
  })
  server.listen(from)
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return Object.assign(relay, { port })
}

/** Forwards data, its end and errors in order, each with the same delay. @param passes whether a piece is forwarded */
function handOn(from: Socket, to: Socket, latency: number, passes: (chunk: Buffer) => boolean): void {
  const later = (step: () => void): void => {
    if (latency === 0) step()
    else setTimeout(step, latency)
  }
  from.setNoDelay(true)
  from.on('data', (chunk: Buffer) => passes(chunk) && later(() => to.write(chunk)))
  from.on('end', () => later(() => to.end()))
  from.on('error', () => undefined)
  from.on('close', (hasFailed) => later(() => (hasFailed ? to.destroy() : to.end())))
}
