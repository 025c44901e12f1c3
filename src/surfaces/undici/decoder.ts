import { Transform } from 'node:stream'
import zlib from 'node:zlib'

/** Reads a body as its `content-encoding` says (RFC 9110 section 8.4), as far as it has arrived. */
export interface Decoder {
  write(chunk: Uint8Array): void
  /** There is no more. */
  end(): void
  /** Nothing is wanted any more. */
  close(): void
}

const { Z_SYNC_FLUSH, BROTLI_OPERATION_FLUSH } = zlib.constants
/** A body that is cut short is read up to there. */
const DEFLATE = { flush: Z_SYNC_FLUSH, finishFlush: Z_SYNC_FLUSH }
const BROTLI = { flush: BROTLI_OPERATION_FLUSH, finishFlush: BROTLI_OPERATION_FLUSH }

/** By the name of the coding, what reads it; the first byte tells the two kinds of `deflate` apart. */
const CODINGS: Readonly<Record<string, (first: number) => unknown>> = {
  gzip: () => zlib.createGunzip(DEFLATE),
  'x-gzip': () => zlib.createGunzip(DEFLATE),
  deflate: (first) =>
    (first & 0x0f) === 0x08 ? zlib.createInflate(DEFLATE) : zlib.createInflateRaw(DEFLATE),
  br: () => zlib.createBrotliDecompress(BROTLI),
  zstd: () => zstd?.(),
}
// Node has it from 22.15 on.
const create: unknown = Reflect.get(zlib, 'createZstdDecompress')
const zstd = typeof create === 'function' ? (): unknown => Reflect.apply(create, zlib, []) : undefined

/**
 * @param take hears of what was decoded, in pieces of some 16 KiB: it bounds what is decoded by closing
 * @param done all of it was decoded, or as much as can be
 * @returns undefined for a coding that is not known
 */
export function openDecoder(
  encoding: unknown,
  take: (bytes: Uint8Array) => void,
  done: () => void,
): Decoder | undefined {
  const coding = typeof encoding === 'string' ? encoding.trim().toLowerCase() : encoding
  if (coding === undefined || coding === '' || coding === 'identity') {
    return { write: take, end: done, close: () => undefined }
  }
  const open = typeof coding === 'string' && Object.hasOwn(CODINGS, coding) ? CODINGS[coding] : undefined
  if (open === undefined || (coding === 'zstd' && zstd === undefined)) return undefined
  return new ZlibDecoder(open, take, done)
}

class ZlibDecoder implements Decoder {
  readonly #open: (first: number) => unknown
  readonly #take: (bytes: Uint8Array) => void
  readonly #done: () => void
  #stream: Transform | undefined

  constructor(open: (first: number) => unknown, take: (bytes: Uint8Array) => void, done: () => void) {
    this.#open = open
    this.#take = take
    this.#done = done
  }

  write(chunk: Uint8Array): void {
    const [first] = chunk
    if (first === undefined) return
    this.#stream ??= this.#start(this.#open(first))
    this.#stream?.write(chunk)
  }

  end(): void {
    if (this.#stream !== undefined) this.#stream.end()
    else this.#done()
  }

  close(): void {
    this.#stream?.destroy()
  }

  #start(stream: unknown): Transform | undefined {
    if (!(stream instanceof Transform)) return undefined
    return stream.on('data', this.#take).on('end', this.#done).on('error', this.#done)
  }
}
