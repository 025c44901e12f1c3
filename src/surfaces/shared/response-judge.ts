import {
  defaultRejectionRules,
  hasRuleFor401,
  type RejectionRule,
  type RejectionRules,
  rejectionRules,
  responseVerdict,
  verdict,
  type Verdict,
} from '../../core/verdict/unauthorized.ts'
import { isErrorBody } from '../../core/verdict/vendor-names.ts'
import type { ServerSentEvent } from './first-event.ts'

/** Tells the answers that are rejections from the others. */
export class ResponseJudge {
  readonly #rules: Readonly<Record<string, RejectionRule>>
  readonly #statuses: ReadonlySet<number>
  readonly #isPlain401: boolean

  /** @throws RefreshError `invalid_option` */
  constructor(changes: RejectionRules | undefined) {
    this.#rules = rejectionRules(changes)
    const statuses = Object.values(this.#rules).flatMap((rule) =>
      // A server's fault is handed on as it comes, with its body unread, unless a rule of the user's is about it.
      rule === defaultRejectionRules.wrapped_401 ? [400] : rule.statuses,
    )
    this.#statuses = new Set([401, ...statuses])
    this.#isPlain401 = !hasRuleFor401(this.#rules)
  }

  /** May an answer with this status be a rejection? Then its body is to be read. */
  mayReject(status: number): boolean {
    return this.#statuses.has(status)
  }

  /** @param body as much of it as was read */
  answer(status: number, headers: unknown, body: string): Verdict {
    return responseVerdict({ status, headers, body }, this.#rules, this.#isPlain401)
  }

  /** The first event of a stream: undefined where it is no error at all. */
  event({ name, data }: ServerSentEvent): Verdict | undefined {
    const body = parsed(data)
    return name === 'error' || isErrorBody(body) ? verdict({ body, type: name }, this.#rules) : undefined
  }
}

function parsed(data: string): unknown {
  try {
    return JSON.parse(data)
  } catch {
    return data
  }
}
