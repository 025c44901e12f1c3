import type { Refresher } from '../../core/refresher.ts'
import type { Apply } from '../shared/apply.ts'
import type { HttpSurfaceOptions } from '../shared/http-surface.ts'
import { interceptorFor, NOTHING_VOUCHED } from './interceptor.ts'
import type { Interceptor } from './types.ts'

export type { AnyDispatch, Interceptor } from './types.ts'

/** Options of {@link refreshingInterceptor}. */
export type RefreshingInterceptorOptions<T> = HttpSurfaceOptions<T>

/**
 * An interceptor for undici's `compose` (undici 7 and later) that puts a fresh credential on requests to the `origins`. If a response
 * rejects the credential, it is refreshed, once for all callers, and the request is made once more. WebSocket handshakes are requests like
 * any other. As the global dispatcher it covers every client in the process that uses fetch.
 *
 * Compose it last, so that caches, redirects and retries see the credential. undici's redirect interceptor removes `Authorization` when it
 * leaves the origin; with any other header the caller gets the redirect itself. Only an interceptor that turns responses into errors
 * (undici's responseError) comes after it: a 401 that has become an error is no response. A request has to name its origin, also through a
 * Client or a Pool, which has only one; if that one sends it to a server that is not among the `origins`, it fails before anything is sent.
 * The origin alone decides where a request goes: the caller's `Host` header and `servername` are removed.
 *
 * The caller gets the server's response unchanged. If there is no fresh credential, that is the rejection, with up to 64 KiB of its body.
 * If there is no credential to begin with, the response is a 401 of our own that names the reason, and carries the error's code in the
 * header `x-llm-refresh`.
 *
 * A body that can be read once, a stream of Node's included, is recorded while it is sent, up to the `replayLimit`. If it is still arriving
 * when the request is made again, the rest follows as it arrives. Requests of a credential's own source pass the interceptor by.
 *
 * @throws RefreshError `invalid_option`; a request that names no origin, or that an older undici makes, throws `invalid_request`
 * @example
 * const agent = new Agent().compose(refreshingInterceptor(credential, { origins: 'https://api.example.com' }))
 * setGlobalDispatcher(agent)
 */
export function refreshingInterceptor<T extends string | { readonly accessToken: string }>(
  refresher: Refresher<T>,
  options: RefreshingInterceptorOptions<T>,
): Interceptor
export function refreshingInterceptor<T>(
  refresher: Refresher<T>,
  options: RefreshingInterceptorOptions<T> & { apply: Apply<T> },
): Interceptor
export function refreshingInterceptor<T>(
  refresher: Refresher<T>,
  options: RefreshingInterceptorOptions<T>,
): Interceptor {
  return interceptorFor(refresher, options, NOTHING_VOUCHED)
}
