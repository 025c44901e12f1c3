import type { Refresher } from '../../core/refresher.ts'
import type { Apply } from '../shared/apply.ts'
import type { HttpSurfaceOptions } from '../shared/http-options.ts'
import { interceptorFor, NOTHING_VOUCHED } from './interceptor.ts'
import type { Interceptor } from './types.ts'

export type { AnyDispatch, Interceptor } from './types.ts'

/** How {@link refreshingInterceptor} works. */
export type RefreshingInterceptorOptions<T> = HttpSurfaceOptions<T>

/**
 * An interceptor for undici's `compose` (undici 7 and later) that puts a fresh credential on requests to the `origins`. Where an
 * answer says that it was no good, it is refreshed, once for all callers, and the request is made once more. WebSocket
 * handshakes are requests like any other. As the global dispatcher it covers every client in the process that uses fetch.
 *
 * Compose it last, so that caches, redirects and retries see the credential: undici's redirect interceptor takes `Authorization`
 * away when it leaves the origin; with any other header redirects are not followed, but handed on. Only what makes errors of answers
 * (undici's responseError interceptor) comes after it: a 401 that has become an error is no answer. A request has to name its
 * origin, also where a Client or a Pool has only one; where that one sends it to a server that is not among the `origins`, it fails before
 * anything is sent. The origin alone says where a request goes: a `Host` header and a `servername` of the caller's are taken away.
 *
 * The caller gets the answer as the server sent it. Where no fresh credential is to be had that is the rejection; its body is
 * handed on up to 64 KiB. Where there is none to begin with, the answer is a 401 of our own that names the reason, and carries the error's code
 * in the header `x-llm-refresh`.
 *
 * A body that can be read once, a stream of Node's included, is recorded while it is sent, up to the `replayLimit`. Where it is still arriving when
 * the request is made again, the rest follows as it arrives. Requests of a credential's own source pass the interceptor by.
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
