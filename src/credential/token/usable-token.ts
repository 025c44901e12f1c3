import { RefreshError } from '../../errors.ts'
import { noting } from '../failure-facts.ts'
import type { AccessToken } from '../token.ts'

/** Types of tokens that are no bearer tokens: most need a proof of a key or a signature (RFC 9449, RFC 8693 section 2.2.1). */
const BOUND = /^(?:dpop|pop|mac|basic|digest|n_a|negotiate|aws4\b.*|hmac\b.*)$/i
/** epoch ms, the year 2001: a clock before that is a test's clock that counts from zero. */
const REAL_TIME = 1e12
/** A number between these is in seconds. As seconds it is in the years 2001 to 5138; as ms it would be in 1970 to 1973. */
const SECONDS = [1e9, 1e11] as const

/** True if an HTTP header can carry the token. */
export function isSendable({ accessToken }: AccessToken): boolean {
  return /^[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?$/.test(accessToken)
}

/** The name of a type that cannot be sent as a bearer token; undefined for any other type. The name alone, because a secret may follow it. */
export function boundTypeOf(tokenType = ''): string | undefined {
  return BOUND.test(tokenType) ? /^\w+/.exec(tokenType)?.[0] : undefined
}

/** True if an expiry was given in seconds instead of ms. @param now epoch ms */
function isInSeconds(expiresAt: number | undefined, now: number): boolean {
  return expiresAt !== undefined && now > REAL_TIME && expiresAt >= SECONDS[0] && expiresAt < SECONDS[1]
}

/**
 * Returns a source's token if it can be used.
 *
 * @param now epoch ms
 * @throws RefreshError `source_invalid`; its facts hold the refresh token, which is the only one that is not spent
 */
export function usableToken(token: AccessToken, now: number): AccessToken {
  const problem = problemOf(token, now)
  if (problem === undefined) return token
  const { refreshToken, scope } = token
  const error = new RefreshError('source_invalid', problem)
  throw noting(error, { reach: 'accepted', received: { refreshToken, scope } })
}

/** Why a token cannot be used, with the remedy; undefined if it can. */
export function problemOf(token: AccessToken, now: number): string | undefined {
  if (!isSendable(token)) {
    return 'The source gave an access token with characters that no HTTP header can carry: mend the source.'
  }
  const bound = boundTypeOf(token.tokenType)
  if (bound !== undefined) {
    return `The source gave a token of the type "${bound}", which must not be sent as a bearer token: ask the server for bearer tokens.`
  }
  if (isInSeconds(token.expiresAt, now) || isInSeconds(token.refreshAt, now)) {
    return 'The source gave an expiry in seconds: expiresAt and refreshAt are epoch milliseconds. Multiply by 1000.'
  }
  return undefined
}
