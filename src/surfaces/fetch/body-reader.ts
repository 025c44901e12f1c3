/** Reads a body, piece by piece. */
export interface BodyReader {
  /** The next piece; undefined at the end. */
  next(): Promise<Uint8Array | undefined>
  /** Closes the body. No one needs more of it. */
  close(reason?: unknown): void
  /** Calls the listener when the body breaks, even between reads. */
  onBreak?(listener: (error: unknown) => void): void
  /** True for a stream of bytes. Call it only when no read is pending. */
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

/** Closes the bodies of streams that a program dropped without reading them to the end, as platforms do. */
const dropped = /* @__PURE__ */ watchDropped()

function watchDropped(): FinalizationRegistry<BodyReader> | undefined {
  return typeof FinalizationRegistry === 'function'
    ? new FinalizationRegistry<BodyReader>((reader) => reader.close())
    : undefined
}

/** The parts of which {@link restored} makes a stream. */
export interface Rest {
  /** The pieces that we have read already. The stream gives them first. */
  readonly pieces: readonly Uint8Array[]
  /** Reads the rest. */
  readonly reader: BodyReader
  /** The read that is pending now. */
  readonly next?: Promise<Uint8Array | undefined> | undefined
  /** How the body ended, if it has ended. */
  readonly ending?: { readonly error?: unknown } | undefined
  /** True for a stream of bytes, whose reader may give a buffer to read into. The stream passes our pieces on without a copy. */
  readonly isBytes: boolean
}

/**
 * A stream of the pieces that we have read, followed by the rest. It reads one piece when its consumer asks for one, and none ahead. If the
 * body has broken, the stream breaks after the last piece that we have read.
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
        // Skip an empty piece: a stream of bytes throws for one.
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

/** A restored stream, and a function that breaks it at once. */
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

/** Returns a piece whose memory threads do not share, for the types only: a body never uses shared memory. */
function owned(piece: Uint8Array): Uint8Array<ArrayBuffer> {
  return isOwned(piece) ? piece : new Uint8Array(piece)
}

function isOwned(piece: Uint8Array): piece is Uint8Array<ArrayBuffer> {
  return piece.buffer instanceof ArrayBuffer
}

function close(controller: Controller): void {
  controller.close()
  // Complete a pending read into a reader's own buffer, which `close()` leaves pending.
  controller.byobRequest?.respond(0)
}
