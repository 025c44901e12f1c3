import type { IncomingMessage, ServerResponse } from 'node:http'
import { nextTick } from 'node:process'

/**
 * The largest body, in bytes, that the proxy collects before it sends the request. undici sends such a body in one piece, and can send it
 * again.
 */
const SMALL = 262_144

export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

/** True if the client is still sending the body. */
export function isArriving(request: IncomingMessage): boolean {
  return !request.complete && hasBody(request)
}

/**
 * Reads the body of a request that has one, in a form that undici takes. A small body of a known length is collected first. Any other body
 * is read while undici sends it.
 *
 * @param patience ms that the client may take for the next piece
 * @param take receives the body. It is not called if the client breaks off before a small body is complete
 */
export function readBody(
  request: IncomingMessage,
  response: ServerResponse,
  patience: number,
  take: Take,
): void {
  const { expect, 'content-length': length } = request.headers
  if (expect !== undefined) response.writeContinue()
  // Most small bodies arrive with their heads. Node's parser reads them after this function returns, so they need no listener and no timer.
  if (Number(length) <= SMALL) nextTick(readSmall, request, patience, take)
  else readLarge(request, patience, take)
}

type Take = (body: Uint8Array | AsyncIterable<unknown>) => void

function readSmall(request: IncomingMessage, patience: number, take: Take): void {
  const whole: unknown = request.complete ? request.read() : undefined
  if (Buffer.isBuffer(whole)) return take(whole)
  const { socket } = request
  socket.setTimeout(patience)
  // Listen for errors: a client that leaves while no one reads the body would end the process.
  request.on('error', ignore)
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.once('end', () => {
    socket.setTimeout(0)
    take(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks))
  })
}

function readLarge(request: IncomingMessage, patience: number, take: Take): void {
  const { socket } = request
  socket.setTimeout(patience)
  request.on('error', ignore)
  request.once('end', () => socket.setTimeout(0))
  take({ [Symbol.asyncIterator]: () => pieces(request) })
}

/** The pieces of the body. The iterator's end must not destroy the request, because the response uses the same socket. */
function pieces(request: IncomingMessage): AsyncIterator<unknown> {
  return request.iterator({ destroyOnReturn: false })
}

function ignore(): void {
  // Do nothing: the reader of the body receives the error, or sees the closed response.
}

const ending = new WeakSet<object>()

/** True if the connection has had its last response. Bytes that arrive on it later are no request (RFC 9112 section 9.6). */
export function isEnding({ socket }: IncomingMessage): boolean {
  return ending.has(socket)
}

/** How long, in ms, a client may go on sending the rest of a request after it has its response. */
const LINGER = 2_000

/**
 * Ends the connection after a response to an incomplete request. The connection cannot serve another request. The proxy reads and discards
 * the rest of this one, because a client whose connection closes at once may lose the response (RFC 9112 section 9.6).
 */
export function endsEarly(request: IncomingMessage, response: ServerResponse): void {
  response.shouldKeepAlive = false
  const { socket } = request
  ending.add(socket)
  Object.defineProperty(socket, 'destroySoon', {
    configurable: true,
    value: () => {
      socket.end()
      const timer = setTimeout(() => socket.destroy(), LINGER)
      socket.once('close', () => clearTimeout(timer))
      socket.once('end', () => socket.destroy())
      request.resume()
    },
  })
}

/** The id of a JSON-RPC request, so that its client knows which one failed. */
export function jsonRpcId(body: unknown): string | number | null {
  if (!Buffer.isBuffer(body)) return null
  try {
    const id: unknown = Reflect.get(Object(JSON.parse(body.toString())), 'id')
    return typeof id === 'string' || typeof id === 'number' ? id : null
  } catch {
    return null
  }
}
