import type { CallController, Flow } from './controller.ts'
import type { DispatchController, DispatchHandler, ResponseHeaders } from './types.ts'

/** A response that we hold until we know whether the caller should have it. */
export interface Held {
  readonly status: number
  headers: ResponseHeaders
  readonly message: string | undefined
  rawHeaders: unknown
  /** The pieces of the body that have arrived. */
  readonly chunks: Uint8Array[]
  /** How the body ended, if it has ended. */
  ending: Ending | undefined
}

export type Ending =
  | { readonly type: 'end'; readonly trailers: ResponseHeaders; readonly rawTrailers: unknown }
  | { readonly type: 'error'; readonly error: unknown }

/** The caller's side of a delivery. */
export interface Receiver {
  readonly handler: DispatchHandler
  readonly controller: CallController
  /** Ends the request. The caller receives this error, and nothing more. */
  fail(error: unknown): void
}

/**
 * Delivers a held response to the caller, in order, and no faster than the caller takes it. If the caller's handler throws, the request
 * ends with that error, as in undici.
 */
export class Delivery implements Flow {
  readonly #to: Receiver
  readonly #held: Held
  /** The connection that brings the rest; undefined if everything has arrived. */
  readonly #source: DispatchController | undefined
  #isRunning = false
  #isOver = false

  constructor(to: Receiver, held: Held, source: DispatchController | undefined) {
    this.#to = to
    this.#held = held
    this.#source = source
  }

  /** True once the caller has everything that was held. Later pieces may go directly to the caller. */
  get isOver(): boolean {
    return this.#isOver
  }

  start(): void {
    const { handler, controller } = this.#to
    const { status, headers, message, rawHeaders } = this.#held
    controller.rawHeaders = rawHeaders
    this.#isRunning = true
    controller.steer(this)
    try {
      handler.onResponseStart?.(controller, status, headers, message)
    } catch (error) {
      this.#crash(error)
    }
    this.#isRunning = false
    this.resume()
  }

  push(chunk: Uint8Array): void {
    this.#held.chunks.push(chunk)
    this.resume()
  }

  end(ending: Ending): void {
    this.#held.ending = ending
    this.resume()
  }

  /** Discards everything that the caller has not got yet. */
  stop(): void {
    this.#isOver = true
  }

  /** Stops the delivery, because the caller leaves. */
  abort(reason: unknown): void {
    if (this.#isOver) return
    this.stop()
    this.#to.fail(reason)
  }

  pause(): void {
    this.#source?.pause()
  }

  resume(): void {
    // Return if this is a nested call: the caller's handler may pause, resume or abort.
    if (this.#isRunning || this.#isOver) return
    this.#isRunning = true
    try {
      this.#run()
    } catch (error) {
      this.#crash(error)
    }
    this.#isRunning = false
  }

  #run(): void {
    const { handler, controller } = this.#to
    const { chunks } = this.#held
    while (!controller.paused && !this.#isOver) {
      const chunk = chunks.shift()
      if (chunk === undefined) return this.#finish()
      handler.onResponseData?.(controller, chunk)
    }
  }

  #finish(): void {
    this.#isOver = true
    const { handler, controller } = this.#to
    const { ending } = this.#held
    if (ending === undefined) {
      if (this.#source === undefined) return
      controller.steer(this.#source)
      this.#source.resume()
    } else if (ending.type === 'error') this.#to.fail(ending.error)
    else {
      controller.rawTrailers = ending.rawTrailers
      handler.onResponseEnd?.(controller, ending.trailers)
    }
  }

  #crash(error: unknown): void {
    this.stop()
    if (this.#held.ending === undefined) this.#source?.abort(error)
    this.#to.fail(error)
  }
}

/** Ends a held response after the part that has arrived, and removes its `content-length`. */
export function cutShort(held: Held): void {
  held.ending = { type: 'end', trailers: {}, rawTrailers: [] }
  const { 'content-length': _, ...headers } = held.headers
  held.headers = headers
  if (!Array.isArray(held.rawHeaders)) return
  const raw: unknown[] = held.rawHeaders
  held.rawHeaders = raw.filter((__, at) => !/^content-length$/i.test(String(raw[at - (at % 2)])))
}
