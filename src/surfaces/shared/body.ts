import { RefreshError } from '../../errors.ts'

/**
 * Decides which bodies can be sent twice, and why the others cannot. It checks for each class, because some platforms lack classes or parts
 * of them.
 */

/** The size of the body in bytes, or less. */
function sizeOf(body: unknown): number {
  if (typeof body === 'string') return new TextEncoder().encode(body).length
  if (body instanceof ArrayBuffer || ArrayBuffer.isView(body)) return body.byteLength
  if (isBlob(body)) return body.size
  let size = 0
  if (isForm(body) && isIterable(body)) for (const [name, value] of body) size += sizeOf(name) + sizeOf(value)
  return size
}

/**
 * A copy of a body that its owner may change later. Any other body, and a form of React Native, which cannot be copied, is returned as it is.
 */
export function copyOf(body: unknown): unknown {
  if (ArrayBuffer.isView(body)) return new Uint8Array(body.buffer, body.byteOffset, body.byteLength).slice()
  if (body instanceof ArrayBuffer) return body.slice(0)
  if (typeof URLSearchParams === 'function' && body instanceof URLSearchParams)
    return new URLSearchParams(body)
  return isForm(body) && isIterable(body) ? copyOfForm(body) : body
}

/** True if the body is larger than the limit. */
export function exceeds(body: unknown, limit: number): boolean {
  // Avoid counting bytes if the text is short: each UTF-16 unit takes at most 3 bytes.
  if (typeof body === 'string' && body.length * 3 <= limit) return false
  return sizeOf(body) > limit
}

/** True for a form of the platform, or of another class with the same name. */
export function isForm(body: unknown): body is FormData {
  if (typeof body !== 'object' || body === null) return false
  if (typeof FormData === 'function' && body instanceof FormData) return true
  return Reflect.get(body, Symbol.toStringTag) === 'FormData' && 'append' in body
}

export function isBlob(body: unknown): body is Blob {
  return typeof Blob === 'function' && body instanceof Blob
}

/** True for an object that has an iterator, itself or from its class. An iterator on `Object.prototype` does not count. */
export function isIterable<T = unknown>(body: object): body is Iterable<T> {
  return hasOwnWay(body, Symbol.iterator)
}

export function isAsyncIterable(body: object): body is AsyncIterable<unknown> {
  return hasOwnWay(body, Symbol.asyncIterator)
}

function hasOwnWay(body: object, way: symbol): boolean {
  const found: unknown = Reflect.get(body, way)
  return typeof found === 'function' && found !== Reflect.get(Object.prototype, way)
}

/** The error for a rejected request that we do not send again, because its body is a stream. */
export function streamed(): RefreshError {
  return new RefreshError(
    'body_not_replayable',
    'The rejected request was not repeated, for its body is a stream: give it as bytes or text.',
  )
}

/**
 * The error for a rejected request that we do not send again, because its body is too large to keep.
 *
 * @param limit bytes
 */
export function tooLarge(limit: number): RefreshError {
  return new RefreshError(
    'body_not_replayable',
    `The rejected request was not repeated, for its body is over the replayLimit of ${limit} bytes: raise it.`,
  )
}

function copyOfForm(form: FormData): unknown {
  // Use the form's own constructor: undici has another class.
  const copy: unknown = Reflect.construct(form.constructor, [])
  if (!isForm(copy)) return form
  for (const [name, value] of form) copy.append(name, value)
  return copy
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
