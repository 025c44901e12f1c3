import { type FailureFacts, noting } from '../../credential/failure-facts.ts'
import type { AccessToken } from '../../credential/token.ts'
import { NO_TOKEN, readTokenResponse } from '../../credential/token/token-response.ts'
import { RefreshError, type RefreshErrorCode } from '../../errors.ts'
import { holdsSecret } from '../../lib/harmless.ts'
import { parseRetryAfter, servedAt } from '../../lib/retry-after.ts'
import { isChallengeRefusal, loginEndedBy } from './login-ended.ts'
import { adviceOn, type Asking, redirectHost } from './refusal-advice.ts'
import { challengeOf, errorOf } from './refused-words.ts'
import { readBody, type ResponseBody } from './response-body.ts'
import type { WholeResponse } from './token-request.ts'

/** Statuses by which a server asks the client to try again later. They do not refuse the request. */
const PATIENCE = new Set([408, 425])
const PATIENT_WORDS = new Set(
  (
    'temporarily_unavailable server_error internal_error internal_server_error service_unavailable slow_down rate_limit_exceeded ' +
    'rate_limited ratelimited too_many_requests throttled throttling TooManyRequestsException ThrottlingException'
  ).split(' '),
)
/**
 * ms: the first pause after a success without a token. That response may have spent the refresh token, and each further request may spend
 * another one. So the first pause is already as long as the pauses of an outage become. It is no longer than those: if no token was spent, a
 * refresh soon notices that the outage is over.
 */
const AFTER_LOSS = 5_000

/**
 * Reads the token of a response.
 *
 * oauth4webapi does not read it: it refuses a response whose ID token looks expired to our clock, or whose `expires_in` is odd. The new refresh
 * token in such a response would be lost, and the old one is spent.
 *
 * @param now epoch ms
 * @throws RefreshError. Its facts say how far the request got, and hold a refresh token that arrived without a usable access token.
 */
export function readTokens(whole: WholeResponse, asking: Asking, now: number): AccessToken {
  const body = bodyOf(whole)
  const { fields } = body
  if (whole.response.ok && fields !== undefined) {
    const { token, problem, received } = readTokenResponse(fields, whole.sentAt)
    if (token !== undefined) return token
    // A body with a grant type is an echo of our own request.
    const isLost = received.refreshToken !== undefined && !('grant_type' in fields)
    // A missing token may be there soon, so we pause. An unusable token comes from the server's configuration, so no pause helps.
    const retryAfterMs = problem === NO_TOKEN ? afterLoss(true, asking, undefined) : undefined
    const { isError, words } = errorOf(body, whole.secrets)
    if (isLost || !isError) {
      const saying = words === undefined ? '' : `, and says "${words}"`
      throw useless(whole, problem + saying, isLost ? received : undefined, retryAfterMs)
    }
  }
  throw refusalOf(whole, asking, now, body) ?? useless(whole, NO_TOKEN, undefined)
}

/**
 * The error that a response reports; undefined for a success. Only the `error` of a JSON object ends a login, and never with a 5xx.
 *
 * @param now epoch ms
 */
