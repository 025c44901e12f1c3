import { RefreshError } from '../../core/errors.ts'
import type { StreamDelta } from '../../llm/response.ts'
import { DeltaReader, type StreamPart } from './deltas.ts'
import { brokenOff, readErrorPart, readFailure } from './failure.ts'
import type { AiSdkPart } from './model.ts'
import { isRecord } from './record.ts'
import type { Report } from './warnings.ts'

/** What a part may be, by the specification. */
type AnyPart = StreamPart | { type: 'error'; error: unknown }

/**
 * The deltas of the stream that `open` opens: nothing is opened before the first is asked for, and one part is read
 * at a time. It ends with the first `done` or `error`; whichever way it ends, the stream underneath is closed.
 *
 * @throws what is neither the vendor's refusal nor a lost connection, and the signal's reason after an abort
 */
export async function* readStream(
  open: () => PromiseLike<{ readonly stream: ReadableStream<AiSdkPart> }>,
  signal: AbortSignal | undefined,
  report: Report,
): AsyncGenerator<StreamDelta, void, undefined> {
  let stream: ReadableStream<AiSdkPart>
  try {
    stream = (await open()).stream
  } catch (error) {
    yield failed(error, signal)
    return
  }
  const reader = stream.getReader()
  const deltas = new DeltaReader(report)
  try {
    for (;;) {
      for (const delta of await nextDeltas(reader, deltas, signal)) {
        yield delta
        if (delta.type === 'done' || delta.type === 'error') return
      }
    }
  } finally {
    // Not waited for: a stream may only be closed when the other half of a tee is, and a broken one says so again.
    reader.cancel().catch(() => {})
  }
}

async function nextDeltas(
  reader: ReadableStreamDefaultReader<AiSdkPart>,
  deltas: DeltaReader,
  signal: AbortSignal | undefined,
): Promise<StreamDelta[]> {
  signal?.throwIfAborted()
  let read: ReadableStreamReadResult<AiSdkPart>
  try {
    read = await reader.read()
  } catch (error) {
    return [failed(error, signal)]
  }
  if (read.done) return [brokenOff()]
  const part = read.value
  if (!isSpecified(part))
    throw new RefreshError('invalid_stream', 'The model streamed a part without a type.')
  if (part.type !== 'error') return deltas.read(part)
  signal?.throwIfAborted()
  const failure = readErrorPart(part.error, Date.now())
  if (failure === undefined) throw part.error
  return [failure]
}

/** Looks no deeper than what is told apart here: the rest is the specification's word. */
function isSpecified(part: AiSdkPart): part is AnyPart {
  return isRecord(part) && typeof part.type === 'string'
}

/** The delta that a thrown error amounts to; one that amounts to none is thrown on. */
function failed(error: unknown, signal: AbortSignal | undefined): StreamDelta {
  signal?.throwIfAborted()
  const failure = readFailure(error, Date.now())
  if (failure === undefined) throw error
  return failure
}
