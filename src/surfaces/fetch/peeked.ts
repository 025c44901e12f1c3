import { get } from '../../core/verdict/foreign.ts'
import { abortable } from '../../lib/abortable.ts'
import { joined } from '../shared/body.ts'
import type { Finding, Inspection, Judged } from '../shared/inspection.ts'
import { releaseBody } from '../shared/release-body.ts'
import { type BodyReader, isWebStream, restored, webReader } from './body-reader.ts'
import { isNodeBody, NodeBodyReader } from './node-body.ts'

/** Begins the inspection of a body. */
export type Inspect = (judged: Judged) => Inspection

/**
 * A response whose body we read, piece by piece, until we can judge it. No one else reads the body meanwhile. We make no copy: the caller
 * gets a response whose body begins with the pieces that we have read.
 */
export class Peeked {
  readonly #response: Response
  readonly #signal: AbortSignal | undefined
  /** Reads the body. undefined if there is no body, or if only the caller can read it. */
  readonly #reader: BodyReader | undefined
  /** True for a web stream, whose pieces we have to put in front of the rest. A Node stream takes its pieces back by itself. */
  readonly #isTaken: boolean
  readonly #pieces: Uint8Array[] = []
  /** The read that is pending now. */
  #next: Promise<Uint8Array | undefined> | undefined
  #ending: { readonly error?: unknown } | undefined

  /** @param signal the caller's. If it aborts while we read the body, the caller gets no more of the body */
  constructor(response: Response, signal: AbortSignal | undefined) {
    const body: unknown = get(response, 'body')
    this.#response = response
    this.#signal = signal
    const isWeb = isWebStream(body) && !body.locked && get(response, 'bodyUsed') !== true
    this.#isTaken = isWeb
    if (isWeb) this.#reader = webReader(body)
    else if (isNodeBody(body)) this.#reader = new NodeBodyReader(body)
    else if (body === undefined) this.#reader = wholeReader(response)
  }

  /** @throws the signal's reason if the caller aborts meanwhile */
  async inspect(inspect: Inspect): Promise<Finding> {
    let inspection: Inspection | undefined
    const found = new Promise<Finding>((resolve) => {
      inspection = inspect({ decide: resolve })
      void this.#pump(inspection)
    })
    try {
      return await abortable(found, this.#signal)
    } catch (reason) {
      inspection?.close()
      this.#discard(reason)
      throw reason
    }
  }

  /** The whole response: the pieces that were read, and the rest. */
  whole(): Response {
    if (!this.#isTaken || this.#reader === undefined) return this.#response
    if (this.#ending !== undefined && !('error' in this.#ending)) return this.#copy(joined(this.#pieces))
    const rest = restored({
      pieces: this.#pieces,
      reader: this.#reader,
      next: this.#next,
      ending: this.#ending,
      isBytes: this.#next === undefined && this.#reader.isBytes?.() === true,
    })
    const signal = this.#signal
    // On every platform an abort discards the pieces that the caller has not read.
    if (signal !== undefined) this.#reader.onBreak?.((error) => signal.aborted && rest.break(error))
    return this.#copy(rest.stream)
  }

  /** Gives up the connection. The response ends with the pieces that we have read, even if more was to come. */
  detach(): () => Response {
    if (this.#reader === undefined) return () => this.#response
    // The body has ended already, so it holds no connection.
    if (this.#ending !== undefined) return () => this.whole()
    this.#discard(undefined)
    return () => {
      const cut = this.#copy(joined(this.#pieces))
      cut.headers.delete('content-length')
      return cut
    }
  }

  /** Discards the body: no one will read it. */
  #discard(reason: unknown): void {
    this.#reader?.close(reason)
    if (!this.#isTaken) releaseBody(get(this.#response, 'body'), reason)
  }

  async #pump(inspection: Inspection): Promise<void> {
    while (this.#reader !== undefined && !inspection.isOver) {
      let piece: Uint8Array | undefined
      try {
        this.#next ??= this.#reader.next()
        piece = await this.#next
      } catch (error) {
        // Keep the error: the caller's body breaks, too, after the pieces before.
        this.#ending = { error }
        return inspection.end()
      }
      // The inspection was over before this piece arrived. The caller gets the piece.
      if (inspection.isOver) return
      this.#next = undefined
      if (piece === undefined) this.#ending = {}
      else {
        this.#pieces.push(piece)
        inspection.push(piece)
      }
      if (piece === undefined) break
    }
    if (!inspection.isOver) inspection.end()
    if (!this.#isTaken) this.#reader?.close()
  }

  #copy(body: BodyInit): Response {
    return lookingLike(this.#response, construct(this.#response, body))
  }
}

/** Reads a copy of the whole body, on a platform that shows no `body` (React Native) and has received all of it. */
function wholeReader(response: Response): BodyReader | undefined {
  if (typeof response.clone !== 'function' || typeof response.text !== 'function') return undefined
  let isRead = false
  const next = async (): Promise<Uint8Array | undefined> => {
    if (isRead) return undefined
    isRead = true
    return new TextEncoder().encode(await response.clone().text())
  }
  return { next, close: () => undefined }
}

/** Makes a response of the same class, because a user's fetch may have its own class, and programs check for it. */
function construct(response: Response, body: BodyInit): Response {
  const { status, constructor } = response
  const init = { status, ...textOf(response), headers: headersOf(response) }
  if (response instanceof Response) {
    const copy = new Response(body, init)
    if (constructor !== Response) Reflect.setPrototypeOf(copy, Reflect.getPrototypeOf(response))
    return copy
  }
  try {
    const copy: unknown = Reflect.construct(constructor, [body, init])
    if (isResponse(copy) && copy.status === status) return copy
  } catch {
    // Use the platform's class instead.
  }
  return new Response(body, init)
}

function textOf(response: Response): { statusText?: string } {
  const statusText: unknown = get(response, 'statusText')
  return typeof statusText === 'string' ? { statusText } : {}
}

function headersOf(response: Response): Headers {
  try {
    return new Headers(response.headers)
  } catch {
    return new Headers()
  }
}

function isResponse(candidate: unknown): candidate is Response {
  return (
    typeof candidate === 'object' && candidate !== null && 'status' in candidate && 'headers' in candidate
  )
}

/** Gives a constructed response the members that the constructor cannot set. */
function lookingLike(response: Response, copy: Response): Response {
  const cloned = copy.clone.bind(copy)
  const clone = (): Response => lookingLike(response, cloned())
  Object.defineProperty(copy, 'clone', { value: clone, configurable: true })
  for (const name of ['url', 'redirected', 'type']) {
    Object.defineProperty(copy, name, { value: get(response, name), configurable: true })
  }
  return copy
}
