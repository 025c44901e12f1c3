import type { RefreshListener } from '../../core/events.ts'
import type { RetryPolicy } from '../../core/retry-once.ts'
import { isMendable } from '../../core/verdict/demand.ts'
import { get } from '../../core/verdict/foreign.ts'
import type { Verdict } from '../../core/verdict/unauthorized.ts'
import { RefreshError } from '../../errors.ts'
import { parsedUrl } from '../../lib/secure-url.ts'
import type { Applied } from '../shared/apply.ts'
import { type HttpSettings, isEventStream } from '../shared/http-surface.ts'
import { type Finding, inspectBody, inspectEvents } from '../shared/inspection.ts'
import { releaseBody } from '../shared/release-body.ts'
import { headerOf, isSynthetic401, synthetic401 } from '../shared/synthetic-401.ts'
import type { Beneath } from './beneath.ts'
import { keepHeaders, type KeptHeaders } from './headers.ts'
import { Peeked } from './peeked.ts'
import { isStream, keep, type Replay } from './replay.ts'
import type { Target } from './target.ts'

/** The common settings of all calls of one fetch. */
export interface CallSettings extends HttpSettings {
  readonly beneath: Beneath
}

/** The result of an attempt: a response, and our verdict on it. */
export interface Attempted extends Finding {
  /** Makes the response for the caller. Called only if the caller gets this one. */
  readonly handOn: () => Response
  /** Discards the response, if the caller does not get it. */
  readonly discard: () => void
}

/** One call of a fetch: the attempts that it makes, and the retry policy for them. */
export class FetchCall implements RetryPolicy<Attempted> {
  readonly signal: AbortSignal | undefined
  readonly onEvent: RefreshListener | undefined
  readonly origin: string
  /** The fetch beneath ours observes the caller's abort, and throws its own error for it. */
  readonly aborts: boolean = true
  /** Method and path, without the query. */
  readonly endpoint: string
  readonly #settings: CallSettings
  readonly #target: Target
  readonly #init: RequestInit | undefined
  /** A copy of the body, because the caller may change its own after the call. */
  readonly #replay: Replay | undefined
  readonly #headers: KeptHeaders
  /** True if the caller lets fetch follow redirects. */
  readonly #follows: boolean
  /** The number of attempts that were begun. */
  attempts = 0

  constructor(settings: CallSettings, target: Target, init: RequestInit | undefined) {
    const { request } = target
    this.#settings = settings
    this.#target = target
    this.endpoint = target.endpoint
    this.origin = target.origin
    this.#init = init && copyOf(init)
    this.#headers = keepHeaders(init?.headers ?? request?.headers)
    this.#follows = (init?.redirect ?? request?.redirect ?? 'follow') === 'follow'
    this.onEvent = settings.onEvent
    const signal = (init?.signal === undefined ? request?.signal : init.signal) ?? undefined
    // Ignore an object that is no signal: fetch rejects it with its own error.
    this.signal = typeof signal?.addEventListener === 'function' ? signal : undefined
    // Copy no body if the caller has already aborted: fetch sends nothing, and discards the caller's body.
    if (!this.signal?.aborted) this.#replay = keep(init?.body, target, settings.replayLimit)
  }

  async attempt(applied: Applied): Promise<Attempted> {
    const { request, href } = this.#target
    this.attempts++
    let response: Response
    try {
      response = await this.#settings.beneath.send([request ?? href, this.#prepare(applied)], applied)
    } catch (error) {
      response = hidden401(error)
    }
    const head = headOf(response)
    // If the value is no response, or throws when we read it, the caller gets it unchanged.
    if (head === undefined) return asItCame(response, false)
    if (applied.survivesRedirects && isRedirect(head) && this.#follows) {
      releaseBody(response.body)
      return this.#refusedRedirect()
    }
    return this.#judged(response, head)
  }

  isRejection({ verdict }: Attempted): Verdict | false | Promise<Verdict | false> {
    // Before a second attempt, wait until we know whether the body can be sent again.
    const settled = isMendable(verdict) && this.attempts === 1 ? this.#replay?.settle?.() : undefined
    return settled === undefined ? verdict : settled.then(() => verdict)
  }

  isAcceptance(answer: Attempted): boolean {
    return answer.accepts
  }

  /** No thrown error is a rejection: fetch throws only for lost connections, aborts and invalid requests. */
  isRejectionError(): boolean {
    return false
  }

  discard({ discard }: Attempted): void {
    discard()
  }

  unrepeatable(): RefreshError | undefined {
    return this.#replay?.refusal()
  }

