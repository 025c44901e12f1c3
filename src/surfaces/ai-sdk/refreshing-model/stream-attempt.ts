import { abortable } from '../../../lib/abortable.ts'
import { startTimer } from '../../../lib/clock.ts'
import { LONGEST_READ } from '../../shared/limits.ts'
import { isRecord } from '../record.ts'

/** How many more parts we read after a rejection. Usually one follows, which ends the stream. */
const MOST_AFTER = 64

/** An item of an attempt. The first one only tells that the attempt is open. Each later one has a part. */
export type Item = { readonly attempt: StreamAttempt; readonly part?: unknown }

/** The controller of the caller's stream, which gets the parts of a committed attempt. */
type Sink = Pick<ReadableStreamDefaultController<unknown>, 'enqueue' | 'close' | 'error'>

/** One attempt at a stream. It opens when its consumer asks for the first item, and reads one part at a time. */
export class StreamAttempt implements AsyncIterableIterator<Item, undefined> {
  /** The model's result; undefined until the attempt is open. */
  result: unknown
  /** True for a second attempt, which is never repeated. */
  readonly isLast: boolean
  /** True if the attempt stays open during the refresh, because no second attempt can replace it. */
  stays: boolean = false
  /** Changes each part after the commit, before the caller gets it. Set only if a retry renamed a block. */
  mend: ((part: unknown) => unknown) | undefined
  readonly #open: () => Promise<unknown>
  readonly #isInside: () => boolean
  #isOpen = false
  #reader: ReadableStreamDefaultReader<unknown> | undefined
  /** The parts that followed a rejection. The caller gets them if there is no retry. */
  readonly #held: unknown[] = []
  #ending: { readonly error?: unknown } | undefined
  #sink: Sink | undefined

  /**
   * @param isInside true if the caller already has its stream. An attempt that then fails to open becomes an `error` part, because models
   * report errors so
   */
  constructor(open: () => Promise<unknown>, isLast: boolean, isInside: () => boolean) {
    this.#open = open
    this.isLast = isLast
    this.#isInside = isInside
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  /** True if the model returned a stream. */
  get streams(): boolean {
    return this.#reader !== undefined
  }

  async next(): Promise<IteratorResult<Item, undefined>> {
    if (!this.#isOpen) {
      this.#isOpen = true
      try {
        this.result = await this.#open()
      } catch (error) {
        if (!this.#isInside()) throw error
        this.#ending = {}
        return { done: false, value: { attempt: this, part: { type: 'error', error } } }
      }
      if (isRecord(this.result) && isStream(this.result['stream'])) {
        this.#reader = this.result['stream'].getReader()
        // The caller left while the model was opening the stream.
        if (this.#ending !== undefined) this.#discard(undefined)
      }
      return { done: false, value: { attempt: this } }
    }
    if (this.#ending !== undefined || this.#reader === undefined) return { done: true, value: undefined }
    try {
      const { done, value } = await this.#reader.read()
      if (!done) return { done: false, value: { attempt: this, part: value } }
      this.#ending = {}
      return { done: true, value: undefined }
    } catch (error) {
      this.#ending = { error }
      throw error
    }
  }

  async return(): Promise<IteratorResult<Item, undefined>> {
    if (this.#ending === undefined && !this.stays) {
      this.#ending = {}
      this.#discard('It begins with a rejection.')
    }
    return { done: true, value: undefined }
  }

  /**
   * Passes the next part to the caller's stream, after the commit. It returns no promise, because the stream would wait for that promise,
   * too.
   */
  pull(sink: Sink): void {
    this.#sink = sink
    if (this.#held.length > 0) sink.enqueue(this.#held.shift())
    else if (this.#ending === undefined) void this.#reader?.read().then(this.#take, this.#break)
    else if ('error' in this.#ending) sink.error(this.#ending.error)
    else sink.close()
  }

  /** Cancels the stream when the caller leaves. A stream that has ended needs no cancel. */
  cancel(reason: unknown): Promise<void> | undefined {
    const isOver = this.#ending !== undefined
    this.#ending = {}
    return isOver ? undefined : this.#reader?.cancel(reason)
  }

  /**
   * Reads the parts that follow a rejection, within limits of number and time, so that the refresh holds no connection. The caller gets
   * these parts if there is no retry.
   *
   * @throws the signal's reason if the caller aborts, which also cancels the stream
   */
  async drain(signal: AbortSignal | undefined): Promise<void> {
    try {
      await abortable(this.#drained(), signal)
    } catch (reason) {
      this.cancel(reason)?.catch(() => undefined)
      throw reason
    }
  }

  async #drained(): Promise<void> {
    const leave = (): void => this.#discard('It begins with a rejection.')
    const stop = startTimer({ now: Date.now }, LONGEST_READ, leave)
    try {
      for (let n = 0; this.#ending === undefined && this.#reader !== undefined; n++) {
        if (n === MOST_AFTER) leave()
        const { done, value } = await this.#reader.read()
        if (done) this.#ending ??= {}
        else this.#held.push(value)
      }
    } catch (error) {
      this.#ending ??= { error }
    }
    stop()
  }

  /** Cancels without waiting: one half of a tee closes only when the other half does. */
  #discard(reason: unknown): void {
    this.#reader?.cancel(reason).catch(() => undefined)
  }

  readonly #take = ({ done, value }: ReadableStreamReadResult<unknown>): void => {
    if (this.#ending !== undefined) return
    if (done) {
      // Set the ending first: another read may be waiting for the same end.
      this.#ending = {}
      this.#sink?.close()
    } else this.#sink?.enqueue(this.mend === undefined ? value : this.mend(value))
  }

  readonly #break = (error: unknown): void => this.#sink?.error(error)
}

/** True if the value is a stream of the platform, or of a polyfill. */
export function isStream(value: unknown): value is ReadableStream<unknown> {
  return typeof value === 'object' && value !== null && 'getReader' in value
}
