import type { RefreshError } from '../../core/errors.ts'
import { letGo } from '../../http/let-go.ts'
import { streamed, tooLarge } from '../../http/not-replayable.ts'
import { type BodyCopy, webCopy } from './body-copy.ts'

/** The body that attempts send. */
export interface Replay {
  /** Why it cannot be sent again, where it cannot. */
  refusal(): RefreshError | undefined
  /** The body, as it was when the call was made; undefined where only the caller's own will do. */
  body(): BodyInit | undefined
  /** Lets go of what is kept. */
  end(): void
}

/**
 * Keeps the body of a call: the caller may change its own objects once the call is made.
 *
 * @param limit bytes
 */
export function keep(
  body: BodyInit | null | undefined,
  request: Request | undefined,
  limit: number,
): Replay | undefined {
  if (body !== undefined && body !== null) return keepBody(body, limit)
  return request === undefined || request.body === null ? undefined : keepRequest(request, limit)
}

function keepBody(body: BodyInit, limit: number): Replay {
  if (isStream(body)) return refused(streamed)
  return exceeds(body, limit) ? refused(() => tooLarge(limit)) : kept(copied(body))
}

/** The body of a Request has mostly become a stream. It is read beside its being sent. */
function keepRequest(request: Request, limit: number): Replay {
  const { body } = request.clone()
  // node-fetch 2 keeps it as it is.
  if (ArrayBuffer.isView(body)) return keepBody(body, limit)
  const reader = readerOf(body)
  // A platform that does not show the body of a Request.
  if (reader === undefined) return refused(streamed)
  const chunks: Uint8Array[] = []
  /** As long as it is being read, it may be a stream that never ends. */
  let refusal: (() => RefreshError) | undefined = streamed
  const end = (): void => {
    chunks.length = 0
    reader.close()
  }
  const read = async (): Promise<void> => {
    let size = 0
    for (;;) {
      const value = await reader.next()
      if (value === undefined) break
      size += value.length
      if (size > limit) {
        refusal = () => tooLarge(limit)
        return end()
      }
      chunks.push(value)
    }
    refusal = undefined
  }
  read().catch(() => undefined)
  return {
    refusal: () => refusal?.(),
    body: () => new Blob(chunks.map((chunk) => chunk.slice())),
    end,
  }
}

function kept(body: BodyInit | undefined): Replay {
  return { refusal: () => undefined, body: () => body, end: () => undefined }
}

function refused(refusal: () => RefreshError): Replay {
  return { refusal, body: () => undefined, end: () => undefined }
}

/** Of a web stream, or of Node's, which is what node-fetch makes of a body. */
function readerOf(body: Request['body']): BodyCopy | undefined {
  if (typeof body?.getReader === 'function') return webCopy(body)
  if (!isIterable(body)) return undefined
  const pieces = body[Symbol.asyncIterator]()
  return { next: async () => (await pieces.next()).value, close: () => letGo(body) }
}

function isIterable(body: unknown): body is AsyncIterable<Uint8Array, undefined> {
  return Symbol.asyncIterator in Object(body)
}

/** Web streams, Node's, and whatever else can be read once only. */
function isStream(body: BodyInit): body is ReadableStream {
  if (typeof body !== 'object') return false
  return 'getReader' in body || 'pipe' in body || Symbol.asyncIterator in body
}

function exceeds(body: Exclude<BodyInit, ReadableStream>, limit: number): boolean {
  if (body instanceof Blob) return body.size > limit
  if (body instanceof ArrayBuffer || ArrayBuffer.isView(body)) return body.byteLength > limit
  if (body instanceof FormData) {
    return [...body].reduce((sum, [name, value]) => sum + utf8(name) + sizeOf(value), 0) > limit
  }
  const text = body.toString()
  // Counting bytes takes longer than looking at the length.
  return text.length * 3 > limit && utf8(text) > limit
}

function sizeOf(value: FormDataEntryValue): number {
  return typeof value === 'string' ? utf8(value) : value.size
}

function utf8(text: string): number {
  return new TextEncoder().encode(text).length
}

function copied(body: BodyInit): BodyInit {
  if (ArrayBuffer.isView(body)) return new Uint8Array(body.buffer, body.byteOffset, body.byteLength).slice()
  if (body instanceof ArrayBuffer) return body.slice(0)
  if (body instanceof URLSearchParams) return new URLSearchParams(body)
  if (!(body instanceof FormData)) return body
  const copy = new FormData()
  for (const [name, value] of body) copy.append(name, value)
  return copy
}
