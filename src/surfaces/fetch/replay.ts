import type { RefreshError } from '../../errors.ts'
import { copyOf, exceeds, isAsyncIterable, streamed, tooLarge } from '../shared/body.ts'
import { releaseBody } from '../shared/release-body.ts'
import { type BodyReader, restored, webReader } from './body-reader.ts'
import type { Target } from './target.ts'

/** The body that attempts send. */
export interface Replay {
  /** Why it cannot be sent again, where it cannot. */
  refusal(): RefreshError | undefined
  /** The body, as it was when the call was made; undefined where only the caller's own will do. */
  body(): BodyInit | undefined
  /** Waits until it is known whether it can be sent again. */
  settle?(): Promise<void>
  /** Discards what is kept. */
  end(): void
}

/**
 * Keeps the body of a call: the caller may change its own objects once the call is made.
 *
 * @param limit bytes
 */
export function keep(
  body: BodyInit | null | undefined,
  { request, method }: Target,
  limit: number,
): Replay | undefined {
  if (body !== undefined && body !== null) return keepBody(body, limit)
  if (request === undefined || request.body === null) return undefined
  if (request.body !== undefined) return keepStream(request, limit)
  // Firefox and React Native do not show the body of a Request, and have all of it.
  return method === 'GET' || method === 'HEAD' ? undefined : keepWhole(request, limit)
}

function keepBody(body: BodyInit, limit: number): Replay {
  if (isStream(body)) return refused(streamed)
  if (exceeds(isText(body) ? body.toString() : body, limit)) return refused(() => tooLarge(limit))
  return kept(copied(body))
}

/** Reads what the platform does not show. */
function keepWhole(request: Request, limit: number): Replay {
  let bytes: ArrayBuffer | undefined
  let refusal: (() => RefreshError) | undefined = streamed
  const read = async (): Promise<void> => {
    const all = await request.clone().arrayBuffer()
    refusal = all.byteLength > limit ? () => tooLarge(limit) : undefined
    if (refusal === undefined) bytes = all
  }
  const reading = read().catch(() => undefined)
  return {
    refusal: () => refusal?.(),
    body: () => bytes,
    settle: () => reading,
    end: () => {
      bytes = undefined
    },
  }
}

/** The body of a Request has mostly become a stream. It is recorded beside its being sent. */
function keepStream(request: Request, limit: number): Replay {
  const { body } = request.clone()
  // node-fetch 2 keeps it as it is.
  if (ArrayBuffer.isView(body)) return keepBody(body, limit)
  const reader = readerOf(body)
  return reader === undefined ? refused(streamed) : new Recorded(reader, limit, takesStreams(body))
}

/** A body that may still be arriving when it has to be sent again: then the rest of it is sent as it arrives. */
class Recorded implements Replay {
  readonly #reader: BodyReader
  readonly #limit: number
  readonly #isLive: boolean
  readonly #pieces: Uint8Array[] = []
  #size = 0
  #state: 'arriving' | 'whole' | 'large' | 'broken' | 'handed over' = 'arriving'
  #next: Promise<Uint8Array | undefined> | undefined

  /** @param isLive the rest can be sent while it arrives */
  constructor(reader: BodyReader, limit: number, isLive: boolean) {
    this.#reader = reader
    this.#limit = limit
    this.#isLive = isLive
    void this.#read()
  }

  refusal(): RefreshError | undefined {
    if (this.#state === 'large') return tooLarge(this.#limit)
    if (this.#state === 'whole' || (this.#state === 'arriving' && this.#isLive)) return undefined
    return streamed()
  }

  body(): BodyInit {
    const pieces = [...this.#pieces]
    if (this.#state !== 'arriving') return new Blob(pieces.map((piece) => piece.slice()))
    this.#state = 'handed over'
    return restored({ pieces, reader: this.#reader, next: this.#next, isBytes: false }).stream
  }

  end(): void {
    if (this.#state === 'handed over') return
    this.#pieces.length = 0
    this.#reader.close()
  }

  async #read(): Promise<void> {
    try {
      while (this.#state === 'arriving') {
        this.#next = this.#reader.next()
        const piece = await this.#next
        // By now it belongs to the second attempt.
        if (this.#state !== 'arriving') return
        this.#next = undefined
        if (piece === undefined) this.#state = 'whole'
        else this.#keep(piece)
      }
    } catch {
      if (this.#state === 'arriving') this.#state = 'broken'
    }
  }

  #keep(piece: Uint8Array): void {
    this.#size += piece.byteLength
    if (this.#size <= this.#limit) this.#pieces.push(piece)
    else {
      this.#state = 'large'
      this.end()
    }
  }
}

function kept(body: BodyInit | undefined): Replay {
  return { refusal: () => undefined, body: () => body, end: () => undefined }
}

function refused(refusal: () => RefreshError): Replay {
  return { refusal, body: () => undefined, end: () => undefined }
}

/** Of a web stream, or of Node's, which is what node-fetch makes of a body. */
function readerOf(body: Request['body']): BodyReader | undefined {
  if (typeof body?.getReader === 'function') return webReader(body)
  if (!isPieces(body)) return undefined
  const pieces = body[Symbol.asyncIterator]()
  return { next: async () => (await pieces.next()).value, close: () => releaseBody(body) }
}

function isPieces(body: unknown): body is AsyncIterable<Uint8Array, undefined> {
  return typeof body === 'object' && body !== null && isAsyncIterable(body)
}

/** A platform that takes no streams would send the words "[object ReadableStream]". */
function takesStreams(body: Request['body']): boolean {
  return (
    typeof body?.getReader === 'function' && typeof Request === 'function' && 'duplex' in Request.prototype
  )
}

/** Web streams, Node's, and whatever else can be read once only. */
export function isStream(body: BodyInit): body is ReadableStream {
  if (typeof body !== 'object') return false
  return 'getReader' in body || 'pipe' in body || isAsyncIterable(body)
}

/** What platforms make a text of. */
function isText(body: BodyInit): body is URLSearchParams {
  return typeof URLSearchParams === 'function' && body instanceof URLSearchParams
}

function copied(body: BodyInit): BodyInit | undefined {
  const copy = copyOf(body)
  return isBody(copy) ? copy : undefined
}

function isBody(copy: unknown): copy is BodyInit {
  return copy !== undefined
}
