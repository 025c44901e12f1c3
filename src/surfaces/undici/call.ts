import type { RefreshListener } from '../../core/events.ts'
import type { Refresher, Snapshot } from '../../core/refresher.ts'
import { type Made, retryFrom, type RetryPolicy } from '../../core/retry-once.ts'
import type { Verdict } from '../../core/verdict/unauthorized.ts'
import { RefreshError } from '../../errors.ts'
import type { HttpSettings } from '../shared/http-surface.ts'
import { synthetic401 } from '../shared/synthetic-401.ts'
import { type Attempted, Attempt, type Caller, PASSED } from './attempt.ts'
import { updateContext } from './context.ts'
import { CallController } from './controller.ts'
import { Delivery } from './delivery.ts'
import { type Bound, dispatchWatched } from './destination.ts'
import type { AppliedHeaders } from './headers.ts'
import { OutgoingRequest } from './outgoing.ts'
import type { Dispatch, DispatchHandler, DispatchOptions, Vouched } from './types.ts'

/** The common settings of all requests through one interceptor. */
export interface CallSettings extends HttpSettings {
  readonly vouched: Vouched
  /** True if the login is known to have ended. */
  readonly isDead: () => boolean
  /** Throws if no person has logged in since the login ended. */
  readonly assertRevived: () => Promise<void>
  /** True if the credential may go to this origin. */
  readonly isAllowed: (origin: string) => boolean
}

/** One request of a caller: its attempts, and the retry policy for them. */
export class Call implements RetryPolicy<Attempted>, Caller, Bound {
  readonly settings: CallSettings
  readonly origin: string
  /** Why we must not send the request; undefined if we may. */
  refused: RefreshError | undefined
  readonly handler: DispatchHandler
  readonly controller: CallController
  readonly #credential: Refresher<AppliedHeaders>
  readonly #dispatch: Dispatch
  readonly #request: OutgoingRequest
  #attempt: Attempt | undefined
  /** The delivery of a response that we made ourselves. */
  #answer: Delivery | undefined
  /** The credential of a first attempt that runs without the retry policy. */
  #first: Snapshot<AppliedHeaders> | undefined
  /** Passes the result of an attempt to the retry policy. */
  #settle: ((answer: Attempted) => void) | undefined
  #hasBegun = false
  /** The context that the caller got when its request began. */
  #context: unknown
  readonly #isRefused: boolean
  #isOver = false
  #isEnded = false
  /** A rejection that a second attempt may replace. */
  #held: Attempted['held']

  constructor(
    settings: CallSettings,
    credential: Refresher<AppliedHeaders>,
    origin: string,
    dispatch: Dispatch,
    options: DispatchOptions,
    handler: DispatchHandler,
  ) {
    this.settings = settings
    this.origin = origin
    this.handler = handler
    this.controller = new CallController(this)
    this.#credential = credential
    this.#dispatch = dispatch
    this.#request = new OutgoingRequest(options, settings.replayLimit, settings.vouched.isOwned)
    this.#isRefused = settings.isRefusedWhenDead && settings.isDead()
  }

  get onEvent(): RefreshListener | undefined {
    return this.settings.onEvent
  }

  isAllowed(origin: string): boolean {
    return this.settings.isAllowed(origin)
  }

  get endpoint(): string {
    return this.#request.endpoint
  }

  /**
   * True if the call has already failed for the caller. The retry policy notices that only after its wait, and then must report nothing.
   */
  get isLeft(): boolean {
    return this.#isOver
  }

