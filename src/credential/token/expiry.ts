import { field } from '../../lib/json.ts'
import { utf8 } from '../../lib/utf8.ts'
import { readInstant } from './instant.ts'

/** The longest lifetime that we believe, in seconds. A longer one is a mistake: then the lifetime is unknown. */
const CENTURY = 3_155_760_000
/** From here on a lifetime in seconds is in truth a point in time: no token lives for 31 years. */
const POINT_IN_TIME = 1e9

/** Names of a lifetime in seconds. */
const LIFETIMES = /* @__PURE__ */ spelled(
  'expires_in expire_in expires_in_seconds access_token_expires_in expires',
)
/** Names of a lifetime in ms. */
const LIFETIMES_IN_MS = /* @__PURE__ */ spelled('expires_in_ms')
/** Names of a point in time. The first that can be read counts: an `expiresOn` may have no zone, so the names beside it come first. */
const INSTANTS = /* @__PURE__ */ spelled(
  'expires_at expires_on_timestamp expires_on expiry expiration expiration_timestamp token_expiry expiry_date Expiration expires expire_time expiration_time expires_time expire_at expired_at expiration_date expiry_time token_expires_at access_token_expires_at valid_until not_after',
)

/** Names as they are here, and then in camel case. */
function spelled(names: string): readonly string[] {
  return `${names} ${names.replaceAll(/_(.)/g, (_, letter: string) => letter.toUpperCase())}`.split(' ')
}

/** True if a member of this name tells when a token expires. */
export function isExpiryName(name: string): boolean {
  return [LIFETIMES, LIFETIMES_IN_MS, INSTANTS].some((names) => names.includes(name))
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
 * When a token will be rejected although its response states a later expiry, in epoch ms. If a JWT states its own (RFC 7519 section 4.1.4),
 * the JWT decides, not the response. undefined if it states none, or no earlier one.
 *
 * A `refresh_in` (Entra ID) is no such point: the token is good until it expires, and is needed if the server is down by then.
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
 * This many seconds from now, in epoch ms: above 0 and below a century. A text may name a unit. A point in epoch seconds, given by mistake,
 * is taken as one.
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
    // gcloud takes dates apart, and means UTC.
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

/** A JWT's own claims about its time, in epoch seconds. undefined if the token is no JWT. The signature is not checked. */
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
/** As .NET prints a time span: `1.02:00:00`. */
const CLOCK = /^(?:(\d+)\.)?(\d\d?):(\d\d):(\d\d)(?:\.\d+)?$/
/** A minute begins as a month and a millisecond do. */
const SPELLED = /^(?:\d+(?:\.\d+)? ?(?:[shdw]|m(?!s|o|il))[a-z]*[ ,]*)+$/

/**
 * The seconds of a lifetime that is written as text: a number, or one with its unit as Node's and Go's libraries are configured with it
 * (`1h`, `15 minutes`, `1h30m`), as ISO 8601 has it (`PT1H`) or as .NET (`01:00:00`). NaN if it is none.
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
