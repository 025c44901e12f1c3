import type { RefreshError } from '../../core/errors.ts'
import { streamed, tooLarge } from '../../http/not-replayable.ts'
import type { Replay } from './replay.ts'

type Source = AsyncIterator<unknown> | Iterator<unknown>

/**
 * A body that can be read once, such as those that `fetch` turns every body into. It is recorded while the first attempt sends
 * it. Where that attempt is rejected before it was read to its end, it is read on.
 */
export class Recording implements Replay, AsyncIterableIterator<unknown> {
  readonly #body: AsyncIterable<unknown> | Iterable<unknown>
  readonly #limit: number
  #source: Source | undefined
  /** `released`: there is to be no second attempt. */
  #state: 'reading' | 'whole' | 'large' | 'broken' | 'released' = 'reading'
  readonly #chunks: Uint8Array[] = []
  #size = 0
  #isExhausted = false
  /** The first attempt is over: whoever sends it has left, or is to leave. */
  #isAbandoned = false
  /** What the sender waits for right now. */
  #pulling: Promise<unknown> | undefined
  #isFirst = true

  /** @param limit bytes */
  constructor(body: AsyncIterable<unknown> | Iterable<unknown>, limit: number) {
    this.#body = body
    this.#limit = limit
  }

  body(): unknown {
    if (!this.#isFirst) return Buffer.concat(this.#chunks, this.#size)
    this.#isFirst = false
    return this
  }

  refusal(): RefreshError | undefined {
    if (this.#state === 'whole') return undefined
    return this.#state === 'large' ? tooLarge(this.#limit) : streamed()
  }

  async complete(): Promise<void> {
    this.#isAbandoned = true
    try {
      await this.#pulling
      while (this.#state === 'reading') await this.#pull()
    } catch {
      // then it is broken, and says so
    }
  }

  end(): void {
    this.#state = 'released'
    this.#chunks.length = 0
    if (this.#isAbandoned) void this.#close()
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<unknown>> {
    // What is still sent on the first attempt's connection is read by nobody.
    if (this.#isAbandoned) return Promise.resolve({ done: true, value: undefined })
    const pulling = this.#pull()
    this.#pulling = pulling
    return pulling
  }

  /** The sender leaves early, as it does when its connection is lost. The body may be wanted all the same. */
  async return(): Promise<IteratorResult<unknown>> {
    this.#isAbandoned = true
    if (this.#state === 'released') await this.#close()
    return { done: true, value: undefined }
  }

  async #pull(): Promise<IteratorResult<unknown>> {
    try {
      const result = await this.#open().next()
      this.#isExhausted = result.done === true
      if (this.#isExhausted && this.#state === 'reading') this.#state = 'whole'
      if (result.done === true) return result
      const value = await result.value // of one that is not asynchronous
      this.#record(value)
      return { done: false, value }
    } catch (error) {
      if (this.#state === 'reading') this.#state = 'broken'
      this.#isExhausted = true
      throw error
    }
  }

  #open(): Source {
    const body = this.#body
    this.#source ??= Symbol.asyncIterator in body ? body[Symbol.asyncIterator]() : body[Symbol.iterator]()
    return this.#source
  }

  /** The caller may use its chunks again: they are copied. */
  #record(chunk: unknown): void {
    if (this.#state !== 'reading') return
    const bytes =
      typeof chunk === 'string'
        ? Buffer.from(chunk)
        : ArrayBuffer.isView(chunk)
          ? new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength).slice()
          : undefined
    if (bytes === undefined) this.#state = 'broken'
    else if (this.#size + bytes.length > this.#limit) this.#state = 'large'
    else {
      this.#size += bytes.length
      this.#chunks.push(bytes)
    }
    if (this.#state !== 'reading') this.#chunks.length = 0
  }

  async #close(): Promise<void> {
    if (this.#isExhausted) return
    this.#isExhausted = true
    try {
      await this.#source?.return?.()
    } catch {
      // nobody is there to hear of it
    }
  }
}
