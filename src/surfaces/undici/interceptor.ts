import type { Refresher } from '../../core/refresher.ts'
import { isInSource } from '../../core/source-context.ts'
import { RefreshError } from '../../errors.ts'
import { Bypassed } from '../shared/bypassed.ts'
import {
  assertRevived,
  credentialsByOrigin,
  type HttpSurfaceOptions,
  readHttpOptions,
} from '../shared/http-surface.ts'
import { isMarked } from '../shared/synthetic-401.ts'
import { Call, type CallSettings } from './call.ts'
import { credentialOf } from './headers.ts'
import type {
  Dispatch,
  DispatchOptions,
  Interceptor,
  AnyDispatch,
  ResponseHeaders,
  Vouched,
} from './types.ts'
import { Watched } from './watched.ts'

/** For programs and dispatchers that we know nothing about. */
export const NOTHING_VOUCHED: Vouched = { isOwned: false, goesStraight: false }

/**
 * Makes the interceptor.
 *
 * @param vouched what the program promises about its requests and its dispatcher
 * @throws RefreshError `invalid_option`
 */
export function interceptorFor<T>(
  refresher: Refresher<T>,
  options: HttpSurfaceOptions<T>,
  vouched: Vouched,
): Interceptor {
  const shared = readHttpOptions(options)
  const credentials = credentialsByOrigin(refresher, options, credentialOf)
  const bypassed = new Bypassed(refresher, shared.onEvent)
  const settings: CallSettings = {
    ...shared,
    isDead: () => refresher.isDead?.() === true,
    assertRevived: () => assertRevived(refresher),
    isAllowed: (origin) => credentials.has(origin),
    vouched,
  }

  function intercept<D extends AnyDispatch>(dispatch: D): D
  function intercept(dispatch: Dispatch): Dispatch {
    return (request, handler) => {
      // Pass on unchanged what a source sends: it must not wait for the credential that it fetches.
      if (isInSource(refresher.owner)) return dispatch(request, handler)
      const origin = originOf(request)
      let credential = credentials.get(origin)
      // Parse the origin only if the lookup as it is spelt fails, because parsing takes longer.
      const canonical = credential === undefined && URL.canParse(origin) ? new URL(origin).origin : origin
      credential ??= credentials.get(canonical)
      if (credential === undefined || isForAnother(request, canonical)) {
        if (!bypassed.watches(canonical) || typeof handler?.onRequestStart !== 'function') {
          return dispatch(request, handler)
        }
        const tell = (status: number, headers: ResponseHeaders): void => {
          if (!isMarked(headers)) bypassed.answered(canonical, status)
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

/** True if the path is a whole URL of another origin. For a server, such a path outranks everything else (RFC 9112 section 3.2.2). */
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
