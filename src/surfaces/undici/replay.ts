import type { RefreshError } from '../../core/errors.ts'
import { streamed, tooLarge } from '../../http/not-replayable.ts'
import { Recording } from './recording.ts'

/** The body that attempts send. */
export interface Replay {
  /** For the next attempt: as it was when the request was made. */
  body(): unknown
  /** Why it cannot be sent again, where it cannot. */
  refusal(): RefreshError | undefined
  /** The first attempt was rejected: gets what it has not sent yet. */
  complete?(): Promise<void>
  /** Lets go of what is kept. */
  end?(): void
}

/**
 * Keeps the body of a request: its caller may change it once the request is made.
 *
 * @param limit bytes
 */
export function keep(body: unknown, limit: number): Replay | undefined {
  if (body === undefined || body === null) return undefined
  if (typeof body === 'string') {
    // Counting bytes takes longer than looking at the length.
    return body.length * 3 > limit ? bounded(body, Buffer.byteLength(body), limit) : kept(body)
  }
  if (ArrayBuffer.isView(body)) {
    const { buffer, byteOffset, byteLength } = body
    return bounded(body, byteLength, limit, () => new Uint8Array(buffer, byteOffset, byteLength).slice())
  }
  if (body instanceof ArrayBuffer) return bounded(body, body.byteLength, limit, () => body.slice(0))
  if (typeof body !== 'object' || isStream(body)) return refused(body, streamed)
  if (isForm(body)) return bounded(body, sizeOfForm(body), limit, () => copyOfForm(body))
  if (body instanceof Blob) return bounded(body, body.size, limit)
  // What is none of these is undici's to refuse.
  return isIterable(body) ? new Recording(body, limit) : refused(body, streamed)
}

function bounded(body: unknown, size: number, limit: number, copy: () => unknown = () => body): Replay {
  return size > limit ? refused(body, () => tooLarge(limit)) : kept(copy())
}

function kept(body: unknown): Replay {
  return { body: () => body, refusal: () => undefined }
}

function refused(body: unknown, refusal: () => RefreshError): Replay {
  return { body: () => body, refusal }
}

/** Node's, which can be read once only. */
function isStream(body: object): boolean {
  return 'pipe' in body && typeof body.pipe === 'function'
}

function isIterable(body: object): body is AsyncIterable<unknown> | Iterable<unknown> {
  return Symbol.asyncIterator in body || Symbol.iterator in body
}

/** undici's own, or the platform's: they are two classes. */
function isForm(body: unknown): body is FormData {
  return (
    typeof body === 'object' &&
    body !== null &&
    Reflect.get(body, Symbol.toStringTag) === 'FormData' &&
    'append' in body &&
    Symbol.iterator in body
  )
}

function sizeOfForm(form: FormData): number {
  let size = 0
  for (const [name, value] of form) {
    size += Buffer.byteLength(name) + (typeof value === 'string' ? Buffer.byteLength(value) : value.size)
  }
  return size
}

function copyOfForm(form: FormData): unknown {
  const copy: unknown = Reflect.construct(form.constructor, [])
  if (!isForm(copy)) return form
  for (const [name, value] of form) copy.append(name, value)
  return copy
}
