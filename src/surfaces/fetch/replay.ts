import { builtinModule } from '../../core/builtin-module.ts'
import type { RefreshError } from '../../errors.ts'
import { copyOf, exceeds, isAsyncIterable, streamed, tooLarge } from '../shared/body.ts'
import { Recording } from '../shared/recording.ts'
import { isWebStream } from './body-reader.ts'
import type { Target } from './target.ts'

/** The body for the attempts of a call. */
export interface Replay {
  /** Why the body cannot be sent again; undefined if it can. */
  refusal(): RefreshError | undefined
  /** The body as it was at the call. undefined if the attempt has to send the caller's own. */
  body(): BodyInit | undefined
  /** Waits until `refusal()` is final. */
  settle?(): Promise<void>
  /** Discards our copy. */
  end(): void
}

/**
 * Keeps the body of a call, because the caller may change its objects after the call.
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
  // Firefox and React Native show no `body` on a `Request`, but have all of it.
  return method === 'GET' || method === 'HEAD' ? undefined : keepWhole(request, limit)
}

function keepBody(body: BodyInit, limit: number): Replay {
  if (isStream(body)) return recordGiven(body, limit)
  if (exceeds(isText(body) ? body.toString() : body, limit)) return fixed(undefined, () => tooLarge(limit))
  return fixed(copied(body))
}

/** Keeps the body of a `Request` on a platform that does not show it: reads a clone as a whole. */
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

/** Keeps the body of a `Request`, which is usually a stream: records a clone while the first attempt sends the original. */
function keepStream(request: Request, limit: number): Replay {
  const { body } = request.clone()
  // node-fetch 2 leaves bytes as they are.
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

/** Keeps a stream in `init`: records it while the first attempt sends it. */
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
  // Send a `Blob`: Node 20 detaches an array of bytes, so that it could not be sent again after a redirect.
  const given = ArrayBuffer.isView(body) ? new Blob([body]) : send(body)
  return isBody(given) ? given : undefined
}

/** A replay that needs no reading. */
function fixed(body: BodyInit | undefined, refusal?: () => RefreshError): Replay {
  return { refusal: () => refusal?.(), body: () => body, end: () => undefined }
}

/** Makes a body that fetch accepts out of a source, in the form that the caller gave. */
type Send = (source: AsyncIterableIterator<unknown>) => unknown

/** The pieces of a web stream or of a Node stream. node-fetch turns every body into a Node stream. */
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

/** undefined if no new stream can replace this body: it is no stream of this platform, it was read already, or it has more than bytes. */
function senderFor(body: object): Send | undefined {
  if (isWebStream(body)) return body instanceof ReadableStream && isUnread(body) ? asWebStream : undefined
  if (!('pipe' in body)) return (source) => source
  // A form of the package `form-data` also has a boundary, which fetch reads.
  if ('getBoundary' in body || 'getHeaders' in body) return undefined
  // node-fetch accepts Node streams only.
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

/** True if a `Request` accepts a stream as its body. A platform where it does not would send the text "[object ReadableStream]". */
function takesStreams(body: Request['body']): boolean {
  return (
    typeof body?.getReader === 'function' && typeof Request === 'function' && 'duplex' in Request.prototype
  )
}

/** True for a web stream, a Node stream, and any other body that can be read only once. */
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
