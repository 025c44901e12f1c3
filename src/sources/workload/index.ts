import { noting } from '../../credential/failure-facts.ts'
import type { Source } from '../../credential/source.ts'
import type { MadeFor } from '../../credential/store.ts'
import { afterSeconds } from '../../credential/token/expiry.ts'
import { RefreshError } from '../../errors.ts'
import { optionError } from '../../lib/options.ts'
import { WiderScope, withScope } from '../shared/oauth/wider-scope.ts'
import type { Asking } from '../shared/refusal-advice.ts'
import { readSecret } from '../shared/secret.ts'
import { readTokens } from '../shared/token-endpoint.ts'
import { ask, readHttp } from '../shared/token-request.ts'
import { readExchange } from './exchange.ts'
import type { SubjectToken, WorkloadOptions } from './options.ts'

/**
 * Tokens for a workload that has an identity and no secret. The platform issues a subject token for the workload: a Kubernetes service account
 * token, or a CI job's id token. The source exchanges it for an access token: at Anthropic's or OpenAI's endpoint, in the way of their own
 * clients, or at any other endpoint (RFC 8693). It reads the subject token anew at every exchange.
 *
 * `issue` throws a RefreshError: `source_unreachable`, `source_unavailable`, `source_rate_limited` (time mends them), `source_refused` (the
 * endpoint refuses this workload: its rule, or the subject token's audience, may be wrong), `source_invalid` (the response holds no token, or
 * there is no subject token), and any error of `subjectToken`.
 *
 * @throws RefreshError `invalid_option`
 * @example
 * const source = workload({
 *   for: 'anthropic',
 *   federationRuleId: 'fdrl_…',
 *   organizationId: '…',
 *   subjectToken: file('/var/run/secrets/anthropic.com/token'),
 * })
 */
export function workload(options: WorkloadOptions): Source {
  const { endpoint, headers, body, takesScope, longest, lifetime, about } = readExchange(options)
  const wider = new WiderScope()
  const { subjectToken } = options
  const http = readHttp(options)
  if (typeof subjectToken !== 'function' && typeof subjectToken?.issue !== 'function') {
    throw optionError('subjectToken', "must be a function, or a source such as file('/var/run/secrets/…')")
  }
  const asking: Asking = {
    person: false,
    spends: false,
    carriesClaims: false,
    isSigned: true,
    client: about.client === undefined ? 'this workload' : `client '${about.client}'`,
  }
  return {
    spendsRefreshToken: false,
    get madeFor(): MadeFor {
      return { issuer: endpoint.href, ...about, scope: wider.with(about.scope) }
    },
    ...(takesScope && { widen: wider.widen }),
    presented: async ({ signal }) => {
      const subject = await subjectOf(subjectToken, signal, longest)
      return [endpoint.href, body(subject, wider.with(about.scope))]
    },
    issue: async ({ signal, asGranted }) => {
      // The endpoint now refuses the demanded scopes, so we send only the configured ones.
      if (asGranted === true) wider.forget()
      const subject = await subjectOf(subjectToken, signal, longest)
      const scope = wider.with(about.scope)
      const request: RequestInit = { method: 'POST', headers, body: body(subject, scope), redirect: 'manual' }
      const whole = await ask(http, { host: endpoint.host, signal }, (fetch, sending) =>
        fetch(endpoint.href, { ...request, signal: sending }),
      )
      const isWider = wider.names.length > 0
      // Some endpoints add a refresh token. This source never redeems it, so it is dropped.
      const { refreshToken: _unused, ...issued } = readTokens(
        whole,
        { ...asking, scope, isWider },
        http.clock.now(),
      )
      const token = withScope(issued, scope)
      const isTold = token.expiresAt !== undefined || /"expires_?in"/i.test(whole.text)
      return isTold ? token : { ...token, expiresAt: afterSeconds(lifetime, whole.sentAt) }
    },
  }
}

async function subjectOf(given: SubjectToken, signal: AbortSignal, longest: number): Promise<string> {
  const subject = await readSecret('subjectToken', given, signal)
  if (subject.length <= longest) return subject
  throw invalid(`'subjectToken' gave ${subject.length} characters: it must give ${longest} at the most.`)
}

function invalid(message: string): RefreshError {
  return noting(new RefreshError('source_invalid', message), { reach: 'unsent' })
}

export type { TokenRequestOptions } from '../shared/token-request.ts'
export type {
  AnthropicWorkloadOptions,
  ExchangeEndpoint,
  ExchangeWorkloadOptions,
  OpenAIWorkloadOptions,
  SharedWorkloadOptions,
  SubjectToken,
  WorkloadOptions,
} from './options.ts'
