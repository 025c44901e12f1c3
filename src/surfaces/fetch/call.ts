import { RefreshError } from '../../core/errors.ts'
import type { RefreshListener } from '../../core/events.ts'
import type { RetryPolicy } from '../../core/retry-once.ts'
import type { Verdict } from '../../core/unauthorized.ts'
import type { Applied } from '../../http/apply.ts'
import { FirstEvent, type ServerSentEvent } from '../../http/first-event.ts'
import { letGo } from '../../http/let-go.ts'
import type { HttpSettings } from '../../http/options.ts'
import { Peeked } from './peeked.ts'
import { keep, type Replay } from './replay.ts'

/** What all calls of one fetch have in common. */
export interface CallSettings extends HttpSettings {
  readonly fetch: typeof fetch
}

/** An answer, judged. */
export interface Answered {
  readonly response: Response
  readonly verdict: Verdict | false
  /** It shows that the credential is good. */
  readonly accepts: boolean
}

/** One call of a fetch: the attempts that it makes, and the retry policy for them. */
export class FetchCall implements RetryPolicy<Answered> {
  readonly signal: AbortSignal | undefined
  readonly onEvent: RefreshListener | undefined
  readonly #settings: CallSettings
  readonly #input: RequestInfo | URL
  readonly #init: RequestInit | undefined
  readonly #origin: string
  /** What the caller may change once the call is made is kept as it was then. */
  readonly #replay: Replay | undefined
  #headers: Headers
  /** The caller leaves it to fetch to follow redirects. */
  readonly #follows: boolean
  #applied: Applied | undefined
  #isRetry = false

  constructor(
    settings: CallSettings,
    input: RequestInfo | URL,
    init: RequestInit | undefined,
    origin: string,
  ) {
    const request = isRequest(input) ? input : undefined
    this.#settings = settings
    this.#input = isRequest(input) ? input : input.toString()
    this.#init = init && copyOf(init)
    this.#origin = origin
    this.#headers = new Headers(init?.headers ?? request?.headers)
    this.#replay = keep(init?.body, request, settings.replayLimit)
    this.#follows = (init?.redirect ?? request?.redirect ?? 'follow') === 'follow'
    this.onEvent = settings.onEvent
    this.signal = (init?.signal === undefined ? request?.signal : init.signal) ?? undefined
  }

  /** Whether anything was sent. */
  get isUnsent(): boolean {
    return this.#applied === undefined
  }

  async attempt(applied: Applied): Promise<Answered> {
    const { fetch } = this.#settings
    const response = await fetch(this.#input, this.#prepare(applied))
    if (applied.survivesRedirects && isRedirect(response) && this.#follows) {
      letGo(response.body)
      throw new RefreshError(
        'redirect_refused',
        `${this.#origin} answered with a redirect, which would carry the credential's header along: ask where it leads to.`,
      )
    }
    return this.#judged(response)
  }

  isRejection(answer: Answered): Verdict | false {
    return answer.verdict
  }

  isAcceptance(answer: Answered): boolean {
    return answer.accepts
  }

  /** What fetch throws are lost connections and aborts. */
  isRejectionError(): boolean {
    return false
  }

  discard({ response }: Answered): void {
    letGo(response.body)
  }

  unrepeatable(): RefreshError | undefined {
    return this.#replay?.refusal()
  }

  /** Nothing is sent: lets go of the body, as fetch does. */
  abandon(reason: unknown): void {
    letGo(this.#ownBody ?? this.#init?.body, reason)
  }

  /** Lets go of what was kept for a second attempt. */
  end(): void {
    this.#replay?.end()
  }

  /** A Request brings its own body, once, unless init has another. */
  get #ownBody(): ReadableStream | undefined {
    const isOther = (this.#init?.body ?? undefined) !== undefined
    return isRequest(this.#input) && !isOther ? (this.#input.body ?? undefined) : undefined
  }

  #prepare(applied: Applied): RequestInit {
    this.#isRetry = this.#applied !== undefined
    const headers = this.#isRetry ? new Headers(this.#headers) : this.#headers
    for (const [name] of this.#applied?.set ?? []) headers.delete(name)
    for (const name of applied.remove) headers.delete(name)
    for (const [name, value] of applied.set) headers.set(name, value)
    this.#headers = headers
    this.#applied = applied
    const init: RequestInit = { ...this.#init, headers }
    const body = !this.#isRetry && this.#ownBody ? undefined : this.#replay?.body()
    if (body !== undefined) init.body = body
    if (applied.survivesRedirects && this.#follows) init.redirect = 'manual'
    return init
  }

  async #judged(response: Response): Promise<Answered> {
    const { judge, sniff } = this.#settings
    const { status } = response
    // Whoever was asked after a redirect to elsewhere has not seen the credential. Where it led back, platforms do not tell: a 401
    // counts then, for a refresh too many costs less than a call that dies; a success proves nothing.
    if (response.redirected && new URL(response.url).origin !== this.#origin) {
      return { response, verdict: false, accepts: false }
    }
    if (judge.suspects(status)) return this.#read(response)
    if (sniff && status === 200 && isEventStream(response)) return this.#sniffed(response)
    return { response, verdict: false, accepts: status < 400 && !response.redirected }
  }

  async #read(response: Response): Promise<Answered> {
    const body = new Peeked(response, this.signal)
    await body.readOn()
    const { status, headers } = response
    return this.#answered(body, this.#settings.judge.answer(status, headers, body.text()), status < 400)
  }

  async #sniffed(response: Response): Promise<Answered> {
    const first = new FirstEvent()
    const body = new Peeked(response, this.signal)
    let event: ServerSentEvent | 'none' | undefined
    await body.read((chunk) => (event = first.push(chunk)) !== undefined)
    event ??= first.end()
    const verdict = event === 'none' ? undefined : this.#settings.judge.event(event)
    // An error is the end of its stream: what follows it is handed on, too, if the answer is.
    if (this.#isTakenBack(verdict)) await body.readOn()
    return this.#answered(body, verdict, verdict === undefined)
  }

  #answered(body: Peeked, verdict: Verdict | undefined, isGood: boolean): Answered {
    // No connection is held while the credential is refreshed.
    const response = this.#isTakenBack(verdict) ? body.detached() : body.whole()
    const accepts = isGood && verdict?.rejected !== true && !response.redirected
    return { response, verdict: verdict ?? false, accepts }
  }

  /** A rejection that a second attempt may replace. */
  #isTakenBack(verdict: Verdict | undefined): boolean {
    return verdict?.rejected === true && !this.#isRetry
  }
}

export function isRequest(input: RequestInfo | URL): input is Request {
  return typeof input === 'object' && 'url' in input
}

/** Members may be a prototype's, as those of a Request are: spreading would lose them. */
function copyOf(init: RequestInit): RequestInit {
  const copy: RequestInit = {}
  for (const name in init) Reflect.set(copy, name, Reflect.get(init, name))
  return copy
}

/** Without a location there is nothing to follow. */
function isRedirect({ type, status, headers }: Response): boolean {
  return type === 'opaqueredirect' || (/^30[12378]$/u.test(`${status}`) && headers.has('location'))
}

/** What stands in for an answer in a test may have no headers. */
function isEventStream({ headers }: Response): boolean {
  return /^text\/event-stream\b/i.test(headers?.get?.('content-type') ?? '')
}
