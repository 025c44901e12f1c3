import { utf8 } from '../../lib/utf8.ts'

/** bytes */
const LIMIT = 1_048_576

/**
 * A body as text, at most 1 MiB of it.
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
  const bytes = await readBytes(body, read)
  const type = response.headers.get('content-type') ?? ''
  return decodeText(await unzipped(bytes), /charset\s{0,8}=\s{0,8}"?([\w.:-]{1,40})/i.exec(type)?.[1])
}

async function readBytes(body: ReadableStream<Uint8Array>, read: () => void): Promise<Uint8Array> {
  const reader = body.getReader()
  const pieces: Uint8Array[] = []
  let size = 0
  while (size <= LIMIT) {
    const { done, value } = await reader.read()
    read()
    if (done) return joined(pieces, size)
    pieces.push(value)
    size += value.length
  }
  // A body that cannot be cancelled must not take away what was read of it.
  reader.cancel().catch(() => undefined)
  return joined(pieces, size)
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
  try {
    const body = new Response(new Uint8Array(bytes)).body
    if (body === null) return bytes
    return await readBytes(body.pipeThrough(new DecompressionStream('gzip')), () => undefined)
  } catch {
    return bytes
  }
}

/**
 * Text that is UTF-8, or says otherwise by its first bytes or by its label. What cannot be decoded becomes U+FFFD.
 *
 * @param charset as labelled
 */
export function decodeText(bytes: Uint8Array, charset?: string): string {
  const [first, second] = bytes
  if (first === undefined || second === undefined) return decoderFor(charset).decode(bytes)
  // A mark of byte order; or a zero beside an ASCII character, as Windows PowerShell writes it.
  if ((first === 0xff && second === 0xfe) || (first > 0 && second === 0)) {
    return decoderFor('utf-16le').decode(bytes)
  }
  if ((first === 0xfe && second === 0xff) || (first === 0 && second > 0)) {
    return decoderFor('utf-16be').decode(bytes)
  }
  return decoderFor(charset).decode(bytes)
}

function decoderFor(charset: string | undefined): { decode(bytes: Uint8Array): string } {
  try {
    return charset === undefined ? utf8() : new TextDecoder(charset)
  } catch {
    // No platform knows all of them.
    return utf8()
  }
}
