import { RefreshError } from '../../errors.ts'
import type { AccessToken } from '../token.ts'
import { expiryOfResponse, rejectedAt } from './expiry.ts'
import { boundedExtra, membersOf } from './extra.ts'
import { boundTypeOf } from './usable-token.ts'

/** An unchanged token response (RFC 6749 section 5.1). */
export interface TokenResponse {
  readonly access_token: string
  readonly token_type?: string | undefined
  /** Seconds, counted from when the response was received. */
  readonly expires_in?: number | string | undefined
  readonly refresh_token?: string | undefined
  readonly scope?: string | undefined
  readonly [name: string]: unknown
}

/** The readable parts of a token response. */
export interface ReadResponse {
  /** undefined if the response has no usable access token: then `problem` says why, and `received` holds the other parts. */
  readonly token: AccessToken | undefined
  /** The end of a sentence; empty if there is a token. */
  readonly problem: string
  readonly received: Omit<Partial<AccessToken>, 'accessToken'>
}

/** Names beside those of RFC 6749 section 5.1 that some servers use. */
const NAMES = {
  accessToken: ['access_token', 'accessToken'],
  tokenType: ['token_type', 'tokenType'],
  refreshToken: ['refresh_token', 'refreshToken'],
  scope: ['scope'],
} as const
const STANDARD: ReadonlySet<string> = /* @__PURE__ */ standardNames()

/** RFC 9110 section 5.6.2. */
const WORD = /^[\w!#$%&'*+.^`|~:/-]{1,128}$/

/**
 * Reads the token of a token response, in the form that `credential.login()` takes. `expires_in` counts from `receivedAt`.
 *
 * @param receivedAt epoch ms
 * @throws RefreshError `invalid_value`, which quotes nothing that was received
 */
export function tokenFromResponse(body: object, receivedAt: number): AccessToken {
  const { token, problem } = readTokenResponse(body, receivedAt)
  if (token !== undefined) return token
  throw new RefreshError(
    'invalid_value',
    `This token response is no use: ${problem}. Give all of it (RFC 6749 section 5.1).`,
  )
}

/** @param since epoch ms: lifetimes count from here */
export function readTokenResponse(body: object, since: number): ReadResponse {
  const text = (name: keyof typeof NAMES): string | undefined => {
    for (const spelling of NAMES[name]) {
      const value: unknown = unwrapped(Reflect.get(body, spelling))
      if (typeof value === 'string' && value.trim() !== '') return value.trim()
    }
    return undefined
  }
  const [accessToken, tokenType, refreshToken] = [
    withoutScheme(text('accessToken')),
    text('tokenType'),
    text('refreshToken'),
  ]
  const received = {
    tokenType,
    refreshToken,
    scope: text('scope'),
    extra: boundedExtra(membersOf(body, (name) => !STANDARD.has(name))),
  }
  const problem = problemOf(accessToken, isOtherThanAccess(body, tokenType) ? undefined : tokenType)
  if (accessToken === undefined || problem !== undefined) {
    return { token: undefined, problem: problem ?? '', received }
  }
  const expiresAt = expiryOfResponse(body, accessToken, since)
  const refreshAt = rejectedAt(accessToken, expiresAt, since)
  const times = refreshAt === undefined ? { expiresAt } : { expiresAt, refreshAt }
  return { token: { accessToken, ...times, ...received }, problem: '', received }
}

/**
 * True if the response says that its token is no access token, as an identity provider's assertion is none (RFC 8693 section 2.2.1). Such a
 * token can be presented at another server. Its type stays `N_A`, so a credential does not send it.
 */
function isOtherThanAccess(body: object, tokenType: string | undefined): boolean {
  const issued: unknown = Reflect.get(body, 'issued_token_type')
  const isOther = typeof issued === 'string' && /^urn:[\w.:-]{1,128}$/.test(issued)
  return isOther && !issued.endsWith(':access_token') && /^n_a$/i.test(tokenType ?? '')
}

/** The end of a sentence. */
export const NO_TOKEN = 'it holds no access token'

/** Why a token cannot be sent as a bearer token, as the end of a sentence; undefined if it can. */
export function problemOf(
  accessToken: string | undefined,
  tokenType: string | undefined,
): string | undefined {
  if (accessToken === undefined || isPlaceholder(accessToken)) return NO_TOKEN
  if (!/^[\x21-\x7e]+$/.test(accessToken)) return 'its access token holds what no header can carry'
  if (tokenType === undefined) return undefined
  if (!WORD.test(tokenType)) return 'its token type is none'
  const bound = boundTypeOf(tokenType)
  return bound === undefined ? undefined : `its token type is ${bound}, which is no bearer token`
}

/** The token without a `Bearer` before it, which some servers write there. A bearer token itself contains no space. */
export function withoutScheme<T extends string | undefined>(token: T): T | string {
  return token === undefined ? token : (BEARER.exec(token)?.[1] ?? token)
}

const BEARER = /^Bearer[ \t]{1,8}(\S+)$/i

/** True for a word that programs write instead of a token. */
export function isPlaceholder(text: string): boolean {
  return /^(?:null|nil|none|undefined|false|true|n\/a|\(null\)|<none>|\*+|-+)$/i.test(text)
}

/** The text of a value that some servers wrap in an object, together with its lifetime. */
function unwrapped(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  return Reflect.get(value, 'token') ?? Reflect.get(value, 'value')
}

function standardNames(): ReadonlySet<string> {
  return new Set([...Object.values(NAMES).flat(), 'expires_in', 'expiresIn'])
}
