import { type Fetch, rawFetch } from '../../core/raw-fetch.ts'
import { isInSource } from '../../core/source-context.ts'
import { noting } from '../../credential/failure-facts.ts'
import { RefreshError } from '../../errors.ts'
import { abortable, reasonOf, throwIfAborted } from '../../lib/abortable.ts'
import { type Clock, platformClock, startTimer } from '../../lib/clock.ts'
import { libraryCause } from '../../lib/harmless.ts'
import {
  aClock,
  aFunction,
  above0,
  anything,
  checkedOptions,
  type OptionTableWith,
} from '../../lib/options.ts'
import { readPlainHttpEndpoints } from '../../lib/secure-url.ts'
import { inputIsRead } from './arrived.ts'
import { connectionOf } from './connection.ts'
import { readText } from './response-text.ts'
import { secretsIn } from './sent-secrets.ts'

/** How a source sends its requests. */
export interface TokenRequestOptions {
  /** Sends the source's requests. Do not give the fetch that carries the credential. Default: the platform's fetch. */
  fetch?: typeof globalThis.fetch | undefined
  /**
   * How long one request may take until its whole response has arrived, in ms. The timeout does not end a request that redeems a refresh token
   * or an authorization code: the server may have spent the token by then, and only the response holds the new one.
   * @default 10_000
   */
  timeout?: number | undefined
  /**
   * Origins that the source may request over plain http, inside a network that you trust. This machine is always allowed.
   * @default []
   * @example plainHttpEndpoints: ['http://keycloak:8080']
   */
  plainHttpEndpoints?: readonly string[] | undefined
  /** A clock, for tests. Default: the platform's. */
  clock?: Clock | undefined
}

/** The checked options, with their defaults. */
export interface Http {
  readonly fetch: typeof globalThis.fetch
  readonly timeout: number
  /** Origins. */
  readonly plainHttp: readonly string[]
  readonly clock: Clock
}

export const HTTP_OPTIONS: OptionTableWith<'timeout' | 'clock', TokenRequestOptions> = {
  fetch: aFunction,
  timeout: [above0(), 10_000],
  plainHttpEndpoints: anything,
  clock: [aClock, platformClock],
}

/** A response whose whole body has arrived. */
export interface WholeResponse {
  /** The host that responded. It begins a message. */
  readonly host: string
  readonly response: Response
  /** The body. Reading stops after 256 KiB, so a longer body is judged by its beginning. */
  readonly text: string
  /** epoch ms: when the request was sent. Lifetimes count from here, because the server's part of the delay is not known. */
  readonly sentAt: number
  /** The secrets of the request. No message may hold one of them. */
  readonly secrets: readonly string[]
}

/** Sends one request, with the given fetch and signal. */
export type Send = (fetch: typeof globalThis.fetch, signal: AbortSignal) => Promise<Response>

/** The host of one request, and its signal and timeout. */
export interface Asked {
  readonly host: string
  readonly signal: AbortSignal
  /** ms. Infinity: only the signal ends the request. Default: the timeout of the options. */
  readonly timeout?: number | undefined
  /** Called just before the request is passed to fetch. */
  readonly sent?: (() => void) | undefined
}

/** @throws RefreshError `invalid_option` */
export function readHttp(options: TokenRequestOptions): Http {
  const { fetch, timeout, plainHttpEndpoints, clock } = options
  const read = checkedOptions({ fetch, timeout, plainHttpEndpoints, clock }, HTTP_OPTIONS)
  return {
    fetch: fetch ?? platformFetch,
    timeout: read.timeout,
    plainHttp: readPlainHttpEndpoints(plainHttpEndpoints),
    clock: read.clock,
  }
}

/**
 * The platform's fetch, looked up at each call. `globalThis.fetch` may be a surface of ours. Within a source it recognizes the source's
 * requests, and passes them on. In a browser or at a login it cannot recognize them, and would wait for the token that we request. So we use
 * the fetch beneath it there.
 */
const platformFetch: Fetch = (...request) =>
  ((isInSource() ? undefined : rawFetch()) ?? globalThis.fetch)(...request)

/**
 * Sends one request, and waits until its whole response has arrived.
 *
 * @throws RefreshError `source_unreachable`, whose message shows nothing of the request; `source_unavailable` if a success cannot be decoded;
 *   any other error of `send`. After an abort: the signal's reason.
 */
