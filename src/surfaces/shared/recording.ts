import type { RefreshError } from '../../errors.ts'
import { isAsyncIterable, joined, streamed, tooLarge } from './body.ts'
import { releaseBody } from './release-body.ts'

type Body = AsyncIterable<unknown> | Iterable<unknown>
type Source = AsyncIterator<unknown> | Iterator<unknown>
type Result = IteratorResult<unknown>

/**
 * A body that can be read once, such as Node's streams, and those into which `fetch` turns every body. It is recorded while the first
 * attempt sends it. If that attempt is rejected before the body was read to its end, reading goes on. If the body is still arriving when
 * the second attempt is made, that attempt sends the recorded part, and the rest as it arrives.
 */
export class Recording implements AsyncIterableIterator<unknown> {
  readonly #body: Body
  readonly #limit: number
  #source: Source | undefined
  /** `live`: the second attempt sends the rest. `released`: there is to be no second attempt. */
  #state: 'reading' | 'whole' | 'large' | 'broken' | 'live' | 'released' = 'reading'
  readonly #chunks: Uint8Array[] = []
  #size = 0
  #isExhausted = false
  /** The first attempt is over: its sender has left, or is to leave. */
  #isAbandoned = false
  /** Why its sender has left. A discarded body receives this reason. */
  #reason: unknown
  /** The read that runs now. */
  #pending: Promise<Result> | undefined
  #isFirst = true

  /** @param limit bytes */
  constructor(body: Body, limit: number) {
    this.#body = body
    this.#limit = limit
    // A stream of Node's that breaks without an error listener would end the process.
    call(body, 'on', 'error', ignore)
  }

  /**
   * For the first attempt the body as it is recorded; for the second one all of it as bytes, or the recorded part and the rest as it
   * arrives.
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

  /** The first attempt was rejected: its sender gets no more. */
  abandon(): void {
    this.#isAbandoned = true
  }

  /** Reads on, too. */
  async complete(): Promise<void> {
    this.abandon()
    try {
      while (this.#state === 'reading') await this.#advance()
    } catch {
      // then it is broken, and says so
    }
  }

  /** Reads a copy of what somebody else sends. One that is too large is let go of: what the sender reads would pile up in it. */
  async completeCopy(): Promise<void> {
    await this.complete()
    if (this.#state === 'large') await this.#close()
  }

  end(): void {
    // The second attempt ends it.
    if (this.#state === 'live') return
    this.#state = 'released'
    this.#chunks.length = 0
    if (this.#isAbandoned) void this.#close()
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<Result> {
    // No one reads what is still sent on the first attempt's connection.
    return this.#isAbandoned ? Promise.resolve({ done: true, value: undefined }) : this.#advance()
  }

  /** The sender leaves early, as it does when its connection is lost. The body may be wanted all the same. */
  async return(reason?: unknown): Promise<Result> {
    this.#isAbandoned = true
    this.#reason ??= reason
    if (this.#state === 'released') await this.#close()
    return { done: true, value: undefined }
  }

  /** A stream of Node's that was made of this is destroyed with an error. */
  throw(error: unknown): Promise<Result> {
    return this.return(error)
  }

  /** The recorded part, and the rest as it arrives. */
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

  /** Reads on, and records what it reads, unless it belongs to the second attempt by then. */
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

  /** Reads one piece at a time. */
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
    // A stream of Node's is not destroyed with its iterator: an incoming request has its response on the same socket.
    this.#source ??= isAsyncIterable(body)
      ? (keepingIterator(body) ?? body[Symbol.asyncIterator]())
      : body[Symbol.iterator]()
    return this.#source
  }

  /** The caller may use its chunks again: they are copied. */
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

/** Node's streams have it. */
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
