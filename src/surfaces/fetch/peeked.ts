import { startTimer } from '../../core/clock.ts'

/** An answer whose body was read up to some point. It can be handed on as if it had not been, or let go of. */
export class Peeked {
  readonly #response: Response
  readonly #chunks: Uint8Array[] = []
  /** What is left; undefined where everything was read. */
  #rest: ReadableStreamDefaultReader<Uint8Array> | undefined
  /** What was asked for, and has not come in time. */
  #coming: Promise<ReadableStreamReadResult<Uint8Array>> | undefined
  #failure: { readonly error: unknown } | undefined
  #isTruncated = false

  private constructor(response: Response) {
    this.#response = response
    // An answer of another make may have a body that is no web stream.
    this.#rest = response.body?.getReader?.()
  }

  /**
   * Reads until that is enough, or to the end. A body that breaks does so again for whom it is handed on to.
   *
   * @param longest ms: then, what has come is enough
   */
  static async read(
    response: Response,
    enough: (chunk: Uint8Array) => boolean,
    longest: number = Infinity,
  ): Promise<Peeked> {
    const peeked = new Peeked(response)
    const { late, stop } = lateAfter(longest)
    try {
      while (peeked.#rest !== undefined) {
        const read = await Promise.race([peeked.#next(), late])
        if (read === 'late') break
        peeked.#coming = undefined
        if (read.value === undefined) peeked.#rest = undefined
        else peeked.#chunks.push(read.value)
        if (read.value !== undefined && enough(read.value)) break
      }
    } catch (error) {
      peeked.#rest = undefined
      peeked.#failure = { error }
    }
    stop()
    return peeked
  }

  /** The beginning of the body, as text. */
  text(): string {
    const decoder = new TextDecoder()
    return this.#chunks.map((chunk) => decoder.decode(chunk, { stream: true })).join('') + decoder.decode()
  }

  /** Lets go of what was not read: what is handed on ends there. */
  truncate(): void {
    if (this.#rest === undefined) return
    void this.#rest.cancel().catch(() => undefined)
    this.#rest = undefined
    this.#isTruncated = true
  }

  /** The answer, with the bytes that were read already and then the rest, in order. */
  restored(): Response {
    const { body, status, statusText, headers, url, redirected, type } = this.#response
    if (typeof body?.getReader !== 'function') return this.#response
    const copy = new Response(this.#stream(), { status, statusText, headers })
    if (this.#isTruncated) copy.headers.delete('content-length')
    // A constructed answer has none of these, and clients show them.
    for (const [name, value] of Object.entries({ url, redirected, type })) {
      Object.defineProperty(copy, name, { value, configurable: true })
    }
    return copy
  }

  #next(): Promise<ReadableStreamReadResult<Uint8Array>> {
    this.#coming ??= this.#rest?.read() ?? Promise.resolve({ done: true, value: undefined })
    return this.#coming
  }

  #stream(): ReadableStream<Uint8Array> {
    const chunks = this.#chunks.values()
    return new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          const next = chunks.next()
          if (next.done !== true) return controller.enqueue(next.value)
          if (this.#failure) return controller.error(this.#failure.error)
          const { value } = await this.#next()
          this.#coming = undefined
          if (value === undefined) controller.close()
          else controller.enqueue(value)
        },
        cancel: (reason) => this.#rest?.cancel(reason),
      },
      { highWaterMark: 0 },
    )
  }
}

/** @param ms Infinity: never */
function lateAfter(ms: number): { late: Promise<'late'>; stop: () => void } {
  let stop: () => void = () => undefined
  const late = new Promise<'late'>((resolve) => {
    if (ms !== Infinity) stop = startTimer({ now: Date.now }, ms, () => resolve('late'))
  })
  return { late, stop }
}
