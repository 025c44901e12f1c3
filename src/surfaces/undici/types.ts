import type { RefreshError } from '../../errors.ts'
// The common interface of undici 7 and 8, as far as we use it: compiling against it needs nothing of undici.

/** A dispatcher's headers, parsed: names in lower case. */
export type ResponseHeaders = Record<string, string | string[] | undefined>

/** A request, as it is dispatched; undici knows more options. */
export interface DispatchOptions {
  origin?: unknown
  path: string
  method: string
  headers?: unknown
  body?: unknown
  /** TLS: whose certificate counts. undici knows it, and does not document it. */
  servername?: unknown
  /** Read by undici's redirect interceptor. */
  maxRedirections?: unknown
}

/** The controls of a request, for its handler. */
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

/** False: the dispatcher is busy, and tells by a `drain` event when it is not. */
export type Dispatch = (options: DispatchOptions, handler: DispatchHandler) => boolean

/** The `dispatch` of any version of undici. */
export type AnyDispatch = (options: never, handler: never) => boolean

/** The argument of undici's `compose`, in any version of undici. */
export type Interceptor = <D extends AnyDispatch>(dispatch: D) => D

/** The body that attempts send. */
export interface Replay {
  /** For the next attempt: as it was when the request was made. */
  body(): unknown
  /** Why the body cannot be sent again; undefined if it can. */
  refusal(): RefreshError | undefined
  /** The first attempt was rejected: reads the part that it has not sent yet. */
  complete?(): Promise<void>
  /** True if more of it is to come. */
  isArriving?(): boolean
  /** Discards the copy. */
  end?(): void
  /** The response that the caller gets is over, or the call has failed. */
  over?(error?: unknown): void
}

/** The promises of a program that makes all requests through an interceptor, so that they are neither copied nor checked. */
export interface Vouched {
  /** No one changes a request, its headers and its bytes once it is dispatched, and each has an object of its own. */
  readonly isOwned: boolean
  /** The dispatcher sends each request to the origin that it names. */
  readonly goesStraight: boolean
}
