import { isErrorBody, statusOfName } from '../../core/verdict/error-names.ts'
import {
  defaultRejectionRules,
  hasRuleFor401,
  isTelling,
  type RejectionRule,
  type RejectionRules,
  rejectionRules,
  responseVerdict,
  verdict,
  type Verdict,
} from '../../core/verdict/unauthorized.ts'
import type { ServerSentEvent } from './first-event.ts'

/** Tells rejections from other responses. */
export class ResponseJudge {
  readonly #rules: Readonly<Record<string, RejectionRule>>
  readonly #statuses: ReadonlySet<number>
  readonly #isPlain401: boolean
  readonly #readsFaults: boolean
  /**
   * The body of the last 401 that says no more than its status. In a storm of rejections the next one has the same body, and is judged at
   * once.
   */
  #plainBody: string | undefined

  /** @throws RefreshError `invalid_option` */
  constructor(changes: RejectionRules | undefined) {
    this.#rules = rejectionRules(changes)
    const { wrapped_401 } = this.#rules
    const isDefault = wrapped_401 === defaultRejectionRules.wrapped_401
    const statuses = Object.values(this.#rules).flatMap((rule) =>
      isDefault && rule === wrapped_401 ? [400] : rule.statuses,
    )
    this.#statuses = new Set([401, ...statuses])
    this.#readsFaults = isDefault
    this.#isPlain401 = !hasRuleFor401(this.#rules)
  }

  /**
   * True if a response with this head may be a rejection, so that we have to read its body. A 500 passes unread unless its body is JSON: a
   * gateway may state another server's 401 there.
   */
  mayReject(status: number, contentType: unknown): boolean {
    return this.#statuses.has(status) || (status === 500 && this.#readsFaults && isJson(contentType))
  }

  /** @param body the part of the body that was read */
  answer(status: number, headers: unknown, body: string): Verdict {
    const isPlain = status === 401 && this.#isPlain401 && (body === this.#plainBody || !isTelling(body))
    if (isPlain) this.#plainBody = body
    return responseVerdict({ status, headers, body }, this.#rules, isPlain)
  }

  /** Judges the first event of a stream; undefined if that event is no error. */
  event({ name, data }: ServerSentEvent): Verdict | undefined {
    const body = parsed(data)
    const isError = name === 'error' || statusOfName(name) === 401 || isErrorBody(body)
    return isError ? verdict({ body, type: name }, this.#rules) : undefined
  }
}

function isJson(contentType: unknown): boolean {
  return typeof contentType === 'string' && /^\s*application\/(?:[\w.+-]+\+)?json\b/i.test(contentType)
}

function parsed(data: string): unknown {
  try {
    return JSON.parse(data)
  } catch {
    return data
  }
}
