import type { RefreshError } from '../../errors.ts'
// What undici 7 and 8 have in common, as far as it is needed here: nothing of undici is needed to compile against this.

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
  /** What undici's redirect interceptor reads. */
  maxRedirections?: unknown
}

/** What a handler steers its request with. */
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

/** What hears of a request. */
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
  /** No controller where the request was never started. */
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

/** What undici's `compose` takes, whatever version of undici that is. */
export type Interceptor = <D extends AnyDispatch>(dispatch: D) => D

/** The body that attempts send. */
export interface Replay {
  /** For the next attempt: as it was when the request was made. */
  body(): unknown
  /** Why it cannot be sent again, where it cannot. */
  refusal(): RefreshError | undefined
  /** The first attempt was rejected: gets what it has not sent yet. */
  complete?(): Promise<void>
  /** Is there more of it to come? */
  isArriving?(): boolean
  /** Discards what is kept. */
  end?(): void
  /** The response that the caller gets is over, or the call has failed. */
  over?(error?: unknown): void
}

/** What whoever makes all requests through an interceptor vouches for, so that it is neither copied nor checked. */
export interface Vouched {
  /** Nobody changes a request, its headers and its bytes once it is dispatched, and each has an object of its own. */
  readonly isOwned: boolean
  /** The dispatcher sends each request to the origin that it names. */
  readonly goesStraight: boolean
}
