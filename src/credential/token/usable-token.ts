import { RefreshError } from '../../errors.ts'
import { noting } from '../failure-facts.ts'
import type { AccessToken } from '../token.ts'

/** Token types that need more than to be sent along: a proof of a key, or a signature (RFC 9449, RFC 8693 section 2.2.1 …). */
const BOUND = /^(?:dpop|pop|mac|basic|digest|n_a|negotiate|aws4\b.*|hmac\b.*)$/i
/** From here on a clock is real, and not a test's that counts from zero: the year 2001. epoch ms */
const REAL_TIME = 1e12
/** Between these a number of ms is a number of seconds: the years 2001 to 5138 in the one, 1970 to 1973 in the other. */
const SECONDS = [1e9, 1e11] as const

/** True if an HTTP header can carry the token. */
export function isSendable({ accessToken }: AccessToken): boolean {
  return /^[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?$/.test(accessToken)
}

/** The name of a type that needs more than to be sent along: what stands behind it may be anything. */
export function boundTypeOf(tokenType = ''): string | undefined {
  return BOUND.test(tokenType) ? /^\w+/.exec(tokenType)?.[0] : undefined
}

/** True if an expiry was given in seconds instead of ms. @param now epoch ms */
function isInSeconds(expiresAt: number | undefined, now: number): boolean {
  return expiresAt !== undefined && now > REAL_TIME && expiresAt >= SECONDS[0] && expiresAt < SECONDS[1]
}

/**
 * A source's token, if it can be used.
 *
 * @param now epoch ms
 * @throws RefreshError `source_invalid`, beside which the refresh token is kept: it is the only one that is not spent
 */
export function usableToken(token: AccessToken, now: number): AccessToken {
  const problem = problemOf(token, now)
  if (problem === undefined) return token
  const { refreshToken, scope } = token
  const error = new RefreshError('source_invalid', problem)
  throw noting(error, { reach: 'accepted', received: { refreshToken, scope } })
}

/** The problem that keeps a token from being used, with its remedy. */
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
