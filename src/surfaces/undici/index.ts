import type { Refresher } from '../../core/refresher.ts'
import { isInSource } from '../../core/source-context.ts'
import { RefreshError } from '../../errors.ts'
import type { Apply } from '../shared/apply.ts'
import { Bypassed } from '../shared/bypassed.ts'
import { credentialsByOrigin, type HttpSurfaceOptions, readHttpOptions } from '../shared/http-options.ts'
import { isSynthetic401 } from '../shared/synthetic-401.ts'
import { Call, type CallSettings } from './call.ts'
import { credentialOf } from './headers.ts'
import type { AnyDispatch, Dispatch, DispatchOptions, Interceptor, ResponseHeaders } from './types.ts'
import { Watched } from './watched.ts'

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
  const shared = readHttpOptions(options)
  const credentials = credentialsByOrigin(refresher, options, credentialOf)
  const bypassed = new Bypassed(refresher, shared.onEvent)
  const settings: CallSettings = {
    ...shared,
    isDead: () => refresher.isDead?.() === true,
    isAllowed: (origin) => credentials.has(origin),
  }

  function intercept<D extends AnyDispatch>(dispatch: D): D
  function intercept(dispatch: Dispatch): Dispatch {
    return (request, handler) => {
      // What a source asks goes where it would go without us: it must not wait for the credential that it fetches.
      if (isInSource(refresher.owner)) return dispatch(request, handler)
      const origin = originOf(request)
      let credential = credentials.get(origin)
      // Parsing takes longer than looking it up as it is mostly spelt.
      const canonical = credential === undefined && URL.canParse(origin) ? new URL(origin).origin : origin
      credential ??= credentials.get(canonical)
      if (credential === undefined || isForAnother(request, canonical)) {
        if (!bypassed.watches(canonical) || typeof handler?.onRequestStart !== 'function') {
          return dispatch(request, handler)
        }
        const tell = (status: number, headers: ResponseHeaders): void => {
          if (!isSynthetic401(headers)) bypassed.answered(canonical, status)
        }
        return dispatch(request, new Watched(handler, tell))
      }
      if (typeof handler.onRequestStart !== 'function') {
        const problem = 'The request is one of undici 6 or older: use undici 7 or later.'
        throw new RefreshError('invalid_request', problem)
      }
      return new Call(settings, credential, canonical, dispatch, request, handler).start()
    }
  }
  return intercept
}

/** A path may be a whole URL: to a server, that outranks everything else (RFC 9112 section 3.2.2). */
function isForAnother({ path }: DispatchOptions, origin: string): boolean {
  if (typeof path !== 'string' || path.startsWith('/') || !/^https?:/i.test(path)) return false
  return !URL.canParse(path) || new URL(path).origin !== origin
}

function originOf(request: DispatchOptions): string {
  const origin: unknown = request?.origin
  if (origin instanceof URL) return origin.origin
  if (typeof origin === 'string' && origin !== '') return origin
  throw new RefreshError(
    'invalid_request',
    "The request names no origin, so that it is not known whether it may have the credential: give it an 'origin', or use an Agent.",
  )
}
