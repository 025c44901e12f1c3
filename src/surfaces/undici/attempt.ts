import { isMendable } from '../../core/verdict/demand.ts'
import type { Verdict } from '../../core/verdict/unauthorized.ts'
import type { RefreshError } from '../../errors.ts'
import type { Finding, Inspection } from '../shared/inspection.ts'
import type { ResponseJudge } from '../shared/response-judge.ts'
import { isMarked } from '../shared/synthetic-401.ts'
import { wasRedirectedFrom } from './context.ts'
import { cutShort, Delivery, type Ending, type Held, type Receiver } from './delivery.ts'
import { type Inspected, inspectionOf } from './response-inspection.ts'
import type { DispatchController, DispatchHandler, ResponseHeaders } from './types.ts'
import { Upgraded } from './upgraded.ts'

/** The result of an attempt. */
export interface Attempted extends Finding {
  /**
   * A rejection, or a demand for a wider scope, that the caller has not seen. The caller gets it if there is no second attempt. Otherwise
   * it is discarded.
   */
  readonly held?: HeldRejection | undefined
}

interface HeldRejection {
  handOn(): void
  discard(): void
}

/** The methods of a call that its attempts use. */
export interface Caller extends Receiver {
  readonly settings: { readonly judge: ResponseJudge; readonly inspectStreams: boolean }
  /** The origin that the credential may go to. */
  readonly origin: string
  /** Why the request must not be sent, if a reason was found. */
  readonly refused: RefreshError | undefined
  /** Tells the handler that undici has started the request. */
  begin(context: unknown): void
  answered(answer: Attempted): void
  /** Called when the response that the caller gets has ended. */
  over(): void
  /** Runs the caller's handler. If the handler throws, the request ends with that error. */
  guard(run: () => void): void
}

/** The result for most responses: the caller has the head already, and receives the rest directly from undici. */
const ACCEPTED: Attempted = { verdict: false, accepts: true }
export const PASSED: Attempted = { verdict: false, accepts: false }

/**
 * Receives undici's events of one attempt. Once the caller should have the response, usually when its head arrives, the attempt passes
 * every event on to the caller. Before that, it reads the body of a possible rejection, up to 64 KiB, or an event stream up to its first
 * event.
 *
 * `open`: no response has arrived. `reading`: we are judging the response. `passing`: the caller gets the response. `held`: the server
 * rejected the attempt, and the caller may still get the response. `dropped`: the caller has left.
 */
export class Attempt implements DispatchHandler, Inspected, HeldRejection {
  readonly isRetry: boolean
  readonly #caller: Caller
  #state: 'open' | 'reading' | 'passing' | 'held' | 'dropped' = 'open'
  #source: DispatchController | undefined
  /** undici's context of the attempt. It has the redirects that undici's interceptor has followed. */
  #context: unknown
  #held: Held | undefined
  #reading: Inspection | undefined
  #delivery: Delivery | undefined

  constructor(caller: Caller, isRetry: boolean) {
    this.#caller = caller
    this.isRetry = isRetry
  }

  /** Ends the attempt, because the caller leaves. */
  abort(reason: unknown): void {
    if (this.#state === 'passing' && this.#delivery?.isOver !== false) {
      this.#source?.abort(reason)
      return
    }
    this.#delivery?.stop()
    this.#reading?.close()
    this.#caller.answered(PASSED)
    this.#state = 'dropped'
    this.#source?.abort(reason)
    this.#caller.fail(reason)
  }

