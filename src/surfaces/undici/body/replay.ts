import type { RefreshError } from '../../../errors.ts'
import {
  copyOf,
  exceeds,
  isAsyncIterable,
  isBlob,
  isForm,
  isIterable,
  streamed,
  tooLarge,
} from '../../shared/body.ts'
import { Recording } from '../../shared/recording.ts'
import type { Replay } from '../types.ts'

/**
 * Keeps the body of a request, because its caller may change the body after the request.
 *
 * @param limit bytes
 * @param isOwned true if no one will change the body, so that it needs no copy
 */
export function keep(body: unknown, limit: number, isOwned: boolean): Replay | undefined {
  if (body === undefined || body === null) return undefined
  const isBytes = typeof body === 'string' || ArrayBuffer.isView(body) || body instanceof ArrayBuffer
  if (isBytes || isBlob(body) || (isForm(body) && isIterable(body))) {
    return exceeds(body, limit)
      ? refused(body, () => tooLarge(limit))
      : new Kept(isOwned ? body : copyOf(body))
  }
  if (typeof body !== 'object') return refused(body, streamed)
  if (isStream(body)) return keepStream(body, limit)
  // undici refuses any other body.
  return isAsyncIterable(body) || isIterable(body) ? new Recording(body, limit) : refused(body, streamed)
}

/** Keeps a Node stream. If the stream has ended, it is kept as bytes, because undici then tells the server its length. */
function keepStream(body: object, limit: number): Replay {
  const property = (name: string): unknown => Reflect.get(body, name)
  const state = property('_readableState')
  const isOpen = property('destroyed') !== true && property('readableEnded') !== true
  if (!isAsyncIterable(body) || !isOpen) return refused(body, streamed)
  const isBytes = property('readableObjectMode') === false && property('readableEncoding') === null
  if (Reflect.get(Object(state), 'ended') !== true || !isBytes) return new StreamRecording(body, limit)
  if (Number(property('readableLength')) > limit) return refused(body, () => tooLarge(limit))
  const read = property('read')
  const bytes: unknown = typeof read === 'function' ? Reflect.apply(read, body, []) : undefined
  return new Kept(bytes ?? new Uint8Array())
}

/**
 * Records a stream. undici itself discards a stream when the response ends or the call fails, even a stream that is waiting for more. A
 * recording hides the stream from undici, so this class discards it.
 */
class StreamRecording extends Recording {
  #isBegun = false

  override next(): ReturnType<Recording['next']> {
    this.#isBegun = true
    return super.next()
  }

  over(error: unknown): void {
    if (this.#isBegun || error !== undefined) void this.return(error)
  }
}

/** A body that needs no recording. A class, because nearly every request makes one. */
class Kept implements Replay {
  readonly #body: unknown

  constructor(body: unknown) {
    this.#body = body
  }

  body(): unknown {
    return this.#body
  }

  refusal(): undefined {
    // Such a body can always be sent again.
  }
}

function refused(body: unknown, refusal: () => RefreshError): Replay {
  return { body: () => body, refusal }
}

function isStream(body: object): boolean {
  return 'pipe' in body && typeof body.pipe === 'function'
}
