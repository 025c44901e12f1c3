import { RefreshError } from '../../../core/errors.ts'
import { type Answer, readObject, refusal } from '../../answer.ts'
import { readExpiry } from '../../expiry.ts'
import type { AccessToken } from '../../token.ts'

/** Only a person can mend these, where a person has logged in: OAuth's, OpenID's, and what vendors say instead. */
const LOGIN_ENDED: ReadonlySet<unknown> = new Set([
  'invalid_grant',
  'access_denied',
  'expired_token',
  'interaction_required',
  'login_required',
  'consent_required',
  'account_selection_required',
  'unmet_authentication_requirements',
  'bad_refresh_token',
  'invalid_refresh_token',
  'refresh_token_expired',
  'refresh_token_invalidated',
  'refresh_token_reused',
])

/** They need more than to be sent along (RFC 9449, RFC 9635 …). */
const BOUND_TOKEN = /^(?:dpop|pop|mac)$/i

const STANDARD = new Set(['access_token', 'token_type', 'expires_in', 'refresh_token', 'scope'])

/**
 * The token of an answer.
 *
 * The peer's own reading is not used: it refuses what has an ID token that our clock takes for old, or an odd `expires_in`, and a
 * refresh token that was spent for such an answer would be lost.
 *
 * @param person has logged in for this grant, and can do so again
 * @param now epoch ms
 * @throws RefreshError
 */
export function readTokens(answer: Answer, person: boolean, now: number): AccessToken {
  const failure = failureOf(answer, person, now)
  if (failure !== undefined) throw failure
  const { host, sentAt } = answer
  const body = readObject(answer)
  const field = (name: string): unknown => Reflect.get(body, name)
  const word = (name: string): string | undefined => {
    const value = field(name)
    return typeof value === 'string' && value !== '' ? value : undefined
  }
  const accessToken = word('access_token')
  if (accessToken === undefined || !/^[\x21-\x7e]+$/.test(accessToken)) {
    throw new RefreshError('source_invalid', `${host} answered without an access token.`)
  }
  const tokenType = word('token_type')
  if (tokenType !== undefined && BOUND_TOKEN.test(tokenType)) {
    throw new RefreshError('source_invalid', `${host} answered with a token that is no bearer token.`)
  }
  const extra = Object.entries(body).filter(
    ([name, value]) => !STANDARD.has(name) && typeof value === 'string',
  )
  return {
    accessToken,
    tokenType,
    expiresAt: readExpiry(field('expires_in'), accessToken, sentAt),
    refreshToken: word('refresh_token'),
    scope: word('scope'),
    extra: extra.length > 0 ? Object.fromEntries(extra) : undefined,
  }
}

/** What is wrong with an answer, if anything. */
export function failureOf(answer: Answer, person: boolean, now: number): RefreshError | undefined {
  const { text, host } = answer
  const refused = refusal(answer, now)
  const ended = person && refused?.code === 'source_refused' ? errorsOf(text).find(endsLogin) : undefined
  if (ended === undefined) return refused
  return new RefreshError('reauthentication_required', `${host} refuses (${ended}): log in again.`, {
    cause: refused?.cause,
  })
}

/** The error codes of an answer (RFC 6749 section 5.2); vendors put an object there. */
export function errorsOf(text: string): string[] {
  try {
    const error: unknown = Reflect.get(Object(JSON.parse(text)), 'error')
    const inner = ['code', 'type'].map((name): unknown => Reflect.get(Object(error), name))
    return [error, ...inner].filter((value) => typeof value === 'string')
  } catch {
    return []
  }
}

function endsLogin(code: string): boolean {
  return LOGIN_ENDED.has(code)
}
