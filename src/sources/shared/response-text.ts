import { decodeText } from './decode-text.ts'
import { readBody } from './response-body.ts'

/** bytes: no server's token or metadata comes near it. */
const LIMIT = 262_144

/**
 * A body as text, at most 256 KiB of it.
 *
 * @param read is told of each piece
 */
export async function readText(response: Response, read: () => void): Promise<string> {
  const body: ReadableStream<Uint8Array> | null | undefined = response.body
  if (typeof body?.getReader !== 'function') {
    // React Native shows no body, and node-fetch a stream of Node's: it is read whole.
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
 * A connection that breaks behind the last brace, or behind the new refresh token, has brought all that matters. A refresh token that was
 * spent for it must not be sent again.
 */
function isEnough(text: string, type: string): boolean {
  if (!text.trimStart().startsWith('{')) return false
  const { kind, salvaged } = readBody(text, type)
  return kind === 'json' || kind === 'nested' || salvaged !== undefined
}

/** The bytes that were read, and the reason if they are not all. */
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
  // A body that cannot be cancelled must not take away what was read of it.
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

/** A body that was compressed, and is not labelled so, reaches us as it is. JSON never begins like that. */
async function unzipped(bytes: Uint8Array): Promise<Uint8Array> {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b || typeof DecompressionStream !== 'function') return bytes
  const { body } = new Response(new Uint8Array(bytes))
  if (body === null) return bytes
  const plain = await readBytes(body.pipeThrough(new DecompressionStream('gzip')), () => undefined)
  return plain.bytes.length > 0 ? plain.bytes : bytes
}
