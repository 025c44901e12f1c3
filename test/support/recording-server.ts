import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** A request as it arrived. */
export interface Recorded {
  readonly method: string | undefined
  readonly path: string | undefined
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/** A server on loopback and a free port that records its requests, and counts its sockets. */
export interface RecordingServer {
  readonly origin: string
  readonly requests: Recorded[]
  /** The values of a header, one for each request. */
  sent(header: string): (string | string[] | undefined)[]
  /** The number of connections that were made so far. */
  sockets(): number
  /** The number of open connections. */
  open(): number
  /** Resolves when exactly so many connections are open. */
  opened(count: number): Promise<void>
  close(): Promise<void>
}

type Handler = (request: Recorded, response: ServerResponse, raw: IncomingMessage) => unknown

/** @param handler responds to a request; called when the whole request has arrived */
export async function startRecordingServer(handler: Handler): Promise<RecordingServer> {
  const requests: Recorded[] = []
  const open = new Set<Socket>()
  const waiting = new Set<() => void>()
  let sockets = 0
  const tellWaiting = (): void => {
    for (const look of waiting) look()
  }
  const server = createServer((raw, response) => {
    const chunks: Buffer[] = []
    raw.on('data', (chunk: Buffer) => chunks.push(chunk))
    raw.on('end', () => {
      const { method, url, headers } = raw
      const request = { method, path: url, headers, body: Buffer.concat(chunks) }
      requests.push(request)
      handler(request, response, raw)
    })
    raw.on('error', () => undefined)
  })
  server.on('connection', (socket) => {
    sockets++
    open.add(socket)
    socket.once('close', () => {
      open.delete(socket)
      tellWaiting()
    })
    tellWaiting()
  })
  await new Promise<void>((resolve) => server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 }, resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The server has no port.')
  return {
    origin: `http://127.0.0.1:${address.port}`,
    requests,
    sent: (header) => requests.map(({ headers }) => headers[header]),
    sockets: () => sockets,
    open: () => open.size,
    opened: (count) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (open.size !== count) return
          waiting.delete(look)
          resolve()
        }
        waiting.add(look)
        look()
      }),
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      await closed
    },
  }
}

/** Responds 200 and `ok` if `good` accepts the bearer token, else 401. */
export function bearer(good: (token: string) => boolean): Handler {
  return ({ headers }, response) => {
    const isGood = good((headers.authorization ?? '').replace(/^Bearer /, ''))
    if (isGood) response.end('ok')
    else
      response.writeHead(401, { 'content-type': 'application/json' }).end('{"error":{"message":"expired"}}')
  }
}
