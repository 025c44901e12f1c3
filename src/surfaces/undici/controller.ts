import type { DispatchController } from './types.ts'

/** The target of a caller's pauses: the connection, or the delivery in its place. */
export interface Flow {
  pause(): void
  resume(): void
}

/** The controller that a caller's handler holds on to. It outlives the attempts. */
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

  /** Sets the target of pauses. An attempt whose response may yet be discarded must not receive them. */
  steer(flow: Flow): void {
    this.#flow = flow
    if (this.paused) flow.pause()
  }
}

/**
 * undici's error for an abort without a reason. `instanceof` takes it for undici's own, whose classes go by these marks.
 */
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
