import { RefreshError } from '../../../errors.ts'
import { isRecord } from '../record.ts'
import { isStream } from './stream-attempt.ts'

/**
 * Returns a function that tells why the call cannot be made again; it runs when a second attempt is due. Returns undefined if the input has
 * no stream. A stream can be read only once, so the call is repeatable only while no one has locked it or read from it.
 */
export function repeatability(input: Record<string, unknown>): (() => RefreshError | undefined) | undefined {
  const streams = oneShots(input)
  if (streams.length === 0) return undefined
  return () => (streams.every(isUntouched) ? undefined : usedUp())
}

/** The inputs that can be read only once, in the call's options or one level below: `audio`, `data.stream`. */
function oneShots(input: Record<string, unknown>): object[] {
  return Object.values(input)
    .flatMap((value) => (isRecord(value) && !isOneShot(value) ? Object.values(value) : [value]))
    .filter(isOneShot)
}

/** A web stream, a Node stream, or any other asynchronous iterable. */
function isOneShot(value: unknown): value is object {
  return isStream(value) || (typeof value === 'object' && value !== null && Symbol.asyncIterator in value)
}

function isUntouched(stream: object): boolean {
  // A Node stream tells whether anyone has read from it.
  if ('readableDidRead' in stream) {
    const { readableDidRead, destroyed }: { readableDidRead: unknown; destroyed?: unknown } = stream
    return readableDidRead === false && destroyed !== true
  }
  // We cannot know whether any other iterable was read.
  if (typeof ReadableStream === 'undefined' || !(stream instanceof ReadableStream)) return false
  if (stream.locked) return false
  try {
    // `new Response()` throws for a stream that was read from. It does not read from any other (Fetch standard, "extract a body").
    return new Response(stream).body !== null
  } catch {
    return false
  }
}

function usedUp(): RefreshError {
  return new RefreshError(
    'body_not_replayable',
    'The call takes a stream as its input, which the model has begun to read: make the call again with a new stream.',
  )
}
