import { builtinModule } from '../../core/builtin-module.ts'
import type { RefreshError } from '../../errors.ts'
import { copyOf, exceeds, isAsyncIterable, streamed, tooLarge } from '../shared/body.ts'
import { Recording } from '../shared/recording.ts'
import { isWebStream } from './body-reader.ts'
import type { Target } from './target.ts'

/** The body that attempts send. */
export interface Replay {
  /** Why the body cannot be sent again; undefined if it can. */
  refusal(): RefreshError | undefined
  /** The body, as it was when the call was made; undefined where only the caller's own will do. */
  body(): BodyInit | undefined
  /** Waits until it is known whether it can be sent again. */
  settle?(): Promise<void>
  /** Discards the copy. */
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
  if (isStream(body)) return recordGiven(body, limit)
  if (exceeds(isText(body) ? body.toString() : body, limit)) return fixed(undefined, () => tooLarge(limit))
  return fixed(copied(body))
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
  const pieces = piecesOf(body)
  if (pieces === undefined) return fixed(undefined, streamed)
  const recording = new Recording(pieces, limit)
  recording.body()
  void recording.completeCopy()
  return {
    refusal: () => (recording.isArriving() && !takesStreams(body) ? streamed() : recording.refusal()),
    body: () => sent(recording, asWebStream),
    end: () => recording.end(),
  }
}

/** A stream in init is recorded while the first attempt sends it. */
function recordGiven(body: ReadableStream, limit: number): Replay {
  const send = senderFor(body)
  const pieces = piecesOf(body)
  if (send === undefined || pieces === undefined) return fixed(undefined, streamed)
  const recording = new Recording(pieces, limit)
  return {
    refusal: () => recording.refusal(),
    body: () => sent(recording, send),
    settle: async () => recording.abandon(),
    end: () => recording.end(),
  }
}

/** The body that an attempt sends: bytes, or a stream. */
function sent(recording: Recording, send: Send): BodyInit | undefined {
  const body = recording.body()
  // Bytes would not survive a redirect: Node 20 detaches them.
  const given = ArrayBuffer.isView(body) ? new Blob([body]) : send(body)
  return isBody(given) ? given : undefined
}

/** Known from the start. */
function fixed(body: BodyInit | undefined, refusal?: () => RefreshError): Replay {
  return { refusal: () => refusal?.(), body: () => body, end: () => undefined }
}

/** Makes a sendable and repeatable body of a stream, in the caller's form. */
type Send = (source: AsyncIterableIterator<unknown>) => unknown

/** The pieces of a web stream, or of Node's, which node-fetch makes of every body. */
function piecesOf(body: unknown): AsyncIterable<unknown> | undefined {
  if (typeof body !== 'object' || body === null) return undefined
  if (isWebStream(body)) return { [Symbol.asyncIterator]: () => readerOf(body) }
  return isAsyncIterable(body) ? body : undefined
}

function readerOf(stream: ReadableStream): AsyncIterator<unknown> {
  const reader = stream.getReader()
  return {
    next: () => reader.read(),
    return: async (reason) => {
      await reader.cancel(reason)
      return { done: true, value: undefined }
    },
  }
}

function asWebStream(source: AsyncIterableIterator<unknown>): ReadableStream {
  return new ReadableStream(
    {
      pull: async (controller) => {
        const result = await source.next()
        if (result.done === true) controller.close()
        else controller.enqueue(result.value)
      },
      cancel: async (reason) => void (await source.return?.(reason)),
    },
    { highWaterMark: 0 },
  )
}

/** undefined for a body that cannot be replaced: it is no stream of this platform, was read already, or tells fetch more than its bytes. */
function senderFor(body: object): Send | undefined {
  if (isWebStream(body)) return body instanceof ReadableStream && isUnread(body) ? asWebStream : undefined
  if (!('pipe' in body)) return (source) => source
  // The form of the package `form-data` brings its boundary.
  if ('getBoundary' in body || 'getHeaders' in body) return undefined
  // node-fetch takes no other streams.
  const Readable: unknown = Reflect.get(Object(builtinModule('stream')), 'Readable')
  const from: unknown = Reflect.get(Object(Readable), 'from')
  if (typeof from !== 'function') return undefined
  return (source): unknown => Reflect.apply(from, Readable, [source, { objectMode: false }])
}

function isUnread(stream: ReadableStream): boolean {
  try {
    return new Response(stream).body !== null
  } catch {
    return false
  }
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

/** True for a body that platforms turn into text. */
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
