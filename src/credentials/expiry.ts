/** What is said to live longer, in seconds, is a mistake: it is not known then. */
const CENTURY = 100 * 365.25 * 86_400

/**
 * When a token expires that was issued just now, in epoch ms: `expires_in` in seconds, as a number or as text, decides; else the
 * token's own claims. Undefined where neither says it: a value that makes no sense says nothing.
 *
 * @param now epoch ms: when the token was asked for, as it is not known how long the answer took
 */
export function readExpiry(expiresIn: unknown, accessToken: string, now: number): number | undefined {
  return afterSeconds(expiresIn, now) ?? jwtLifetime(accessToken, now)
}

/**
 * So many seconds from now, in epoch ms: above 0 and below a century.
 *
 * @param now epoch ms
 */
export function afterSeconds(seconds: unknown, now: number): number | undefined {
  const value = typeof seconds === 'string' && seconds.trim() !== '' ? Number(seconds) : seconds
  return typeof value === 'number' && value > 0 && value < CENTURY ? now + value * 1000 : undefined
}

/**
 * When a JWT expires that was issued just now, in epoch ms. Its lifetime counts, as its issuer's clock and ours need not agree.
 *
 * @param now epoch ms
 */
function jwtLifetime(token: string, now: number): number | undefined {
  const { exp, iat } = jwtClaims(token) ?? {}
  if (typeof exp !== 'number') return undefined
  return afterSeconds(typeof iat === 'number' ? exp - iat : exp - now / 1000, now)
}

/** A JWT's own word on its time, in epoch seconds. Undefined for what is no JWT. Nobody has checked the signature. */
export function jwtClaims(token: string): { exp?: unknown; iat?: unknown } | undefined {
  const [, payload, signature, ...more] = token.split('.')
  if (payload === undefined || signature === undefined || more.length > 0) return undefined
  try {
    const bytes = Uint8Array.from(atob(payload.replaceAll('-', '+').replaceAll('_', '/')), (char) =>
      char.charCodeAt(0),
    )
    const claims: unknown = JSON.parse(new TextDecoder().decode(bytes))
    return { exp: Reflect.get(Object(claims), 'exp'), iat: Reflect.get(Object(claims), 'iat') }
  } catch {
    return undefined
  }
}
