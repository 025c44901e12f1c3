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
   * The fetch that makes the requests. It gets the headers in the form that the caller gave. It must follow redirects as the Fetch standard
   * says. node-fetch does not: it also sends `Authorization` to other ports of the same host, and to its parent domains.
   * @default the platform's fetch, looked up at each call, so that telemetry and tests may replace it later
   */
  fetch?: Fetch | undefined
}

/**
 * A fetch that puts a fresh credential on its requests to the `origins`. If a server rejects the credential, this fetch refreshes the
 * credential, once for all callers, and makes the request once more. Pass it to any client that takes a fetch.
 *
 * The caller gets the server's response unchanged. If there is no fresh credential, that response is the rejection, with up to 64 KiB of
 * its body. If there is no credential at all, this fetch makes a 401 that names the reason, so that vendors' clients raise their
 * authentication errors.
 *
 * After a redirect, a rejection counts if it comes from the origin that was asked. If the redirects led through another origin, platforms
 * have removed `Authorization` there, and no platform tells us. The refresh is then in vain, and the breaker limits such refreshes.
 *
 * A response that this fetch made carries the header `x-llm-refresh` with the error's code. For instance, this fetch does not follow a
 * redirect if the credential is in a header other than `Authorization`, because platforms would send that header along. It returns a 401
 * with the code `redirect_refused`.
 *
 * This fetch may replace the platform's: `globalThis.fetch = refreshingFetch(…)`. It passes requests of the credential's own source on
 * unchanged.
 *
 * @throws RefreshError `invalid_option`. The returned fetch throws the errors of the fetch beneath it, and the signal's reason
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

  // One declared parameter, so that `length` is 1, as for the platform's fetch.
  const fetch: Fetch = async (input, ...[init]) => {
    // Pass on unchanged what a source sends, and what a fetch beneath ours sends back to us.
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

/** Adds `preconnect`, which the type of Bun's fetch demands. */
function asPlatform(fetch: Fetch, first: Fetch): typeof globalThis.fetch {
  const preconnect: unknown = Reflect.get(first, 'preconnect')
  return preconnect === undefined ? fetch : Object.assign(fetch, { preconnect })
}
