import type { IncomingMessage, ServerResponse } from 'node:http'
import { nextTick } from 'node:process'

/** A body of at most so many bytes is collected before it is sent: undici sends it in one piece, and again where it has to. */
const SMALL = 262_144

export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

/** The client is still sending. */
export function isArriving(request: IncomingMessage): boolean {
  return !request.complete && hasBody(request)
}

/**
 * The body of a request that has one, for undici. A small one of a known length is collected first. Others are read as they are sent.
 *
 * @param patience ms that the client may take for the next piece
 * @param take is not called where the client breaks off
 */
export function readBody(
  request: IncomingMessage,
  response: ServerResponse,
  patience: number,
  take: Take,
): void {
  const { expect, 'content-length': length } = request.headers
  if (expect !== undefined) response.writeContinue()
  // Most small bodies have come with their heads, and are read by the parser once this returns: they need no listener and no timer.
  if (Number(length) <= SMALL) nextTick(readSmall, request, patience, take)
  else readLarge(request, patience, take)
}

type Take = (body: Uint8Array | AsyncIterable<unknown>) => void

function readSmall(request: IncomingMessage, patience: number, take: Take): void {
  const whole: unknown = request.complete ? request.read() : undefined
  if (Buffer.isBuffer(whole)) return take(whole)
  const { socket } = request
  socket.setTimeout(patience)
  // A client that leaves while nobody reads would end the process.
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

/** Leaving it must not destroy the request: its response is on the same socket. */
function pieces(request: IncomingMessage): AsyncIterator<unknown> {
  return request.iterator({ destroyOnReturn: false })
}

function ignore(): void {
  // the reader of the body sees it, or the response that is closed
}

const ending = new WeakSet<object>()

/** The connection has had its last response: what else is said on it is no request (RFC 9112 section 9.6). */
export function isEnding({ socket }: IncomingMessage): boolean {
  return ending.has(socket)
}

/** The connection is good for no other request. */
export function endsWith({ socket }: IncomingMessage, response: ServerResponse): void {
  response.shouldKeepAlive = false
  ending.add(socket)
}

/** How long (ms) a client may go on sending what nobody wants, once it has its response. */
const LINGER = 2_000

/**
 * The response comes before the request is whole. The connection ends with it, and what is still arriving is read and discarded:
 * were it closed at once, the client might lose the response (RFC 9112 section 9.6).
 */
export function endsEarly(request: IncomingMessage, response: ServerResponse): void {
  endsWith(request, response)
  const { socket } = request
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
