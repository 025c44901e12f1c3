import { RefreshError } from '../../../errors.ts'
import { isRecord } from '../record.ts'
import { isStream } from './stream-attempt.ts'

/**
 * Why a call cannot be made again, asked once a second attempt is due; undefined where it can. A stream among its input can be read
 * once only, so it has to be untouched: neither locked nor read.
 */
export function repeatability(input: Record<string, unknown>): (() => RefreshError | undefined) | undefined {
  const streams = oneShots(input)
  if (streams.length === 0) return undefined
  return () => (streams.every(isUntouched) ? undefined : usedUp())
}

/** The inputs that can be read only once, among the options of a call and one level below: `audio`, `data.stream`. */
function oneShots(input: Record<string, unknown>): object[] {
  return Object.values(input)
    .flatMap((value) => (isRecord(value) && !isOneShot(value) ? Object.values(value) : [value]))
    .filter(isOneShot)
}

/** A stream of the platform's, a stream of Node's, or any other asynchronous iterable. */
function isOneShot(value: unknown): value is object {
  return isStream(value) || (typeof value === 'object' && value !== null && Symbol.asyncIterator in value)
}

function isUntouched(stream: object): boolean {
  // Node's streams tell whether they were read.
  if ('readableDidRead' in stream) {
    const { readableDidRead, destroyed }: { readableDidRead: unknown; destroyed?: unknown } = stream
    return readableDidRead === false && destroyed !== true
  }
  // We cannot know whether any other iterable was read.
  if (typeof ReadableStream === 'undefined' || !(stream instanceof ReadableStream)) return false
  if (stream.locked) return false
  try {
    // A platform refuses to make a body of a stream that was read from, and reads nothing of another (Fetch standard, "extract a body").
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
