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
 * Copies the body of a request, because its caller may change it once the request is made.
 *
 * @param limit bytes
 * @param isOwned no one changes it
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

/** Node's. One that has ended has its length told to the server, and is kept as bytes. */
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
 * Records a stream. Without a recording, undici discards it once the response is over or the call has failed, even while it waits for more.
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

/** A class: nearly every request makes one. */
class Kept implements Replay {
  readonly #body: unknown

  constructor(body: unknown) {
    this.#body = body
  }

  body(): unknown {
    return this.#body
  }

  refusal(): undefined {
    // It can be sent as often as it takes.
  }
}

function refused(body: unknown, refusal: () => RefreshError): Replay {
  return { body: () => body, refusal }
}

function isStream(body: object): boolean {
  return 'pipe' in body && typeof body.pipe === 'function'
}
