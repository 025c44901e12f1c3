import type { Refresher } from '../../core/refresher.ts'
import type { Apply } from '../shared/apply.ts'
import type { HttpSurfaceOptions } from '../shared/http-surface.ts'
import { interceptorFor, NOTHING_VOUCHED } from './interceptor.ts'
import type { Interceptor } from './types.ts'

export type { AnyDispatch, Interceptor } from './types.ts'

/** Options of {@link refreshingInterceptor}. */
export type RefreshingInterceptorOptions<T> = HttpSurfaceOptions<T>

/**
 * An interceptor for undici's `compose` (undici 7 and later) that puts a fresh credential on requests to the `origins`. If a server rejects
 * the credential, the interceptor refreshes it, once for all callers, and makes the request once more. This includes WebSocket handshakes.
 * As the global dispatcher it covers every client in the process that uses fetch.
 *
 * Compose it last, so that caches, redirects and retries see the credential. Only an interceptor that turns responses into errors, such as
 * undici's `responseError`, comes after it, because a 401 that has become an error is no response.
 *
 * undici's redirect interceptor removes `Authorization` when it leaves the origin. If the credential is in any other header, the caller
 * gets the redirect itself.
 *
 * A request has to name its origin, even through a Client or a Pool, which has only one. If a Client or a Pool would send the request to a
 * server that is not among the `origins`, the request fails before undici sends anything. The origin alone decides where a request goes:
 * the interceptor removes the caller's `Host` header and `servername`.
 *
 * The caller gets the server's response unchanged. If there is no fresh credential, that response is the rejection, with up to 64 KiB of
 * its body. If there is no credential at all, the interceptor makes a 401 that names the reason, and carries the error's code in the header
 * `x-llm-refresh`.
 *
 * A body that can be read only once, such as a Node stream, is recorded while undici sends it, up to the `replayLimit`. If the body is
 * still arriving when the request is made again, the rest follows as it arrives. Requests of the credential's own source pass unchanged.
 *
 * @throws RefreshError `invalid_option`. A request that names no origin, or that comes from undici 6 or older, throws `invalid_request`
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
