import { utf8 } from '../../lib/utf8.ts'
import { readInstant } from './instant.ts'

/** What is said to live longer, in seconds, is a mistake: it is not known then. */
const CENTURY = 100 * 365.25 * 86_400
/** From here on what should be a lifetime in seconds is a point in time: nothing lives for 31 years. */
const POINT_IN_TIME = 1e9

/** Names of a lifetime in seconds. */
const LIFETIMES = [
  'expires_in',
  'expiresIn',
  'expire_in',
  'expireIn',
  'expires_in_seconds',
  'expiresInSeconds',
  'access_token_expires_in',
  'accessTokenExpiresIn',
  'expires',
]

/** Names of a point in time. The first that can be read counts: `expires_on` is better than the `expiresOn` beside it, which has no zone. */
const INSTANTS = [
  'expires_on',
  'expires_at',
  'expiresAt',
  'expiry',
  'expiration',
  'expirationTimestamp',
  'token_expiry',
  'expiry_date',
  'expiresOnTimestamp',
  'expiresOn',
  'Expiration',
  'expires',
  'expireTime',
  'expire_time',
  'expirationTime',
  'expiration_time',
  'expiresTime',
  'expires_time',
  'expire_at',
  'expireAt',
  'expired_at',
  'expiredAt',
  'expirationDate',
  'expiration_date',
  'expiryDate',
  'expiry_time',
  'expiryTime',
  'token_expires_at',
  'tokenExpiresAt',
  'access_token_expires_at',
  'accessTokenExpiresAt',
  'valid_until',
  'validUntil',
  'not_after',
  'notAfter',
]

const EXPIRIES: ReadonlySet<string> = /* @__PURE__ */ new Set([...INSTANTS, ...LIFETIMES])

/** Whether a member tells when a token expires. */
export function isExpiryName(name: string): boolean {
  return EXPIRIES.has(name)
}

/**
 * When a token expires that was issued just now, in epoch ms: `expires_in` in seconds decides, as a number or as text; else a point in
 * time, by whatever name; else the token's own claims. Undefined where none says it: a value that makes no sense says nothing.
 *
 * @param body a token response
 * @param now epoch ms: when the token was asked for, as it is not known how long the response took
 */
export function expiryOfResponse(body: object, accessToken: string, now: number): number | undefined {
  return lifetimeOf(body, now) ?? instantOf(body, now) ?? jwtLifetime(accessToken, now)
}

/**
 * From when on a token is rejected though its response says that it lives longer, in epoch ms: a JWT that says so of itself (RFC 7519
 * section 4.1.4) is judged by that word, not by the response. Undefined where it says nothing, or nothing else.
 *
 * A `refresh_in` (Entra ID) is no such point: the token is good until it expires, and is needed where the server is away by then.
 *
 * @param expiresAt as the response says it, in epoch ms
 * @param now epoch ms: when the token was asked for
 */
export function rejectedAt(
  accessToken: string,
  expiresAt: number | undefined,
  now: number,
): number | undefined {
  if (expiresAt === undefined) return undefined
  const { exp, iat } = jwtClaims(accessToken) ?? {}
  // Its lifetime counts, for clocks need not agree.
  if (typeof exp !== 'number' || typeof iat !== 'number') return undefined
  const at = afterSeconds(exp - iat, now)
  return at !== undefined && at < expiresAt ? at : undefined
}

/**
 * When a token expires that was issued a while ago, in epoch ms: a point in time decides, by whatever name; else `expires_in`. The token's
 * own claims are left to the caller.
 *
 * @param since epoch ms: when it was written
 */
export function expiryOfOutput(body: unknown, since: number): number | undefined {
  return instantOf(body, since) ?? lifetimeOf(body, since)
}

/**
 * So many seconds from now, in epoch ms: above 0 and below a century. A point in time in epoch seconds, by mistake, is taken as one.
 *
 * @param now epoch ms
 */
export function afterSeconds(seconds: unknown, now: number): number | undefined {
  const value =
    typeof seconds === 'string' && /^\s{0,8}\d{1,20}(?:\.\d{1,20})?s?\s{0,8}$/.test(seconds)
      ? Number.parseFloat(seconds)
      : seconds
  if (typeof value !== 'number' || !(value > 0 && value < CENTURY)) return undefined
  if (value < POINT_IN_TIME) return now + value * 1000
  const at = value * 1000
  return at > now ? at : undefined
}

function lifetimeOf(body: unknown, now: number): number | undefined {
  return firstOf(LIFETIMES, (name) => afterSeconds(field(body, name), now))
}

function instantOf(body: unknown, now: number): number | undefined {
  return firstOf(INSTANTS, (name) => {
    const value = field(body, name)
    // gcloud takes dates apart, and means UTC.
    const datetime = field(value, 'datetime')
    return readInstant(typeof datetime === 'string' ? `${datetime.slice(0, 64)}Z` : value, now)
  })
}

function firstOf(
  names: readonly string[],
  readOne: (name: string) => number | undefined,
): number | undefined {
  for (const name of names) {
    const found = readOne(name)
    if (found !== undefined) return found
  }
  return undefined
}

function field(body: unknown, name: string): unknown {
  return Reflect.get(Object(body), name)
}

/**
 * When a JWT expires that was issued just now, in epoch ms. Its lifetime counts, as its issuer's clock and ours need not agree.
 *
 * @param now epoch ms
 */
function jwtLifetime(token: string, now: number): number | undefined {
  const { exp, iat } = jwtClaims(token) ?? {}
  if (typeof exp !== 'number') return undefined
  const seconds = typeof iat === 'number' ? exp - iat : exp - now / 1000
  return seconds < POINT_IN_TIME ? afterSeconds(seconds, now) : undefined
}

/** A JWT's own word on its time, in epoch seconds. Undefined for what is no JWT. Nobody has checked the signature. */
export function jwtClaims(token: string): { exp?: unknown; iat?: unknown } | undefined {
  const [, payload, signature, ...more] = token.split('.', 4)
  if (payload === undefined || signature === undefined || more.length > 0) return undefined
  try {
    const bytes = Uint8Array.from(atob(payload.replaceAll('-', '+').replaceAll('_', '/')), (char) =>
      char.charCodeAt(0),
    )
    const claims: unknown = JSON.parse(utf8().decode(bytes))
    return { exp: Reflect.get(Object(claims), 'exp'), iat: Reflect.get(Object(claims), 'iat') }
  } catch {
    return undefined
  }
}
