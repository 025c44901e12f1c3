import { type ServerResponse, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { hasBody } from './body.ts'
import { type ClientRequest, ClientResponse, isWebSocketOffer } from './connections.ts'
import type { Join } from './exchange.ts'
import { type Asked, responseHead } from './response-headers.ts'
import type { Served } from './served.ts'

export function isWebSocket(request: ClientRequest): boolean {
  const { method, headers } = request
  // A body would be read by nobody.
  return method === 'GET' && isWebSocketOffer(headers.upgrade) && !hasBody(request)
}

/**
 * The response to a request that Node has taken away from HTTP. The proxy sends it only if it refuses the upgrade. The connection ends
 * after it.
 */
export function responseOn(request: ClientRequest): ClientResponse {
  const response = new ClientResponse(request)
  const { socket } = request
  response.shouldKeepAlive = false
  response.assignSocket(socket)
  response.once('finish', () => {
    response.detachSocket(socket)
    socket.destroySoon()
    response.emit('close')
  })
  return response
}

/**
 * Joins a client's connection with the upstream's. Each gets what the other sends, until one of them ends.
 *
 * @param head bytes that the client has already sent
 */
export function joining(
  request: ClientRequest,
  response: ServerResponse,
  head: Buffer,
  asked: Asked,
  served: Served,
): Join {
  return (status, rawHeaders, upstream) => {
    const client = request.socket
    if (!isDuplex(upstream)) return void client.destroy()
    response.detachSocket(client)
    served.status = status
    const { headers } = responseHead(rawHeaders, asked)
    const lines = [
      `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
      'Connection: Upgrade',
      'Upgrade: websocket',
    ]
    for (let at = 0; at < headers.length; at += 2) lines.push(`${headers[at]}: ${headers[at + 1]}`)
    client.setNoDelay(true)
    client.setTimeout(0)
    client.write(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
    if (head.length > 0) upstream.write(head)
    let isOver = false
    const end = (): void => {
      if (isOver) return
      isOver = true
      client.destroy()
      upstream.destroy()
      served.end()
    }
    for (const side of [client, upstream]) side.on('error', end).once('close', end)
    for (const side of [client, upstream]) side.on('data', (chunk: Buffer) => (served.bytes += chunk.length))
    client.pipe(upstream)
    upstream.pipe(client)
  }
}

function isDuplex(candidate: unknown): candidate is Duplex {
  return typeof candidate === 'object' && candidate !== null && 'pipe' in candidate && 'write' in candidate
}
