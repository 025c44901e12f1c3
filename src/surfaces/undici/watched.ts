import type { DispatchController, DispatchHandler, ResponseHeaders } from './types.ts'

/** Reports the status of a request that bypasses the credential, and passes everything on unchanged. */
export class Watched implements DispatchHandler {
  readonly #handler: DispatchHandler
  readonly #tell: (status: number, headers: ResponseHeaders) => void

  constructor(handler: DispatchHandler, tell: (status: number, headers: ResponseHeaders) => void) {
    this.#handler = handler
    this.#tell = tell
  }

  onRequestStart(...given: Parameters<NonNullable<DispatchHandler['onRequestStart']>>): unknown {
    return this.#handler.onRequestStart?.(...given)
  }

  onRequestUpgrade(...given: Parameters<NonNullable<DispatchHandler['onRequestUpgrade']>>): unknown {
    return this.#handler.onRequestUpgrade?.(...given)
  }

  onResponseStart(
    controller: DispatchController,
    status: number,
    headers: ResponseHeaders,
    message?: string,
  ): unknown {
    this.#tell(status, headers)
    return this.#handler.onResponseStart?.(controller, status, headers, message)
  }

  onResponseData(controller: DispatchController, chunk: Uint8Array): unknown {
    return this.#handler.onResponseData?.(controller, chunk)
  }

  onResponseEnd(controller: DispatchController, trailers: ResponseHeaders): unknown {
    return this.#handler.onResponseEnd?.(controller, trailers)
  }

  onResponseError(controller: DispatchController | undefined, error: unknown): unknown {
    return this.#handler.onResponseError?.(controller, error)
  }

  onResponseStarted(): unknown {
    return this.#handler.onResponseStarted?.()
  }

  onBodySent(chunk: unknown): unknown {
    return this.#handler.onBodySent?.(chunk)
  }

  onRequestSent(): unknown {
    return this.#handler.onRequestSent?.()
  }
}
