import { type Fetch, markFetch } from '../../core/raw-fetch.ts'
import type { Refresher } from '../../core/refresher.ts'
import { retryOnce } from '../../core/retry-once.ts'
import { isInSource } from '../../core/source-context.ts'
import { get } from '../../core/verdict/foreign.ts'
import { aFunction, optionError } from '../../lib/options.ts'
import type { Apply } from '../shared/apply.ts'
import { Bypassed } from '../shared/bypassed.ts'
import {
  credentialsByOrigin,
  type HttpSurfaceOptions,
  assertRevived,
  readHttpOptions,
} from '../shared/http-surface.ts'
import { isSynthetic401, synthetic401 } from '../shared/synthetic-401.ts'
import { Beneath } from './beneath.ts'
import { type CallSettings, FetchCall } from './call.ts'
import { readTarget } from './target.ts'

/** Options of a {@link refreshingFetch}. */
export interface RefreshingFetchOptions<T> extends HttpSurfaceOptions<T> {
  /**
   * The fetch that makes the requests. Default: the platform's fetch, looked up at each call, so that telemetry and tests may replace it
   * later. Another one must follow redirects as the Fetch standard says: node-fetch, for one, sends `Authorization` on to other ports of
   * the same host, and to the domains above it. It gets the headers in the form that the caller gave.
   */
  fetch?: Fetch | undefined
}

/**
 * A fetch that puts a fresh credential on its requests to the `origins`. If a response rejects the credential, it is refreshed, once for
 * all callers, and the request is made once more. Hand it to whatever takes a fetch.
 *
 * The caller gets the server's response unchanged. If there is no fresh credential, that is the rejection, with up to 64 KiB of its body.
 * If there is no credential to begin with, the response is a 401 of our own that names the reason, so that the vendors' clients raise their
 * authentication errors.
 *
 * A rejection that a redirect led to counts if it comes from the origin that was asked. Platforms do not tell whether the way led elsewhere,
 * where they take `Authorization` away: then a refresh is made in vain, as often as the breaker lets it.
 *
 * Responses of our own carry the header `x-llm-refresh` with the error's code. One is the response to a redirect that would take along a header
 * other than `Authorization`: it is not followed, but answered 401 with the code `redirect_refused`.
 *
 * It may become the platform's fetch: `globalThis.fetch = refreshingFetch(…)`. Requests of a credential's own source never pass it.
 *
 * @throws RefreshError `invalid_option`. The fetch itself throws what the underlying one throws, and the signal's reason
 * @example
 * const fetch = refreshingFetch(token, { origins: 'https://api.openai.com' })
 * const client = new OpenAI({ apiKey: 'unused', fetch })
 */
export function refreshingFetch<T extends string | { readonly accessToken: string }>(
  refresher: Refresher<T>,
  options: RefreshingFetchOptions<T>,
): typeof globalThis.fetch
export function refreshingFetch<T>(
  refresher: Refresher<T>,
  options: RefreshingFetchOptions<T> & { apply: Apply<T> },
): typeof globalThis.fetch
export function refreshingFetch<T>(
  refresher: Refresher<T>,
  options: RefreshingFetchOptions<T>,
): typeof globalThis.fetch {
  const shared = readHttpOptions(options, { fetch: aFunction })
  const { fetch: first = globalThis.fetch } = options
  if (typeof first !== 'function') throw optionError('fetch', 'is missing: this platform has none')
  const beneath = new Beneath(options.fetch, first)
  const settings: CallSettings = { ...shared, beneath }
  const credentials = credentialsByOrigin(refresher, options, (applied) => applied)
  const bypassed = new Bypassed(refresher, shared.onEvent)

  // One parameter, like the platform's fetch.
  const fetch: Fetch = async (input, ...[init]) => {
    // A source's request, and a request that a fetch put over ours sends back to us, must go on as without us.
    if (isInSource(refresher.owner) || beneath.isOwn([input, init])) return first(input, init)
    const target = readTarget(input, init, beneath.isGiven)
    const credential = credentials.get(target.origin)
    if (credential === undefined) {
      const response = await beneath.send([input, init], undefined)
      if (!isSynthetic401(get(response, 'headers')))
        bypassed.answered(target.origin, Number(get(response, 'status')))
      return response
    }
    const call = new FetchCall(settings, target, init)
    try {
      if (shared.isRefusedWhenDead && refresher.isDead?.() === true)
        await assertRevived(refresher, call.signal)
      return (await retryOnce(credential, (applied) => call.attempt(applied), call)).handOn()
    } catch (error) {
      if (call.attempts > 0) throw error
      call.abandon(error)
      if (call.signal?.aborted === true) throw error
      const { body, ...own } = synthetic401(error)
      return new Response(target.method === 'HEAD' ? null : body, own)
    } finally {
      call.end()
    }
  }
  beneath.serve(fetch)
  markFetch(fetch, first)
  return asPlatform(fetch, first)
}

/** Bun's fetch has `preconnect`, which its type demands. */
function asPlatform(fetch: Fetch, first: Fetch): typeof globalThis.fetch {
  const preconnect: unknown = Reflect.get(first, 'preconnect')
  return preconnect === undefined ? fetch : Object.assign(fetch, { preconnect })
}
