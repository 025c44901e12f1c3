import { optionError } from '../core/options.ts'
import type { Refresher } from '../core/refresher.ts'
import { retryOnce } from '../core/retry-once.ts'
import type { Apply } from '../http/apply.ts'
import { credentialsByOrigin, type HttpOptions, readHttpOptions } from '../http/options.ts'
import { own401 } from '../http/own-401.ts'
import { type CallSettings, FetchCall, isRequest } from './fetch/call.ts'

/** How a {@link refreshingFetch} works. */
export interface RefreshingFetchOptions<T> extends HttpOptions<T> {
  /**
   * What makes the requests. Default: the platform's fetch. Another one must do with redirects as the Fetch standard says: node-fetch,
   * for one, takes `Authorization` along to other ports of the same host, and to the domains above it.
   */
  fetch?: typeof globalThis.fetch | undefined
}

/**
 * A fetch that puts a fresh credential on its requests to the `origins`. Where an answer says that it was no good, it is
 * refreshed, once for all callers, and the request is made once more. Hand it to whatever takes a fetch.
 *
 * The caller gets the answer as the server sent it. Where no fresh credential is to be had that is the rejection; its body
 * is handed on up to 64 KiB. Where there is none to begin with, the answer is a 401 of our own that names the reason, so that the
 * vendors' clients raise their authentication errors.
 *
 * A rejection that a redirect led to counts if it comes from the origin that was asked. Platforms do not tell whether the way led elsewhere,
 * where they take `Authorization` away: then a refresh is made in vain, as often as the breaker lets it.
 *
 * @throws RefreshError `invalid_option`. The fetch itself throws what the underlying one throws, the signal's reason, and
 *   RefreshError `redirect_refused`: a redirect is not followed where it would take along a header other than `Authorization`
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
  const shared = readHttpOptions(options, 'fetch')
  const { fetch = globalThis.fetch } = options
  if (typeof fetch !== 'function') throw optionError('fetch', 'is missing: this platform has none')
  const settings: CallSettings = { ...shared, fetch }
  const credentials = credentialsByOrigin(refresher, options, (applied) => applied)

  return async (input, init) => {
    const origin = originOf(input)
    const credential = credentials.get(origin)
    if (credential === undefined) return fetch(input, init)
    const call = new FetchCall(settings, input, init, origin)
    try {
      return (await retryOnce(credential, (applied) => call.attempt(applied), call)).response
    } catch (error) {
      if (!call.isUnsent) throw error
      call.abandon(error)
      if (call.signal?.aborted === true) throw error
      const { body, ...own } = own401(error)
      return new Response(body, own)
    } finally {
      call.end()
    }
  }
}

/** Empty where there is none to be told: then it is no origin of ours, and the platform says what is wrong. */
function originOf(input: RequestInfo | URL): string {
  try {
    return new URL(
      isRequest(input) ? input.url : input,
      globalThis.document?.baseURI ?? globalThis.location?.href,
    ).origin
  } catch {
    return ''
  }
}
