import type { DispatchController } from './types.ts'

/** What a caller's pauses control: the connection, or the delivery of a held response. */
export interface Flow {
  pause(): void
  resume(): void
}

/** The controller that a caller's handler keeps. It outlives each attempt. */
export class CallController implements DispatchController {
  aborted: boolean = false
  paused: boolean = false
  reason: unknown = null
  rawHeaders: unknown = null
  rawTrailers: unknown = null
  readonly #onAbort: { aborted(reason: unknown): void }
  #flow: Flow | undefined

  constructor(onAbort: { aborted(reason: unknown): void }) {
    this.#onAbort = onAbort
  }

  abort(reason?: unknown): void {
    if (this.aborted) return
    this.aborted = true
    this.reason = reason ?? new RequestAbortedError()
    this.#onAbort.aborted(this.reason)
  }

  pause(): void {
    this.paused = true
    this.#flow?.pause()
  }

  resume(): void {
    this.paused = false
    this.#flow?.resume()
  }

  /** Sets what pauses control. That must not be an attempt whose response we may discard. */
  steer(flow: Flow): void {
    this.#flow = flow
    if (this.paused) flow.pause()
  }
}

/** undici's error for an abort without a reason. undici's classes recognize it by these marks, so `instanceof` works. */
class RequestAbortedError extends Error {
  readonly code = 'UND_ERR_ABORTED'

  constructor() {
    super('Request aborted')
    this.name = 'AbortError'
    for (const mark of ['UND_ERR', 'UND_ERR_ABORT', 'UND_ERR_ABORTED']) {
      Object.defineProperty(this, Symbol.for(`undici.error.${mark}`), { value: true })
    }
  }
}
