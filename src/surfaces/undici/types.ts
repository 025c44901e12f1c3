import type { RefreshError } from '../../errors.ts'
// The common interface of undici 7 and 8, as far as we use it. With these types, a program compiles without undici.

/** The parsed headers that undici gives. Names are in lower case. */
export type ResponseHeaders = Record<string, string | string[] | undefined>

/** A request for a dispatcher: the options that we use. undici knows more. */
export interface DispatchOptions {
  origin?: unknown
  path: string
  method: string
  headers?: unknown
  body?: unknown
  /** The server's name for TLS, which decides the expected certificate. undici supports it without documenting it. */
  servername?: unknown
  /** Read by undici's redirect interceptor. */
  maxRedirections?: unknown
}

/** Controls a request. undici passes it to the handler. */
export interface DispatchController {
  readonly aborted: boolean
  readonly paused: boolean
  readonly reason: unknown
  rawHeaders?: unknown
  rawTrailers?: unknown
  abort(reason: unknown): void
  pause(): void
  resume(): void
}

/** Receives the events of a request. */
export interface DispatchHandler {
  onRequestStart?(controller: DispatchController, context: unknown): unknown
  onRequestUpgrade?(
    controller: DispatchController,
    statusCode: number,
    headers: ResponseHeaders,
    socket: unknown,
  ): unknown
  onResponseStart?(
    controller: DispatchController,
    statusCode: number,
    headers: ResponseHeaders,
    statusMessage?: string,
  ): unknown
  onResponseData?(controller: DispatchController, chunk: Uint8Array): unknown
  onResponseEnd?(controller: DispatchController, trailers: ResponseHeaders): unknown
  /** The controller is undefined if the request was never started. */
  onResponseError?(controller: DispatchController | undefined, error: unknown): unknown
  onResponseStarted?(): unknown
  /** undici 8 only. */
  onBodySent?(chunk: unknown): unknown
  /** undici 8 only. */
  onRequestSent?(): unknown
}

/** Sends a request. Returns false if the dispatcher is busy; it emits `drain` when it no longer is. */
export type Dispatch = (options: DispatchOptions, handler: DispatchHandler) => boolean

/** The `dispatch` of any version of undici. */
export type AnyDispatch = (options: never, handler: never) => boolean

/** The argument of undici's `compose`, in any version of undici. */
export type Interceptor = <D extends AnyDispatch>(dispatch: D) => D

/** The body for the attempts of a request. */
export interface Replay {
  /** The body for the next attempt, as it was when the request was made. */
  body(): unknown
  /** Why the body cannot be sent again; undefined if it can. */
  refusal(): RefreshError | undefined
  /** Called when the server has rejected the first attempt: reads the part of the body that is not sent yet. */
  complete?(): Promise<void>
  /** True if more of the body is still to come. */
  isArriving?(): boolean
  /** Discards our copy. */
  end?(): void
  /** Called when the response that the caller gets has ended, or when the call has failed. */
  over?(error?: unknown): void
}

/** What a program promises about its requests, so that we need not copy or check them. */
export interface Vouched {
  /** True if no one changes a request, its headers or its bytes after the dispatch, and no two requests share an object. */
  readonly isOwned: boolean
  /** True if the dispatcher sends each request to the origin that the request names. */
  readonly goesStraight: boolean
}