export async function ask(http: Http, asked: Asked, send: Send): Promise<WholeResponse> {
  const { host, signal, timeout = http.timeout, sent } = asked
  throwIfAborted(signal)
  const controller = new AbortController()
  // We keep the reason ourselves, because React Native's signals have none.
  let reason: unknown
  const end = (why: unknown): void => {
    reason = why
    controller.abort(why)
  }
  const abort = (): void => end(reasonOf(signal))
  signal.addEventListener('abort', abort)
  let [progress, isOver] = [0, false]
  const read = (): void => {
    progress++
  }
  const timedOut = async (): Promise<void> => {
    await inputIsRead(() => progress)
    if (!isOver) end(late(host, timeout))
  }
  const stopTimer =
    timeout === Infinity ? () => undefined : startTimer(http.clock, timeout, () => void timedOut())
  const responded = async (): Promise<WholeResponse> => {
    const sentAt = http.clock.now()
    let secrets: readonly string[] = []
    const response = await send((input, init) => {
      secrets = secretsIn(init)
      if (controller.signal.aborted) throw reason
      sent?.()
      return reached(host, http.fetch(input, plain(init)), secrets)
    }, controller.signal)
    read()
    const text = await reached(host, readText(response, read), secrets, response)
    return { host, response, text, sentAt, secrets }
  }
  try {
    // A fetch of the user's may ignore the signal.
    return await abortable(responded(), controller.signal)
  } catch (error) {
    throw controller.signal.aborted ? reason : error
  } finally {
    isOver = true
    stopTimer()
    signal.removeEventListener('abort', abort)
  }
}

function late(host: string, timeout: number): RefreshError {
  const message = `${host} did not respond within ${timeout} ms: it is down, slow, or out of reach from here.`
  return noting(new RefreshError('source_unreachable', message), { reach: 'broken' })
}

/**
 * Next.js caches the responses of POST requests on disk, so a rejected token would come back for ever. This member turns that off. Other
 * platforms ignore it.
 */
interface Uncached extends RequestInit {
  readonly next: { readonly revalidate: 0 }
}

/**
 * Adds the headers of every request. `accept-encoding: identity` asks for no compression: it gains nothing for a small response, and a wrong
 * `content-encoding` would lose the whole response. Browsers do not send that header.
 */
function plain(init: RequestInit | undefined): Uncached | undefined {
  if (init === undefined) return undefined
  const headers: Record<string, string> = {}
  new Headers(init.headers).forEach((value, name) => {
    headers[name] = value
  })
  return { ...init, headers: { ...headers, 'accept-encoding': 'identity' }, next: { revalidate: 0 } }
}

/**
 * Turns an error of the platform's fetch into a RefreshError.
 *
 * @param response the response whose body `step` reads; undefined if `step` sends the request
 */
async function reached<R>(
  host: string,
  step: Promise<R>,
  secrets: readonly string[],
  response?: Response,
): Promise<R> {
  try {
    return await step
  } catch (thrown) {
    const { reach, why } = connectionOf(thrown, secrets, host)
    // A fetch of the user's may put the whole request into its error, so the cause is cleaned.
    const cause = libraryCause(thrown, secrets)
    const isLabelled = response?.ok === true && (response.headers.get('content-encoding') ?? '') !== ''
    if (isLabelled && !CONNECTION.test(why)) {
      const message = `${host} responded with a success that cannot be decoded as its content-encoding says (${why}): mend the server, or what stands before it.`
      // The next request would get the same response, and spend another token. So we pause.
      throw noting(new RefreshError('source_unavailable', message, { cause, retryAfterMs: AFTER_LOSS }), {
        reach: 'accepted',
      })
    }
    const what =
      reach === 'unsent' ? 'could not be reached' : 'was asked, and its response did not arrive whole'
    const error = new RefreshError('source_unreachable', `${host} ${what} (${why}).`, { cause })
    throw noting(error, { reach })
  }
}

/** ms: the first pause after a success that cannot be decoded, as after a success without a token. */
const AFTER_LOSS = 5_000
/** Codes of a connection that broke while the body arrived. */
const CONNECTION = /^(?:E(?!RR_)[A-Z]+|UND_ERR_\w+|Connection\w+)\b/
