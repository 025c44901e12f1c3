/** Reads a body, piece by piece. */
export interface BodyReader {
  /** The next piece; undefined at the end. */
  next(): Promise<Uint8Array | undefined>
  /** Closes the body: no more of it is needed. */
  close(reason?: unknown): void
  /** Calls the listener when the body breaks, even between reads. */
  onBreak?(listener: (error: unknown) => void): void
  /** True for a stream of bytes. Ask only between reads. */
  isBytes?(): boolean
}

export function isWebStream(body: unknown): body is ReadableStream<Uint8Array> {
  return (
    typeof body === 'object' && body !== null && 'getReader' in body && typeof body.getReader === 'function'
  )
}

/** Reads a web stream. */
export function webReader(stream: ReadableStream<Uint8Array>): BodyReader {
  let reader = stream.getReader()
  return {
    next: () => reader.read().then(valueOf),
    close: (reason) => void reader.cancel(reason).catch(() => undefined),
    onBreak: (listener) => void reader.closed.catch(listener),
    isBytes: () => {
      reader.releaseLock()
      const isBytes = isByteStream(stream)
      reader = stream.getReader()
      return isBytes
    },
  }
}

function valueOf({ value }: ReadableStreamReadResult<Uint8Array>): Uint8Array | undefined {
  return value
}

function isByteStream(stream: ReadableStream): boolean {
  try {
    stream.getReader({ mode: 'byob' }).releaseLock()
    return true
  } catch {
    return false
  }
}

/** Discards what a program dropped unread, as platforms do. */
const dropped = /* @__PURE__ */ watchDropped()

function watchDropped(): FinalizationRegistry<BodyReader> | undefined {
  return typeof FinalizationRegistry === 'function'
    ? new FinalizationRegistry<BodyReader>((reader) => reader.close())
    : undefined
}

/** The input of a {@link restored} stream. */
export interface Rest {
  /** Pieces that were read already. They are given first. */
  readonly pieces: readonly Uint8Array[]
  /** The reader of the rest. */
  readonly reader: BodyReader
  /** The piece that is being read right now. */
  readonly next?: Promise<Uint8Array | undefined> | undefined
  /** The end of the body, if it has ended. */
  readonly ending?: { readonly error?: unknown } | undefined
  /** A stream of bytes, which may be read into a buffer of its reader's. Its pieces are handed over, not copied. */
  readonly isBytes: boolean
}

/**
 * A stream of the pieces that were read, followed by the rest. It reads a piece when its consumer asks for one, and none ahead. A body that
 * breaks does so after the last piece that was read.
 */
export function restored({ pieces, reader, next, ending, isBytes }: Rest): Restored {
  const left = [...pieces]
  let pending = next
  let breakNow: (error: unknown) => void = () => undefined
  const source = {
    start(controller: Controller): void {
      breakNow = (error) => controller.error(error)
    },
    async pull(controller: Controller): Promise<void> {
      for (;;) {
        let piece = left.shift()
        if (piece === undefined && ending !== undefined && 'error' in ending) throw ending.error
        if (piece === undefined && ending === undefined) {
          const reading = pending ?? reader.next()
          pending = undefined
          piece = await reading
        }
        if (piece === undefined) return close(controller)
        // A stream of bytes takes no empty piece, and needs none.
        if (isBytes && piece.byteLength === 0) continue
        return controller.enqueue(owned(piece))
      }
    },
    cancel(reason: unknown): void {
      left.length = 0
      reader.close(reason)
    },
  }
  const stream = isBytes
    ? new ReadableStream({ ...source, type: 'bytes' })
    : new ReadableStream(source, { highWaterMark: 0 })
  if (ending === undefined) dropped?.register(stream, reader)
  return { stream, break: (error) => breakNow(error) }
}

/** A stream, and what breaks it off at once. */
export interface Restored {
  readonly stream: ReadableStream<Uint8Array>
  break(error: unknown): void
}

/** The controller of either kind of stream. */
interface Controller {
  readonly byobRequest?: ReadableStreamBYOBRequest | null
  enqueue(chunk: Uint8Array<ArrayBuffer>): void
  close(): void
  error(reason: unknown): void
}

/** Types tell memory that threads share from other memory; a body's is never shared. */
function owned(piece: Uint8Array): Uint8Array<ArrayBuffer> {
  return isOwned(piece) ? piece : new Uint8Array(piece)
}

function isOwned(piece: Uint8Array): piece is Uint8Array<ArrayBuffer> {
  return piece.buffer instanceof ArrayBuffer
}

function close(controller: Controller): void {
  controller.close()
  // A reader that gave a buffer of its own waits for it.
  controller.byobRequest?.respond(0)
}