  onRequestStart(controller: DispatchController, context: unknown): void {
    if (this.#state === 'dropped') {
      controller.abort(this.#caller.controller.reason)
      return
    }
    this.#source = controller
    this.#context = context
    this.#caller.begin(context)
    if (this.#caller.refused !== undefined) controller.abort(this.#caller.refused)
  }

  onResponseStarted(): void {
    this.#caller.handler.onResponseStarted?.()
  }

  onBodySent(chunk: unknown): void {
    this.#caller.handler.onBodySent?.(chunk)
  }

  onRequestSent(): void {
    this.#caller.handler.onRequestSent?.()
  }

  onRequestUpgrade(
    source: DispatchController,
    status: number,
    headers: ResponseHeaders,
    socket: unknown,
  ): void {
    if (this.#state === 'dropped') return new Upgraded(socket).destroy()
    const { handler, controller, settings } = this.#caller
    const { judge } = settings
    const handOn = (): void => {
      this.#state = 'passing'
      controller.rawHeaders = source.rawHeaders
      controller.steer(source)
      handler.onRequestUpgrade?.(controller, status, headers, socket)
    }
    const verdict = judge.mayReject(status, undefined) && judge.answer(status, headers, '')
    if (verdict === false || !verdict.rejected) {
      this.#caller.answered(status < 400 ? ACCEPTED : PASSED)
      return handOn()
    }
    this.#state = 'held'
    const upgraded = new Upgraded(socket)
    const release = (): void => {
      upgraded.release()
      this.#caller.guard(handOn)
    }
    this.#caller.answered({
      verdict,
      accepts: false,
      held: { handOn: release, discard: () => upgraded.destroy() },
    })
  }

  onResponseStart(
    source: DispatchController,
    status: number,
    headers: ResponseHeaders,
    message?: string,
  ): void {
    const { handler, controller, origin, settings } = this.#caller
    if (this.#state === 'dropped') return
    // Pass informational responses on. There may be several before the final one (RFC 9110 section 15.2).
    if (status >= 200) {
      const isForeign = wasRedirectedFrom(origin, this.#context) || isMarked(headers)
      this.#reading = isForeign ? undefined : inspectionOf(status, headers, settings, this)
      if (this.#reading === undefined) {
        this.#state = 'passing'
        controller.steer(source)
        this.#caller.answered(status < 400 && !isForeign ? ACCEPTED : PASSED)
      }
    }
    if (this.#reading === undefined) {
      controller.rawHeaders = source.rawHeaders
      handler.onResponseStart?.(controller, status, headers, message)
      return
    }
    this.#state = 'reading'
    const { rawHeaders } = source
    this.#held = { status, headers, message, rawHeaders, chunks: [], ending: undefined }
  }

  onResponseData(source: DispatchController, chunk: Uint8Array): void {
    if (this.#state === 'passing') {
      if (this.#delivery?.isOver === false) this.#delivery.push(chunk)
      else this.#caller.handler.onResponseData?.(this.#caller.controller, chunk)
    } else if (this.#state === 'reading') {
      this.#held?.chunks.push(chunk)
      this.#reading?.push(chunk)
      if (this.#reading?.isFull === true) source.pause()
    }
  }

  onResponseEnd(source: DispatchController, trailers: ResponseHeaders): void {
    const { rawTrailers } = source
    if (this.#state === 'passing' && this.#delivery?.isOver !== false) {
      const { handler, controller } = this.#caller
      controller.rawTrailers = rawTrailers
      handler.onResponseEnd?.(controller, trailers)
    } else this.#end({ type: 'end', trailers, rawTrailers })
    if (this.#state === 'passing') this.#caller.over()
  }

  onResponseError(_source: DispatchController | undefined, error: unknown): void {
    if (this.#state === 'open') {
      this.#state = 'passing'
      this.#caller.answered(PASSED)
    }
    if (this.#state === 'passing') {
      this.#delivery?.stop()
      this.#caller.fail(error)
    } else this.#end({ type: 'error', error })
  }

  #end(ending: Ending): void {
    if (this.#state === 'passing') this.#delivery?.end(ending)
    if (this.#state !== 'reading' || this.#held === undefined) return
    this.#held.ending = ending
    this.#reading?.end()
  }

  /** Receives the finding of the inspection. */
  decide(finding: Finding): void {
    this.#reading = undefined
    if (isMendable(finding.verdict) && !this.isRetry) this.#hold(finding.verdict)
    else {
      this.#caller.answered(finding)
      this.handOn()
    }
  }

  /** Holds a rejection during the refresh, but discards the rest of its body, so that the refresh holds no connection. */
  #hold(verdict: Verdict): void {
    this.#state = 'held'
    const held = this.#held
    if (held !== undefined && held.ending === undefined) {
      cutShort(held)
      this.#source?.abort(new Error('The rest of a rejected answer is not wanted.'))
    }
    this.#caller.answered({ verdict, accepts: false, held: this })
  }

  handOn(): void {
    if (this.#held === undefined) return
    this.#state = 'passing'
    const source = this.#held.ending === undefined ? this.#source : undefined
    this.#delivery = new Delivery(this.#caller, this.#held, source)
    this.#delivery.start()
  }

  discard(): void {
    this.#held = undefined
  }
}
