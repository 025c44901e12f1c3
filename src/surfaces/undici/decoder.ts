import { Transform } from 'node:stream'
import zlib from 'node:zlib'
import type { Decoder } from '../shared/inspection.ts'

/** Makes a decoder return the part that has arrived, even if the body is cut short. */
const deflate = (): zlib.ZlibOptions => {
  const { Z_SYNC_FLUSH } = zlib.constants
  return { flush: Z_SYNC_FLUSH, finishFlush: Z_SYNC_FLUSH }
}
const brotli = (): zlib.BrotliOptions => {
  const { BROTLI_OPERATION_FLUSH } = zlib.constants
  return { flush: BROTLI_OPERATION_FLUSH, finishFlush: BROTLI_OPERATION_FLUSH }
}

/**
 * The decoder of each coding. The first byte of a body tells the two kinds of `deflate` apart. Nothing uses `node:zlib` before a decoder is
 * opened.
 */
const CODINGS: Readonly<Record<string, Coding>> = {
  gzip: () => zlib.createGunzip(deflate()),
  'x-gzip': () => zlib.createGunzip(deflate()),
  deflate: (first) =>
    (first & 0x0f) === 0x08 ? zlib.createInflate(deflate()) : zlib.createInflateRaw(deflate()),
  br: () => zlib.createBrotliDecompress(brotli()),
  zstd: () => zstd()?.(),
}

/** Compressions that Node cannot decode. Other unknown names, such as `none` and `utf-8`, leave the bytes unchanged. */
const UNREADABLE = /^(?:(?:x-)?compress|dcb|dcz|exi|pack200-gzip|zstd)$/

/** Node's zstd decoder, which it has from 22.15 on. */
function zstd(): (() => unknown) | undefined {
  const create: unknown = Reflect.get(zlib, 'createZstdDecompress')
  return typeof create === 'function' ? (): unknown => Reflect.apply(create, zlib, []) : undefined
}

/** The most codings that we decode. No server means more. */
const MOST_CODINGS = 5
/** The most decoded bytes that go into the next decoder. Few bytes may decode to very many, which the next decoder may turn into none. */
const MOST_BETWEEN = 1_048_576

/**
 * Makes a decoder for a body.
 *
 * @param encoding the header `content-encoding`: the codings in the order in which the server applied them
 * @param take receives the decoded bytes, in pieces of some 16 KiB. It stops the decoding by closing the decoder
 * @param done called when everything that can be decoded is decoded
 * @returns undefined if Node cannot decode a coding
 */
export function openDecoder(
  encoding: unknown,
  take: (bytes: Uint8Array) => void,
  done: () => void,
): Decoder | undefined {
  const codings = codingsOf(encoding)
  if (codings === undefined || codings.length > MOST_CODINGS) return undefined
  // Decode in reverse order: the coding that was applied first comes last.
  let decoder: Decoder = { write: take, end: done, close: () => undefined }
  let isLast = true
  for (const open of codings) {
    decoder = undo(open, decoder, isLast ? Infinity : MOST_BETWEEN)
    isLast = false
  }
  return decoder
}

type Coding = (first: number) => unknown

/** @param most the bytes that may go into the next decoder */
function undo(open: Coding, next: Decoder, most: number): Decoder {
  let size = 0
  const write = (bytes: Uint8Array): void => {
    size += bytes.length
    if (size <= most) return next.write(bytes)
    decoder.close()
    next.end()
  }
  const decoder = new ZlibDecoder(open, write, () => next.end())
  return {
    write: (chunk) => decoder.write(chunk),
    end: () => decoder.end(),
    close: () => {
      decoder.close()
      next.close()
    },
  }
}

/** The decoders of the codings; undefined if Node cannot decode one of them. */
function codingsOf(encoding: unknown): readonly Coding[] | undefined {
  const lines = Array.isArray(encoding) ? encoding.map(String) : encoding
  const text = Array.isArray(lines) ? lines.join(',') : lines
  if (text === undefined) return []
  if (typeof text !== 'string') return undefined
  const codings: Coding[] = []
  for (const part of text.split(',')) {
    const name = part.trim().toLowerCase()
    const isKnown = Object.hasOwn(CODINGS, name) && (name !== 'zstd' || zstd() !== undefined)
    const coding = isKnown ? CODINGS[name] : undefined
    if (coding === undefined && UNREADABLE.test(name)) return undefined
    // Skip a name that is no coding, as platforms' fetches do.
    if (coding !== undefined) codings.push(coding)
  }
  return codings
}

class ZlibDecoder implements Decoder {
  readonly #open: Coding
  readonly #take: (bytes: Uint8Array) => void
  readonly #done: () => void
  #stream: Transform | undefined
  #isClosed = false

  constructor(open: Coding, take: (bytes: Uint8Array) => void, done: () => void) {
    this.#open = open
    this.#take = take
    this.#done = done
  }

  write(chunk: Uint8Array): void {
    const [first] = chunk
    if (first === undefined || this.#isClosed) return
    this.#stream ??= this.#start(this.#open(first))
    this.#stream?.write(chunk)
  }

  end(): void {
    if (this.#isClosed) return
    if (this.#stream !== undefined) this.#stream.end()
    else this.#done()
  }

  close(): void {
    this.#isClosed = true
    this.#stream?.destroy()
  }

  #start(stream: unknown): Transform | undefined {
    if (!(stream instanceof Transform)) return undefined
    return stream.on('data', this.#take).on('end', this.#done).on('error', this.#done)
  }
}