  /** Discards the caller's body if we never sent the request, as fetch does. */
  abandon(reason: unknown): void {
    releaseBody(this.#init?.body ?? this.#target.request?.body, reason)
  }

  /** Discards our copy of the body. */
  end(): void {
    this.#replay?.end()
  }

  #prepare(applied: Applied): RequestInit {
    // We do not spread: Node 20 takes some microseconds to add to an object that was made by spreading another.
    const init = Object.assign<RequestInit, RequestInit | undefined>({}, this.#init)
    const { request } = this.#target
    if (request && !Object.keys(init).length) {
      // fetch resets both if it gets options beside a `Request` (Fetch standard, section 5.4), so copy them.
      init.referrer = request.referrer
      init.referrerPolicy = request.referrerPolicy
    }
    init.headers = this.#headers(applied)
    const isRetry = this.attempts > 1
    // The first attempt sends the body of the caller's `Request`, unless the caller gave another in `init`.
    const isBrought = request !== undefined && (init.body ?? undefined) === undefined
    const body = !isRetry && isBrought ? undefined : this.#replay?.body()
    if (body !== undefined) init.body = body
    // fetch requires `duplex` for a body that is a stream (Fetch standard, section 5.4). TypeScript does not know it yet.
    if (isRetry && body !== undefined && isStream(body)) Reflect.set(init, 'duplex', 'half')
    if (applied.survivesRedirects && this.#follows) init.redirect = 'manual'
    return init
  }

  /** The response for a redirect that we do not follow. Vendors' clients would take a thrown error for a lost connection, and retry. */
  #refusedRedirect(): Attempted {
    const { body, ...own } = synthetic401(
      new RefreshError(
        'redirect_refused',
        `${this.#target.origin} answered with a redirect, which would carry the credential's header along: ask where it leads to.`,
      ),
    )
    return asItCame(new Response(body, own), false)
  }

  #judged(response: Response, head: ResponseHead): Attempted | Promise<Attempted> {
    const { judge, inspectStreams } = this.#settings
    const { status, headers, redirected } = head
    // If the last server is of another origin, it has not seen the credential. If the redirects led away and back, no platform tells. So a
    // 401 of our origin counts, because a needless refresh costs less than a failed call. A success proves nothing.
    if (redirected && (head.origin ?? this.#target.origin) !== this.#target.origin)
      return asItCame(response, false)
    if (status >= 400 && isSynthetic401(headers)) return asItCame(response, false)
    const contentType = headerOf(headers, 'content-type')
    if (isEventStream(status, contentType)) {
      if (inspectStreams && status === 200) return this.#inspected(response, head, 'events')
      const verdict = judge.mayReject(status, contentType) && judge.answer(status, headers, '')
      if (!isMendable(verdict)) return asItCame(response, !redirected)
    }
    if (judge.mayReject(status, contentType)) return this.#inspected(response, head, 'body')
    return asItCame(response, status < 400 && !redirected)
  }

  async #inspected(response: Response, head: ResponseHead, what: 'body' | 'events'): Promise<Attempted> {
    const { judge } = this.#settings
    const mayTakeBack = this.attempts === 1
    const peeked = new Peeked(response, this.signal)
    const { verdict, accepts } = await peeked.inspect((judged) =>
      what === 'body'
        ? inspectBody(judge, head, undefined, judged)
        : inspectEvents(judge, head, undefined, mayTakeBack, judged),
    )
    // Close the connection of a rejection, so that the refresh holds none.
    const isTakenBack = mayTakeBack && verdict !== false && verdict.rejected
    const handOn = isTakenBack ? peeked.detach() : () => peeked.whole()
    const discard = (): void => (isTakenBack ? undefined : releaseBody(get(response, 'body')))
    return { verdict, accepts: accepts && !head.redirected, handOn, discard }
  }
}

function asItCame(response: Response, accepts: boolean): Attempted {
  return { verdict: false, accepts, handOn: () => response, discard: () => releaseBody(response.body) }
}

/**
 * Restores a 401 that undici 7.19 to 7.24 discards if the request's body is a stream. All that shows it is this error (nodejs/undici#4940).
 */
function hidden401(error: unknown): Response {
  if (get(get(error, 'cause'), 'message') !== 'expected non-null body source') throw error
  return new Response(null, { status: 401 })
}

/** Copies inherited members, too, which spreading would lose. A caller may pass a `Request` as `init`. */
function copyOf(init: RequestInit): RequestInit {
  const copy: RequestInit = {}
  for (const name in init) Reflect.set(copy, name, Reflect.get(init, name))
  return copy
}

/** The head of a response. We read each member once. */
interface ResponseHead {
  readonly type: unknown
  readonly status: number
  readonly headers: unknown
  readonly redirected: boolean
  /** The origin of a redirected response; undefined if the response does not tell. */
  readonly origin: string | undefined
}

function headOf(response: Response): ResponseHead | undefined {
  const status: unknown = get(response, 'status')
  if (typeof status !== 'number') return undefined
  const redirected = get(response, 'redirected') === true
  const origin = redirected ? parsedUrl(String(get(response, 'url')))?.origin : undefined
  return { type: get(response, 'type'), status, headers: get(response, 'headers'), redirected, origin }
}

/** True if fetch would follow the response. A redirect without a `location` leads nowhere. */
function isRedirect({ type, status, headers }: ResponseHead): boolean {
  const leads = [301, 302, 303, 307, 308].includes(status) && headerOf(headers, 'location') !== undefined
  return type === 'opaqueredirect' || leads
}
