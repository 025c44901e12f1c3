import { RefreshError } from '../../../../errors.ts'
import { abortable, type Followed, following, throwIfAborted } from '../../../../lib/abortable.ts'
import type { StreamDelta } from '../../../../llm/response.ts'
import type { AiSdkPart, AiSdkStreamResult } from '../../model.ts'
import { isRecord } from '../../record.ts'
import type { DeltaReader, StreamPart } from './deltas.ts'
import { brokenOff, readErrorPart, readFailure } from './failure.ts'
import { assertTexts, specified } from './specified.ts'

/** Any part that the specification allows. */
type AnyPart = StreamPart | { type: 'error'; error: unknown }

/** Opens the model's stream. An abort of the signal must end the stream. */
type Open = (signal: AbortSignal) => PromiseLike<AiSdkStreamResult>

/** An open stream, and the deltas that describe its response. */
interface Opened {
  readonly reader: ReadableStreamDefaultReader<AiSdkPart>
  readonly about: StreamDelta[]
}

type Result = IteratorResult<StreamDelta, undefined>

const END: IteratorReturnResult<undefined> = { done: true, value: undefined }

/**
 * The deltas of the stream that `open` opens. It opens the stream when the consumer asks for the first delta, and reads one part at a time.
 * It ends with the first `done` or `error`, and always closes the model's stream.
 *
 * @throws any error except the vendor's refusal and a lost connection, which become deltas; the signal's reason after an abort
 */
export function readStream(
  open: Open,
  signal: AbortSignal | undefined,
  deltas: DeltaReader,
): AsyncIterableIterator<StreamDelta> {
  return new DeltaStream(open, signal, deltas)
}

// Not a generator: its `return()` would wait for a pending `next()`, and so for a stream that stalls.
class DeltaStream implements AsyncIterableIterator<StreamDelta> {
  readonly #open: Open
  readonly #deltas: DeltaReader
  readonly #left = new AbortController()
  /** Aborts when the caller's signal aborts, and when the consumer leaves. */
  readonly #signal: AbortSignal
  readonly #followed: Followed
  #reader: ReadableStreamDefaultReader<AiSdkPart> | undefined
  /** Deltas of the last part that the consumer has not got yet. */
  #pending: StreamDelta[] = []
  /** Settles after the last call of `next()`. The following call waits for it. */
  #turn: Promise<unknown> = Promise.resolve()
  #over = false

  constructor(open: Open, signal: AbortSignal | undefined, deltas: DeltaReader) {
    this.#open = open
    this.#deltas = deltas
    this.#followed = following(signal, this.#left)
    this.#signal = this.#followed.signal
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<Result> {
    const result = this.#turn.then(() => this.#next())
    this.#turn = result.catch(() => {})
    return result
  }

  return(): Promise<Result> {
    const open = !this.#over
    this.#close()
    if (open) this.#left.abort()
    return Promise.resolve(END)
  }

  async #next(): Promise<Result> {
    try {
      while (!this.#over) {
        const delta = this.#pending.shift()
        if (delta === undefined) {
          this.#pending = await this.#read()
          continue
        }
        if (delta.type === 'done' || delta.type === 'error') this.#close()
        return { done: false, value: delta }
      }
      return END
    } catch (error) {
      const left = this.#over
      this.#close()
      if (left) return END
      throw error
    }
  }

  /** The deltas of the next part; often none. */
  async #read(): Promise<StreamDelta[]> {
    throwIfAborted(this.#signal)
    let read: ReadableStreamReadResult<AiSdkPart>
    try {
      if (this.#reader === undefined) {
        const { reader, about } = await this.#opened()
        this.#reader = reader
        if (about.length > 0) return about
      }
      throwIfAborted(this.#signal)
      read = await abortable(this.#reader.read(), this.#signal)
    } catch (error) {
      return [this.#failed(error)]
    }
    if (read.done) return [brokenOff()]
    const part = read.value
    if (!isPart(part))
      throw new RefreshError(
        'invalid_stream',
        'The model streamed a part without a type: upgrade its provider package.',
      )
    if (part.type !== 'error') {
      return specified('invalid_stream', () => {
        assertTexts(part)
        return this.#deltas.read(part)
      })
    }
    throwIfAborted(this.#signal)
    const failure = readErrorPart(part.error, Date.now())
    if (failure === undefined) throw part.error
    return [failure]
  }

  async #opened(): Promise<Opened> {
    const opening = Promise.resolve(this.#open(this.#signal)).then((opened) =>
      specified('invalid_provider', () => ({
        reader: opened.stream.getReader(),
        about: this.#deltas.opened(opened),
      })),
    )
    // If the stream opens after the abort, no consumer is left, so close it.
    opening.then(({ reader }) => this.#signal.aborted && cancel(reader)).catch(() => {})
    return abortable(opening, this.#signal)
  }

  #close(): void {
    this.#over = true
    this.#followed.release()
    if (this.#reader !== undefined) cancel(this.#reader)
  }

  /** The delta for a thrown error. Throws the error again if there is no such delta. */
  #failed(error: unknown): StreamDelta {
    throwIfAborted(this.#signal)
    const failure = readFailure(error, Date.now())
    if (failure === undefined) throw error
    return failure
  }
}

// Do not wait: one half of a tee closes only when the other half does. Ignore errors: a broken stream repeats the one it had.
function cancel(reader: ReadableStreamDefaultReader<AiSdkPart>): void {
  reader.cancel().catch(() => {})
}

/** Checks only the fields that this file reads. */
function isPart(part: AiSdkPart): part is AnyPart {
  return isRecord(part) && typeof part.type === 'string'
}
