import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Received, Reply } from './reply.ts'

/** A server that listens. */
export interface Listening {
  readonly origin: string
  close(): Promise<void>
}

/** Starts a server on a free loopback port. The server does not keep the process alive. */
export async function listen(serve: (request: Received) => Promise<Reply>): Promise<Listening> {
  // Import it here: the contract of stores has the same entry, and also runs on platforms without this module.
  const { createServer } = await import('node:http')
  const server = createServer((request, response) => {
    respond(request, response, serve).catch((error: unknown) => response.destroy(asError(error)))
  })
  server.on('connection', (socket) => socket.unref())
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  server.unref()
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  let closed: Promise<void> | undefined
  return {
    origin: `http://127.0.0.1:${port}`,
    close: () => {
      closed ??= new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
      return closed
    },
  }
}

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  serve: (request: Received) => Promise<Reply>,
): Promise<void> {
  request.setEncoding('utf8')
  let body = ''
  for await (const chunk of request) body += String(chunk)
  const { method = 'GET', url = '/', headers } = request
  const [path = '/'] = url.split('?')
  const reply = await serve({ method, path, headers, body })
  response.writeHead(reply.status, { ...reply.headers })
  if (typeof reply.body === 'string') {
    response.end(reply.body)
    return
  }
  for (const part of reply.body) response.write(part)
  response.end()
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error('The handler of the request threw.')
}
