import { decodeText } from './decode-text.ts'
import { readBody } from './response-body.ts'

/** bytes. No server's token response or metadata come near this size. */
const LIMIT = 262_144

/**
 * Reads a body as text. Reading stops after 256 KiB.
 *
 * @param read called after each piece
 */
export async function readText(response: Response, read: () => void): Promise<string> {
  const body: ReadableStream<Uint8Array> | null | undefined = response.body
  if (typeof body?.getReader !== 'function') {
    // React Native has no `body`, and node-fetch has a Node stream there. So we read the whole text.
    const whole = await response.text()
    read()
    return whole.slice(0, LIMIT)
  }
  const { bytes, broken } = await readBytes(body, read)
  const type = response.headers.get('content-type') ?? ''
  const charset = /charset\s{0,8}=\s{0,8}"?([\w.:-]{1,40})/i.exec(type)?.[1]
  const text = decodeText(await unzipped(bytes), charset)
  if (broken === undefined || isEnough(text, type)) return text
  throw broken.reason
}

/**
 * Whether the body is usable although the connection broke: the JSON is complete, or it holds the new refresh token. We must keep that token,
 * because the old one is spent, and must not be sent again.
 */
function isEnough(text: string, type: string): boolean {
  if (!text.trimStart().startsWith('{')) return false
  const { kind, salvaged } = readBody(text, type)
  return kind === 'json' || kind === 'nested' || salvaged !== undefined
}

/** The bytes that were read. `broken` holds the error if the connection broke before the end. */
interface ReadBytes {
  readonly bytes: Uint8Array
  readonly broken?: { readonly reason: unknown } | undefined
}

async function readBytes(body: ReadableStream<Uint8Array>, read: () => void): Promise<ReadBytes> {
  const reader = body.getReader()
  const pieces: Uint8Array[] = []
  let size = 0
  while (size <= LIMIT) {
    try {
      const { done, value } = await reader.read()
      read()
      if (done) return { bytes: joined(pieces, size) }
      pieces.push(value)
      size += value.length
    } catch (reason) {
      return { bytes: joined(pieces, size), broken: { reason } }
    }
  }
  // If cancelling the body fails, the bytes that were read still count.
  reader.cancel().catch(() => undefined)
  return { bytes: joined(pieces, size) }
}

function joined(pieces: readonly Uint8Array[], size: number): Uint8Array {
  const all = new Uint8Array(size)
  let at = 0
  for (const piece of pieces) {
    all.set(piece, at)
    at += piece.length
  }
  return all
}

/** Unpacks a gzip body without a `content-encoding`, which fetch does not decode. JSON never begins with these two bytes. */
async function unzipped(bytes: Uint8Array): Promise<Uint8Array> {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b || typeof DecompressionStream !== 'function') return bytes
  const { body } = new Response(new Uint8Array(bytes))
  if (body === null) return bytes
  const plain = await readBytes(body.pipeThrough(new DecompressionStream('gzip')), () => undefined)
  return plain.bytes.length > 0 ? plain.bytes : bytes
}