export function refusalOf(
  whole: WholeResponse,
  asking: Asking,
  now: number,
  body: ResponseBody = bodyOf(whole),
): RefreshError | undefined {
  const { response, host, secrets } = whole
  const { status, headers, ok } = response
  const said = body.kind === 'empty' ? challengeOf(headers, secrets) : errorOf(body, secrets)
  const retryAfterMs = parseRetryAfter(
    headers.get('retry-after'),
    servedAt((name) => headers.get(name), now),
  )
  const reach = ok ? 'accepted' : 'answered'
  const failed = (
    code: RefreshErrorCode,
    message: string,
    facts: FailureFacts = {},
    more: { retryAfterMs?: number | undefined } = {},
  ): RefreshError => {
    const cause = said.words === undefined ? {} : { cause: new Error(said.words) }
    return noting(new RefreshError(code, `${host} ${message}`, { ...cause, ...more }), { reach, ...facts })
  }
  const saying = said.words === undefined ? '' : `, saying "${said.words}"`
  if (status === 429)
    return failed('source_rate_limited', `asks to wait (429)${saying}.`, {}, { retryAfterMs })
  if (status >= 500 || PATIENCE.has(status)) {
    return failed('source_unavailable', `cannot respond now (${status})${saying}.`, {}, { retryAfterMs })
  }
  // Browsers give a redirect the status 0.
  if (status === 0 || (status >= 300 && status < 400)) {
    const message = `redirects${redirectHost(response, secrets)}, which is not followed: name the ${asking.endpoint ?? 'token endpoint'} itself. Or is a login page in between?`
    return failed('source_refused', message)
  }
  if (body.kind === 'page' && (ok || isHtml(whole))) {
    const message = `responded with a page, not with JSON (${status}): is a proxy or a login page in between, or the URL wrong?`
    return failed('source_unavailable', message, {}, { retryAfterMs: afterLoss(ok, asking, retryAfterMs) })
  }
  if (ok && body.kind === 'empty') {
    const message = `responded with nothing (${status}): is this the ${asking.endpoint ?? 'token endpoint'}?`
    return failed('source_unavailable', message, {}, { retryAfterMs: afterLoss(ok, asking, retryAfterMs) })
  }
  if (ok && body.fields === undefined) {
    const problem = body.kind === 'broken' ? 'its JSON cannot be read' : 'it is no JSON object'
    const received = body.salvaged === undefined ? undefined : { refreshToken: body.salvaged }
    return useless(whole, problem, received, afterLoss(ok, asking, retryAfterMs))
  }
  if (ok && !said.isError) return undefined
  if (said.name !== undefined && PATIENT_WORDS.has(said.name)) {
    return failed('source_unavailable', `cannot respond now (${said.name})${saying}.`, {}, { retryAfterMs })
  }
  const told = [status, said.name, requestId(headers, secrets)]
    .filter((part) => part !== undefined)
    .join(', ')
  const codes = body.kind === 'json' ? said.codes : []
  const refused = { reach: 'answered', ...wishRefused(asking, codes) } as const
  if (asking.person && loginEndedBy(status, codes) !== undefined) {
    return failed('reauthentication_required', `refuses (${told})${saying}: log in again.`, refused)
  }
  const mayPass = asking.isSigned && (status === 400 || status === 401)
  const advice = adviceOn(status, said.name, asking, said.words)
  return failed(
    'source_refused',
    `refuses (${told})${saying}.${advice}`,
    mayPass ? { ...refused, mayPass } : refused,
    { retryAfterMs },
  )
}

function bodyOf({ text, response }: WholeResponse): ResponseBody {
  return readBody(text, response.headers.get('content-type') ?? '')
}

/** The error for a success without a usable token. The server accepted the request, so the refresh token is spent. */
function useless(
  { host }: WholeResponse,
  problem: string,
  received: FailureFacts['received'],
  retryAfterMs?: number,
): RefreshError {
  const message = `${host} responded with a success that is no use: ${problem}. Is it the token endpoint, and does it give bearer tokens?`
  return noting(new RefreshError('source_invalid', message, { retryAfterMs }), {
    reach: 'accepted',
    ...(received !== undefined && { received }),
  })
}

function wishRefused(
  { carriesClaims, spends, scope, isWider }: Asking,
  codes: readonly string[],
): FailureFacts {
  if (carriesClaims && isChallengeRefusal(codes)) return { refusedWish: 'challenge' }
  const isWish = (spends && scope !== undefined) || isWider === true
  return isWish && codes.includes('invalid_scope') ? { refusedWish: 'scope' } : {}
}

function afterLoss(ok: boolean, { spends }: Asking, retryAfterMs: number | undefined): number | undefined {
  return ok && spends ? Math.max(AFTER_LOSS, retryAfterMs ?? 0) : retryAfterMs
}

function isHtml({ text, response }: WholeResponse): boolean {
  return /\bhtml\b/i.test(response.headers.get('content-type') ?? '') || /^\s*</.test(text)
}

function requestId(headers: Headers, secrets: readonly string[]): string | undefined {
  const id = headers.get('request-id') ?? headers.get('x-request-id')
  return id !== null && /^[\w-]{1,64}$/.test(id) && !holdsSecret(id, secrets) ? `request ${id}` : undefined
}
