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

/** How a source's requests are sent. */
export interface TokenRequestOptions {
  /** Sends the requests. Not the fetch that carries the credential. Default: the platform's. */
  fetch?: typeof globalThis.fetch | undefined
  /**
   * ms, until the response to one request has arrived whole. A request that redeems a refresh token or an authorization code is not
   * ended by it: its token may be spent by then, and the response is all that is left of the login.
   * @default 10_000
   */
  timeout?: number | undefined
  /**
   * Endpoints that may be asked over plain http, inside a network that you trust: each is an origin.
   * @default [] only this machine is
   * @example plainHttpEndpoints: ['http://keycloak:8080']
   */
  plainHttpEndpoints?: readonly string[] | undefined
  /** Time, for tests to control. Default: the platform's. */
  clock?: Clock | undefined
}

/** The options with their defaults, checked. */
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

/** A response that has arrived whole. */
export interface WholeResponse {
  /** Who responded, to begin a sentence with. */
  readonly host: string
  readonly response: Response
  /** At most 1 MiB: what is longer is judged by its beginning. */
  readonly text: string
  /** epoch ms; lifetimes count from here, for it is not known how long the response took */
  readonly sentAt: number
  /** What must not come back in a message. */
  readonly secrets: readonly string[]
}

/** Sends one request: with this fetch, and this signal. */
export type Send = (fetch: typeof globalThis.fetch, signal: AbortSignal) => Promise<Response>

/** Whom one request is for, and what ends it. */
export interface Asked {
  readonly host: string
  readonly signal: AbortSignal
  /** ms until it is given up; Infinity: only the signal ends it. Default: the timeout of the options. */
  readonly timeout?: number | undefined
  /** Is told when the request is handed to fetch. */
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
 * The platform's fetch, looked up at each call. A surface of ours in its place passes the requests of a source that it serves; where it
 * cannot know of them (a browser, a login), they go to the fetch beneath it: it would wait for the token that is being fetched.
 */
const platformFetch: Fetch = (...request) =>
  ((isInSource() ? undefined : rawFetch()) ?? globalThis.fetch)(...request)

/**
 * Makes one request, and waits until its response has arrived whole.
 *
 * @throws RefreshError `source_unreachable`, which shows nothing of what was sent; the signal's reason; whatever `send` throws besides
 */
export async function ask(http: Http, asked: Asked, send: Send): Promise<WholeResponse> {
  const { host, signal, timeout = http.timeout, sent } = asked
  throwIfAborted(signal)
  const controller = new AbortController()
  // Kept beside the signal: not every platform's signal keeps its reason (React Native).
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
    // A fetch that was given may take no notice of the signal.
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

/** Next.js keeps the responses of POSTs, too, on disk: a token that was rejected would come back for ever. Nobody else reads this. */
interface Uncached extends RequestInit {
  readonly next: { readonly revalidate: 0 }
}

/** A small response gains nothing by compression, and a label that is wrong loses it whole. Browsers leave the header out. */
function plain(init: RequestInit | undefined): Uncached | undefined {
  if (init === undefined) return undefined
  const headers: Record<string, string> = {}
  new Headers(init.headers).forEach((value, name) => {
    headers[name] = value
  })
  return { ...init, headers: { ...headers, 'accept-encoding': 'identity' }, next: { revalidate: 0 } }
}

/** @param response whose body is read */
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
    // A fetch of the user's may put the whole request into its error.
    const cause = libraryCause(thrown, secrets)
    const isLabelled = response?.ok === true && (response.headers.get('content-encoding') ?? '') !== ''
    if (isLabelled && !CONNECTION.test(why)) {
      const message = `${host} responded with a success that cannot be decoded as its content-encoding says (${why}): mend the server, or what stands before it.`
      // The same request would bring the same again, and spend another token.
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

/** ms, as after any success without a token */
const AFTER_LOSS = 5_000
/** Codes of a connection that broke while a body came. */
const CONNECTION = /^(?:E(?!RR_)[A-Z]+|UND_ERR_\w+|Connection\w+)\b/
