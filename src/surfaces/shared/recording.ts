import type { RefreshError } from '../../errors.ts'
import { isAsyncIterable, joined, streamed, tooLarge } from './body.ts'
import { releaseBody } from './release-body.ts'

type Body = AsyncIterable<unknown> | Iterable<unknown>
type Source = AsyncIterator<unknown> | Iterator<unknown>
type Result = IteratorResult<unknown>

/**
 * Records a body that can be read only once, such as a Node stream, while the first attempt sends it. `fetch` turns every body into such a
 * stream. If the server rejects the first attempt early, the recording reads on. If the body is still arriving when the second attempt
 * begins, that attempt sends the recorded part, and then the rest as it arrives.
 */
export class Recording implements AsyncIterableIterator<unknown> {
  readonly #body: Body
  readonly #limit: number
  #source: Source | undefined
  /** `live`: the second attempt sends the rest. `released`: there will be no second attempt. */
  #state: 'reading' | 'whole' | 'large' | 'broken' | 'live' | 'released' = 'reading'
  readonly #chunks: Uint8Array[] = []
  #size = 0
  #isExhausted = false
  /** True if the first attempt is over: its sender has left, or will leave. */
  #isAbandoned = false
  /** Why the sender has left. If we discard the body, the body receives this reason. */
  #reason: unknown
  /** The read that is pending now. */
  #pending: Promise<Result> | undefined
  #isFirst = true

  /** @param limit bytes */
  constructor(body: Body, limit: number) {
    this.#body = body
    this.#limit = limit
    // Listen for errors: a Node stream that breaks without a listener would end the process.
    call(body, 'on', 'error', ignore)
  }

  /**
   * The body for the next attempt. The first attempt gets this recording. The second gets all bytes, or, if the body is still arriving, the
   * recorded part and then the rest.
   */
  body(): Uint8Array<ArrayBuffer> | AsyncIterableIterator<unknown> {
    if (!this.#isFirst && this.#state !== 'reading') return joined(this.#chunks)
    if (!this.#isFirst) return this.#live()
    this.#isFirst = false
    return this
  }

  refusal(): RefreshError | undefined {
    if (this.#state === 'whole' || this.#state === 'reading') return undefined
    return this.#state === 'large' ? tooLarge(this.#limit) : streamed()
  }

  isArriving(): boolean {
    return this.#state === 'reading'
  }

  /** Ends the first attempt, which was rejected: its sender gets no more. */
  abandon(): void {
    this.#isAbandoned = true
  }

  /** Ends the first attempt, and reads the rest of the body. */
  async complete(): Promise<void> {
    this.abandon()
    try {
      while (this.#state === 'reading') await this.#advance()
    } catch {
      // The state is `broken` now, and refusal() tells so.
    }
  }

  /**
   * Reads a clone of a body that another reader sends. Discards a clone that is too large: its stream would buffer everything that the
   * other reader reads.
   */
  async completeCopy(): Promise<void> {
    await this.complete()
    if (this.#state === 'large') await this.#close()
  }

  end(): void {
    // The second attempt is reading the body, and ends it.
    if (this.#state === 'live') return
    this.#state = 'released'
    this.#chunks.length = 0
    if (this.#isAbandoned) void this.#close()
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<Result> {
    // Give the first attempt no more: the server has rejected it, and does not read the rest.
    return this.#isAbandoned ? Promise.resolve({ done: true, value: undefined }) : this.#advance()
  }

  /** Called when the sender leaves early, for instance because its connection is lost. A second attempt may still need the body. */
  async return(reason?: unknown): Promise<Result> {
    this.#isAbandoned = true
    this.#reason ??= reason
    if (this.#state === 'released') await this.#close()
    return { done: true, value: undefined }
  }

  /** Called when a Node stream that reads this recording is destroyed with an error. */
  throw(error: unknown): Promise<Result> {
    return this.return(error)
  }

  /** The recorded part, and then the rest as it arrives. */
  #live(): AsyncIterableIterator<unknown> {
    this.#state = 'live'
    const left = this.#chunks.splice(0)
    const iterator: AsyncIterableIterator<unknown> = {
      next: async () => {
        const value = left.shift()
        if (value !== undefined) return { done: false, value }
        const result = await this.#pull()
        this.#pending = undefined
        return result
      },
      return: async () => {
        await this.#close()
        return { done: true, value: undefined }
      },
      [Symbol.asyncIterator]: () => iterator,
    }
    return iterator
  }

  /** Reads one piece and records it, unless the second attempt has taken over meanwhile. */
  async #advance(): Promise<Result> {
    const pending = this.#pull()
    const result = await pending
    if (this.#pending === pending && this.#state !== 'live') {
      this.#pending = undefined
      if (result.done !== true) this.#record(result.value)
      else if (this.#state === 'reading') this.#state = 'whole'
    }
    return result
  }

  /** Reads one piece. Callers that ask meanwhile get the same piece. */
  #pull(): Promise<Result> {
    this.#pending ??= this.#read()
    return this.#pending
  }

  async #read(): Promise<Result> {
    try {
      const result = await this.#open().next()
      this.#isExhausted = result.done === true
      if (result.done === true) return result
      return { done: false, value: await result.value } // of one that is not asynchronous
    } catch (error) {
      if (this.#state === 'reading') this.#state = 'broken'
      this.#isExhausted = true
      throw error
    }
  }

  #open(): Source {
    const body = this.#body
    // Use an iterator that does not destroy its Node stream: an incoming request shares its socket with the response.
    this.#source ??= isAsyncIterable(body)
      ? (keepingIterator(body) ?? body[Symbol.asyncIterator]())
      : body[Symbol.iterator]()
    return this.#source
  }

  /** Records a copy, because the caller may reuse its chunks. */
  #record(chunk: unknown): void {
    if (this.#state !== 'reading') return
    const bytes =
      typeof chunk === 'string'
        ? new TextEncoder().encode(chunk)
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
      if ('pipe' in this.#body) releaseBody(this.#body, this.#reason, true)
      await this.#source?.return?.(this.#reason)
    } catch {
      // no one is left to receive the error
    }
  }
}

/** An iterator that does not destroy its Node stream. undefined for any other body. */
function keepingIterator(body: object): AsyncIterator<unknown> | undefined {
  const iterator = call(body, 'iterator', { destroyOnReturn: false })
  return typeof iterator === 'object' && iterator !== null && isIterator(iterator) ? iterator : undefined
}

function isIterator(candidate: object): candidate is AsyncIterator<unknown> {
  return 'next' in candidate && typeof candidate.next === 'function'
}

function call(body: object, name: string, ...given: unknown[]): unknown {
  const method: unknown = 'pipe' in body ? Reflect.get(body, name) : undefined
  return typeof method === 'function' ? Reflect.apply(method, body, given) : undefined
}

function ignore(): void {
  // the body's reader receives the error
}
