import type { DispatchController } from './types.ts'

/** What a caller's pauses reach: the connection, or what is handed on in its stead. */
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

  /** From now on this is what pauses. An attempt whose answer may yet be discarded must not hear of them. */
  steer(flow: Flow): void {
    this.#flow = flow
    if (this.paused) flow.pause()
  }
}

/**
 * What undici says of an abort that has no reason. `instanceof` takes it for undici's own: its classes go by these marks.
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
