import { field } from '../../lib/json.ts'
import { utf8 } from '../../lib/utf8.ts'
import { readInstant } from './instant.ts'

/** Seconds: a longer lifetime is a mistake, and counts as not known. */
const CENTURY = 3_155_760_000
/** Seconds: a longer lifetime is in truth a point in time, because no token lives for 31 years. */
const POINT_IN_TIME = 1e9

/** Names of a lifetime in seconds. */
const LIFETIMES = /* @__PURE__ */ spelled(
  'expires_in expire_in expires_in_seconds access_token_expires_in expires',
)
/** Names of a lifetime in ms. */
const LIFETIMES_IN_MS = /* @__PURE__ */ spelled('expires_in_ms')
/** Names of a point in time. The first that can be read counts. An `expiresOn` may lack a zone, so names that come beside it stand first. */
const INSTANTS = /* @__PURE__ */ spelled(
  'expires_at expires_on_timestamp expires_on expiry expiration expiration_timestamp token_expiry expiry_date Expiration expires expire_time expiration_time expires_time expire_at expired_at expiration_date expiry_time token_expires_at access_token_expires_at valid_until not_after',
)

/** The given names, and then the same names in camel case. */
function spelled(names: string): readonly string[] {
  return `${names} ${names.replaceAll(/_(.)/g, (_, letter: string) => letter.toUpperCase())}`.split(' ')
}

/** True if a member of this name may hold a token's expiry. */
export function isExpiryName(name: string): boolean {
  return [LIFETIMES, LIFETIMES_IN_MS, INSTANTS].some((names) => names.includes(name))
}

/**
 * The expiry of a token that was issued just now, in epoch ms. `expires_in` decides (seconds, as a number or as text); else a point in time
 * under any known name; else the token's own claims. undefined if none of them has a usable value.
 *
 * @param body a token response
 * @param now epoch ms: when the token was requested, because it is not known how long the response took
 */
export function expiryOfResponse(body: object, accessToken: string, now: number): number | undefined {
  return lifetimeOf(body, now) ?? instantOf(body, now) ?? jwtLifetime(accessToken, now)
}

/**
 * The time from which on a server rejects a token although its response states a later expiry, in epoch ms. A server reads the expiry of a
 * JWT from the JWT itself (RFC 7519 section 4.1.4), not from the response. undefined if the JWT states no expiry, or no earlier one.
 *
 * A `refresh_in` (Entra ID) is no such time: the token is valid until it expires, and callers need it if the server is down before that.
 *
 * @param expiresAt the response's expiry, in epoch ms
 * @param now epoch ms: when the token was requested
 */
export function rejectedAt(
  accessToken: string,
  expiresAt: number | undefined,
  now: number,
): number | undefined {
  if (expiresAt === undefined) return undefined
  const { exp, iat } = jwtClaims(accessToken) ?? {}
  // Use the JWT's lifetime, not its `exp`, because the issuer's clock and ours need not agree.
  if (typeof exp !== 'number' || typeof iat !== 'number') return undefined
  const at = afterSeconds(exp - iat, now)
  return at !== undefined && at < expiresAt ? at : undefined
}

/**
 * The expiry of a token that was issued a while ago, in epoch ms. A point in time under any known name decides; else `expires_in`. The caller
 * reads the token's own claims.
 *
 * @param since epoch ms: when the output was written
 */
export function expiryOfOutput(body: unknown, since: number): number | undefined {
  return instantOf(body, since) ?? lifetimeOf(body, since)
}

/**
 * The time that is this many seconds from now, in epoch ms. undefined unless the number is above 0 and below a century. A text may name a
 * unit. A number of 31 years or more counts as epoch seconds, which some servers send by mistake.
 *
 * @param now epoch ms
 */
export function afterSeconds(seconds: unknown, now: number): number | undefined {
  const value = typeof seconds === 'string' ? secondsIn(seconds) : seconds
  if (typeof value !== 'number' || !(value > 0 && value < CENTURY)) return undefined
  const ms = value * 1000
  if (value < POINT_IN_TIME) return now + ms
  return ms > now ? ms : undefined
}

function lifetimeOf(body: unknown, now: number): number | undefined {
  return (
    firstOf(LIFETIMES, body, (value) => afterSeconds(value, now)) ??
    firstOf(LIFETIMES_IN_MS, body, (value) => afterSeconds(Number(value) / 1000, now))
  )
}

function instantOf(body: unknown, now: number): number | undefined {
  return firstOf(INSTANTS, body, (value) => {
    // gcloud writes an object with the date in `datetime`, in UTC without a zone.
    const datetime = field(value, 'datetime')
    return readInstant(typeof datetime === 'string' ? `${datetime.slice(0, 64)}Z` : value, now)
  })
}

function firstOf(
  names: readonly string[],
  body: unknown,
  read: (value: unknown) => number | undefined,
): number | undefined {
  for (const name of names) {
    const found = read(field(body, name))
    if (found !== undefined) return found
  }
  return undefined
}

/**
 * The expiry of a JWT that was issued just now, in epoch ms. It uses the JWT's lifetime, because the issuer's clock and ours need not agree.
 *
 * @param now epoch ms
 */
function jwtLifetime(token: string, now: number): number | undefined {
  const { exp, iat } = jwtClaims(token) ?? {}
  if (typeof exp !== 'number') return undefined
  const seconds = typeof iat === 'number' ? exp - iat : exp - now / 1000
  return seconds < POINT_IN_TIME ? afterSeconds(seconds, now) : undefined
}

/** The time claims of a JWT, in epoch seconds; undefined if the token is no JWT. The signature is not checked. */
export function jwtClaims(token: string): { exp?: unknown; iat?: unknown } | undefined {
  const [, payload, signature, ...more] = token.split('.', 4)
  if (payload === undefined || signature === undefined || more.length > 0) return undefined
  try {
    const bytes = Uint8Array.from(atob(payload.replaceAll('-', '+').replaceAll('_', '/')), (char) =>
      char.charCodeAt(0),
    )
    const claims: unknown = JSON.parse(utf8().decode(bytes))
    return { exp: field(claims, 'exp'), iat: field(claims, 'iat') }
  } catch {
    return undefined
  }
}

/** Seconds in each unit. */
const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400, w: 604_800 }
/** A time span as .NET prints it: `1.02:00:00`. */
const CLOCK = /^(?:(\d+)\.)?(\d\d?):(\d\d):(\d\d)(?:\.\d+)?$/
/** Numbers with units. An `m` is a minute unless the unit goes on as `ms`, `month` or `millisecond`. */
const SPELLED = /^(?:\d+(?:\.\d+)? ?(?:[shdw]|m(?!s|o|il))[a-z]*[ ,]*)+$/

/**
 * The seconds of a lifetime that is written as text: a number, a number with units as libraries of Node and Go take it (`1h`, `15 minutes`,
 * `1h30m`), a duration of ISO 8601 (`PT1H`) or a time span of .NET (`01:00:00`). NaN if the text is no lifetime.
 */
function secondsIn(text: string): number {
  const given = text.length > 40 ? '' : text.trim().toLowerCase()
  if (/^\d+(?:\.\d+)?$/.test(given)) return Number(given)
  const clock = given.replace(CLOCK, '0$1d$2h$3m$4s')
  const units = clock.startsWith('p') ? clock.replaceAll(/[pt]/g, '') : clock
  if (!SPELLED.test(units)) return NaN
  let seconds = 0
  for (const [, number, unit = ''] of units.matchAll(/([\d.]+) ?([a-z])/g)) {
    seconds += Number(number) * (UNITS[unit] ?? NaN)
  }
  return seconds
}
