import { RefreshError } from '../../errors.ts'

/** Which bodies can be sent twice, on any platform, and why the others cannot: some platforms lack the classes, or parts of them. */

/** @returns how many bytes it has, at least; undefined where that cannot be told */
function sizeOf(body: unknown): number | undefined {
  if (typeof body === 'string') return sizeOfText(body)
  if (body instanceof ArrayBuffer || ArrayBuffer.isView(body)) return body.byteLength
  if (isBlob(body)) return body.size
  if (isForm(body)) {
    if (!isIterable(body)) return undefined
    let size = 0
    for (const [name, value] of body) size += sizeOfText(name) + (sizeOf(value) ?? 0)
    return size
  }
  return undefined
}

/**
 * A copy of what its owner may change later; else the body itself. React Native's forms cannot be copied.
 */
export function copyOf(body: unknown): unknown {
  if (ArrayBuffer.isView(body)) return new Uint8Array(body.buffer, body.byteOffset, body.byteLength).slice()
  if (body instanceof ArrayBuffer) return body.slice(0)
  if (typeof URLSearchParams === 'function' && body instanceof URLSearchParams)
    return new URLSearchParams(body)
  return isForm(body) && isIterable(body) ? copyOfForm(body) : body
}

/** Is the body larger than that? */
export function exceeds(body: unknown, limit: number): boolean {
  // Counting bytes takes longer than looking at the length.
  if (typeof body === 'string' && body.length * 3 <= limit) return false
  return (sizeOf(body) ?? 0) > limit
}

/** The platform's, or another's of the same name. */
export function isForm(body: unknown): body is FormData {
  if (typeof body !== 'object' || body === null) return false
  if (typeof FormData === 'function' && body instanceof FormData) return true
  return Reflect.get(body, Symbol.toStringTag) === 'FormData' && 'append' in body
}

export function isBlob(body: unknown): body is Blob {
  return typeof Blob === 'function' && body instanceof Blob
}

/** What somebody put on the prototype of every object does not count. */
export function isIterable(body: object): body is Iterable<unknown> {
  const found: unknown = Reflect.get(body, Symbol.iterator)
  return typeof found === 'function' && found !== Reflect.get(Object.prototype, Symbol.iterator)
}

export function isAsyncIterable(body: object): body is AsyncIterable<unknown> {
  const found: unknown = Reflect.get(body, Symbol.asyncIterator)
  return typeof found === 'function' && found !== Reflect.get(Object.prototype, Symbol.asyncIterator)
}

/** Why a rejected request is not sent again: its body is a stream. */
export function streamed(): RefreshError {
  return new RefreshError(
    'body_not_replayable',
    'The rejected request was not repeated, for its body is a stream: give it as bytes or text.',
  )
}

/**
 * Why a rejected request is not sent again: its body is too large to keep.
 *
 * @param limit bytes
 */
export function tooLarge(limit: number): RefreshError {
  return new RefreshError(
    'body_not_replayable',
    `The rejected request was not repeated, for its body is over the replayLimit of ${limit} bytes.`,
  )
}

function copyOfForm(form: FormData): unknown {
  // undici has a class of its own.
  const copy: unknown = Reflect.construct(form.constructor, [])
  if (!isForm(copy)) return form
  for (const [name, value] of form) copy.append(name, value)
  return copy
}

/** Bytes of its UTF-8. */
function sizeOfText(text: string): number {
  return new TextEncoder().encode(text).length
}

export function joined(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(pieces.reduce((size, piece) => size + piece.byteLength, 0))
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.byteLength
  }
  return whole
}