  /** Makes the request at once if there is a usable credential, or after a wait for one. Returns the result of `dispatch`. */
  start(): boolean {
    const snapshot = this.#isRefused ? undefined : this.#credential.usable?.()
    if (snapshot !== undefined) return this.#sendNow(snapshot)
    this.#request.copyHeaders()
    // Begin with an empty context: the redirects of the attempts are not known yet.
    this.guard(() => this.begin({}))
    if (this.#isOver) this.#end()
    else void this.#run(undefined)
    return true
  }

  begin(context: unknown): void {
    if (this.#hasBegun) return updateContext(this.#context, context)
    this.#hasBegun = true
    this.#context = context
    this.handler.onRequestStart?.(this.controller, context)
  }

  misled(origin: string): void {
    const problem = `The request names ${this.origin}, but its dispatcher sends it to ${origin}, which is not among the 'origins': use an Agent, or name that server's origin.`
    this.refused = new RefreshError('invalid_request', problem)
  }

  over(): void {
    this.#request.over()
  }

  fail(error: unknown): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#request.over(error)
    try {
      this.handler.onResponseError?.(this.controller, error)
    } catch (reason) {
      // No caller is left to receive the error.
      queueMicrotask(() => {
        throw reason
      })
    }
  }

  /** Runs the caller's handler. If the handler throws, the request ends with that error. */
  guard(run: () => void): void {
    try {
      run()
    } catch (error) {
      this.fail(error)
    }
  }

  /** Ends the call at once when the caller leaves, even during a wait. */
  aborted(reason: unknown): void {
    const waiting = this.#answer ?? this.#attempt
    if (waiting === undefined) this.fail(reason)
    else waiting.abort(reason)
    if (!this.#isOver) return
    this.#held?.discard()
    this.#end()
  }

  isRejection({ verdict, held }: Attempted): Verdict | false | Promise<Verdict | false> {
    return held === undefined || !this.#request.isRecorded ? verdict : this.#request.completeBefore(verdict)
  }

  isAcceptance({ accepts }: Attempted): boolean {
    return accepts
  }

  /** No thrown error is a rejection: the attempt itself passes errors to the caller. */
  isRejectionError(): boolean {
    return false
  }

  discard({ held }: Attempted): void {
    held?.discard()
  }

  unrepeatable(): RefreshError | undefined {
    return this.#request.refusal()
  }

  /**
   * Receives the result of an attempt. The first attempt runs without the retry policy, which would cost every request several promises.
   * The policy takes over if the result is a rejection or a demand.
   */
  answered(answer: Attempted): void {
    const first = this.#first
    this.#held ??= answer.held
    if (this.#settle !== undefined) return this.#settle(answer)
    if (first === undefined) return
    this.#first = undefined
    if (answer.held !== undefined) {
      void this.#run({ snapshot: first, result: answer })
    } else {
      if (answer.accepts) this.#credential.accepted(first, this.endpoint)
      this.#end()
    }
  }

  /** @param made the first attempt, if it has already run */
  async #run(made: Made<AppliedHeaders, Attempted> | undefined): Promise<void> {
    const attempt = (value: AppliedHeaders): Promise<Attempted> =>
      new Promise((resolve) => {
        this.#settle = resolve
        if (this.#isOver) resolve(PASSED)
        else this.#send(value)
      })
    try {
      if (this.#isRefused) await this.settings.assertRevived()
      const { held } = await retryFrom(made, this.#credential, attempt, this)
      if (this.#isOver) held?.discard()
      else held?.handOn()
    } catch (reason) {
      if (!this.#request.wasPrepared && !this.#isOver) this.#refuse(reason)
      else this.fail(reason)
    } finally {
      this.#end()
    }
  }

  #end(): void {
    if (this.#isEnded) return
    this.#isEnded = true
    this.#request.end()
  }

  /** Makes the first attempt at once. If the dispatcher throws, so does the caller's `dispatch`, as without us. */
  #sendNow(snapshot: Snapshot<AppliedHeaders>): boolean {
    this.#first = snapshot
    this.#attempt = new Attempt(this, false)
    try {
      return this.#dispatchTo(this.#request.prepare(snapshot.value), this.#attempt)
    } catch (error) {
      this.#first = undefined
      this.#isOver = true
      this.#end()
      throw error
    }
  }

  #dispatchTo(options: DispatchOptions, attempt: Attempt): boolean {
    if (this.settings.vouched.goesStraight) return this.#dispatch(options, attempt)
    return dispatchWatched(this, this.#dispatch, options, attempt)
  }

  #send(credential: AppliedHeaders): void {
    const attempt = new Attempt(this, this.#request.wasPrepared)
    this.#attempt = attempt
    try {
      this.#dispatchTo(this.#request.prepare(credential), attempt)
    } catch (error) {
      attempt.onResponseError(undefined, error)
    }
  }

  /** Delivers a 401 that we make, because there is no credential to send. */
  #refuse(reason: unknown): void {
    const { status, statusText: message, headers, body } = synthetic401(reason)
    const chunks = this.#request.method === 'HEAD' ? [] : [Buffer.from(body)]
    const rawHeaders = Object.entries(headers).flatMap((field) => field.map((text) => Buffer.from(text)))
    const ending = { type: 'end', trailers: {}, rawTrailers: [] } as const
    this.#answer = new Delivery(this, { status, message, headers, rawHeaders, chunks, ending }, undefined)
    this.#answer.start()
  }
}
