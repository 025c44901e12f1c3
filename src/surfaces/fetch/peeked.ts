import { abortable } from '../../core/abortable.ts'
import { startTimer } from '../../core/clock.ts'
import { LONGEST_READ, MOST_READ } from '../../http/judge.ts'
import { letGo } from '../../http/let-go.ts'
import { type BodyCopy, webCopy } from './body-copy.ts'
import { isNodeBody, NodeBodyCopy } from './node-body.ts'

/** An answer, and what was read of a copy of its body. */
export class Peeked {
  readonly #response: Response
  readonly #signal: AbortSignal | undefined
  /** Undefined where there is nothing more to be read. */
  #copy: BodyCopy | undefined
  readonly #chunks: Uint8Array[] = []
  #size = 0

  /** @param signal the caller's: whoever leaves while the body is read hears no more of it */
  constructor(response: Response, signal: AbortSignal | undefined) {
    this.#response = response
    this.#signal = signal
    this.#copy = copyOf(response)
  }

  /**
   * Reads until that is enough, or to the end. A body that breaks does so for whom the answer is handed on to.
   *
   * @throws the signal's reason
   */
  read(enough: (chunk: Uint8Array) => boolean): Promise<void> {
    return this.#read(enough, new Promise(() => undefined))
  }

  /** Reads on to the end, if that is within the bounds. Throws as `read` does. */
  async readOn(): Promise<void> {
    if (this.#size > MOST_READ) return
    let stop: () => void = () => undefined
    const late = new Promise<'late'>((resolve) => {
      stop = startTimer({ now: Date.now }, LONGEST_READ, () => resolve('late'))
    })
    await this.#read(() => this.#size > MOST_READ, late).finally(stop)
  }

  /** The beginning of the body, as text. */
  text(): string {
    const decoder = new TextDecoder()
    return this.#chunks.map((chunk) => decoder.decode(chunk, { stream: true })).join('') + decoder.decode()
  }

  /** The answer itself, whole. */
  whole(): Response {
    this.#copy?.close()
    return this.#response
  }

  /** The answer, without the connection that it came by: where there is more of it, it ends with what was read. */
  detached(): Response {
    if (this.#copy === undefined) return this.#response
    this.#copy.close()
    const { body, status, statusText, headers } = this.#response
    letGo(body)
    const cut = new Response(new Blob(this.#chunks.map((chunk) => chunk.slice())), {
      status,
      statusText,
      headers,
    })
    cut.headers.delete('content-length')
    return lookingLike(this.#response, cut)
  }

  async #read(enough: (chunk: Uint8Array) => boolean, late: Promise<'late'>): Promise<void> {
    try {
      while (this.#copy !== undefined) {
        const chunk = await Promise.race([abortable(this.#copy.next(), this.#signal), late])
        if (chunk === 'late') break
        if (chunk === undefined) this.#copy = undefined
        else {
          this.#chunks.push(chunk)
          this.#size += chunk.length
          if (enough(chunk)) break
        }
      }
    } catch {
      this.#copy?.close()
      this.#copy = undefined
    }
    if (this.#signal?.aborted !== true) return
    this.#copy?.close()
    letGo(this.#response.body)
    throw this.#signal.reason
  }
}

/** Undefined for a body that there is none of, or that only its reader can make sense of. */
function copyOf(response: Response): BodyCopy | undefined {
  const { body } = response
  if (isNodeBody(body)) return new NodeBodyCopy(body)
  if (typeof body?.getReader !== 'function' || body.locked || response.bodyUsed) return undefined
  const copy = response.clone?.().body
  return copy ? webCopy(copy) : undefined
}

/** A constructed answer has none of these, and clients show them. */
function lookingLike(response: Response, copy: Response): Response {
  const { url, redirected, type } = response
  const clone = (): Response => lookingLike(response, Response.prototype.clone.call(copy))
  for (const [name, value] of Object.entries({ url, redirected, type, clone })) {
    Object.defineProperty(copy, name, { value, configurable: true })
  }
  return copy
}
