import { RefreshError } from '../../core/errors.ts'
import { optionError } from '../../core/options.ts'
import { type Answer, readObject, refusal } from '../answer.ts'
import { afterSeconds, readExpiry } from '../expiry.ts'
import { ask, readHttp } from '../request.ts'
import { readSecret } from '../secret.ts'
import type { Source } from '../source.ts'
import type { AccessToken } from '../token.ts'
import { readExchange } from './workload/exchange.ts'
import type { SubjectToken, WorkloadOptions } from './workload/options.ts'

/**
 * Tokens for a workload that has an identity and no secret: what its platform says of it (a Kubernetes service account
 * token, a CI job's id token) is exchanged for an access token, at Anthropic's or OpenAI's endpoint as their own clients do
 * it, or at any other (RFC 8693). The subject token is read anew at every exchange.
 *
 * `issue` throws a RefreshError: `source_unreachable`, `source_unavailable`, `source_rate_limited` (time mends them),
 * `source_refused` (the endpoint says no to this workload; its rule or the subject token's audience may be wrong),
 * `source_invalid` (an answer without a token, or no subject token), and whatever `subjectToken` throws.
 *
 * @throws RefreshError `invalid_option`
 * @example
 * const source = workloadIdentity({
 *   for: 'anthropic',
 *   federationRuleId: 'fdrl_…',
 *   organizationId: '…',
 *   subjectToken: file('/var/run/secrets/anthropic.com/token'),
 * })
 */
export function workloadIdentity(options: WorkloadOptions): Source {
  const { endpoint, headers, body, longest, lifetime } = readExchange(options)
  const { subjectToken } = options
  const http = readHttp(options)
  if (typeof subjectToken !== 'function' && typeof subjectToken?.issue !== 'function') {
    throw optionError('subjectToken', "must be a function, or a source such as file('/var/run/secrets/…')")
  }
  return {
    rotates: false,
    issue: async ({ signal }) => {
      const subject = await subjectOf(subjectToken, signal, longest)
      const request: RequestInit = { method: 'POST', headers, body: body(subject), redirect: 'manual' }
      const answer = await ask(http, endpoint.host, signal, (fetch, sending) =>
        fetch(endpoint.href, { ...request, signal: sending }),
      )
      const refused = refusal(answer, http.clock.now())
      if (refused) throw refused
      return readToken(answer, lifetime)
    },
  }
}

async function subjectOf(given: SubjectToken, signal: AbortSignal, longest: number): Promise<string> {
  const subject = await readSecret('subjectToken', given, signal)
  if (subject.length <= longest) return subject
  throw invalid(
    `'subjectToken' gave ${subject.length} characters: the endpoint takes ${longest} at the most.`,
  )
}

/** @param lifetime in seconds, where the answer does not say it */
function readToken(answer: Answer, lifetime: number | undefined): AccessToken {
  const { host, sentAt } = answer
  const body = readObject(answer)
  const field = (name: string): unknown => Reflect.get(body, name)
  const [accessToken, tokenType, scope] = [field('access_token'), field('token_type'), field('scope')]
  if (typeof accessToken !== 'string' || !/^[\x21-\x7e]+$/.test(accessToken)) {
    throw invalid(`${host} answered without an access token.`)
  }
  // N_A: it is none that a scheme is known of (RFC 8693 section 2.2.1).
  if (typeof tokenType === 'string' && !/^(?:bearer|n_a)$/i.test(tokenType)) {
    throw invalid(`${host} answered with a token that is no bearer token.`)
  }
  const said = field('expires_in') ?? undefined
  return {
    accessToken,
    expiresAt:
      readExpiry(said, accessToken, sentAt) ??
      (said === undefined ? afterSeconds(lifetime, sentAt) : undefined),
    scope: typeof scope === 'string' ? scope : undefined,
  }
}

function invalid(message: string): RefreshError {
  return new RefreshError('source_invalid', message)
}

export type { SubjectToken, WorkloadOptions }
