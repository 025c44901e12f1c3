import { once } from 'node:events'
import { createConnection, createServer, type NetConnectOpts, type Socket } from 'node:net'

/** Where somebody listens: an address, or a socket in the file system. */
export type Listening = { readonly host: string; readonly port: number } | { readonly path: string }

/** Hands on what comes to one place to another. */
export interface Relay {
  readonly port: number
  /** Resolves when a connection was one too many. */
  readonly refused: Promise<void>
  /** What it does with what comes, from now on. At first it hands on. */
  mode: RelayMode
  /** Breaks all connections. */
  cut(): void
  /**
   * The connection that sends this next hangs for ever: the `request` itself gets lost, or the `response` to it. Resolves when that
   * has happened.
   */
  hangAt(sent: string, lost: 'request' | 'response'): Promise<void>
  /** Breaks the connection that sends this next, in the same way. */
  cutAt(sent: string, lost: 'request' | 'response'): Promise<void>
  close(): Promise<void>
}

/** `refusing`: new connections are closed at once. `silent`: they are accepted, and nothing is handed on, of old ones neither. */
export type RelayMode = 'open' | 'refusing' | 'silent'

interface Trap {
  readonly sent: string
  readonly lost: 'request' | 'response'
  readonly end: 'hang' | 'cut'
  readonly sprung: () => void
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
      // A response that is lost: the server has done what it was to do when it responds.
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

/** All in its order, and as late as the rest. @param passes whether a piece is handed on */
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
