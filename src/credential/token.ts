import { RefreshError } from '../errors.ts'
import type { JsonValue } from '../lib/json.ts'
import { boundedExtra, membersOf } from './token/extra.ts'

/** A token and its metadata. */
export interface AccessToken {
  readonly accessToken: string
  /** @default 'Bearer' */
  readonly tokenType?: string | undefined
  /** epoch ms; undefined if it is not known: then only a rejection causes a refresh. */
  readonly expiresAt?: number | undefined
  /** epoch ms: the server rejects the token from this time on, although its response states a later expiry. Default: `expiresAt`. */
  readonly refreshAt?: number | undefined
  readonly refreshToken?: string | undefined
  /** Separated by spaces (RFC 6749 section 3.3). */
  readonly scope?: string | undefined
  /** Other members of the token response, such as an account or an endpoint: at most 16 KiB of JSON. */
  readonly extra?: Readonly<Record<string, JsonValue>> | undefined
}

/**
 * Reads a received token. It leaves out unusable members, so that one of them does not cost the whole token.
 *
 * @throws RefreshError `invalid_value`, which quotes nothing that was received
 */
export function readToken(received: unknown): AccessToken {
  const field = (name: keyof AccessToken): unknown => Reflect.get(Object(received), name)
  const text = (name: keyof AccessToken): string | undefined => {
    const value = field(name)
    return typeof value === 'string' && value !== '' ? value : undefined
  }
  const accessToken = text('accessToken')
  if (accessToken === undefined) {
    throw new RefreshError('invalid_value', 'This is no token: it must be { accessToken: string, … }.')
  }
  const instant = (name: keyof AccessToken): number | undefined => {
    const value = field(name)
    return typeof value === 'number' && Number.isFinite(value) ? value : undefined
  }
  const refreshAt = instant('refreshAt')
  return {
    accessToken,
    tokenType: text('tokenType'),
    expiresAt: instant('expiresAt'),
    ...(refreshAt !== undefined && { refreshAt }),
    refreshToken: text('refreshToken'),
    scope: text('scope'),
    extra: boundedExtra(membersOf(field('extra'))),
  }
}

/** Keeps the members that a response leaves out (RFC 6749 section 6), except the expiry, which belongs to one token. */
export function withKept(fresh: AccessToken, before: AccessToken | undefined): AccessToken {
  const { tokenType, refreshToken, scope, extra } = fresh
  // New members go first, so the size limit drops old ones.
  const extras = { ...extra, ...before?.extra, ...extra }
  return {
    ...fresh,
    tokenType: tokenType ?? before?.tokenType,
    refreshToken: refreshToken ?? before?.refreshToken,
    scope: scope ?? before?.scope,
    extra: boundedExtra(membersOf(extras)),
  }
}

/** epoch ms: the time from which on the server rejects the token. undefined if it is not known. */
export function expiryOf({ expiresAt, refreshAt }: AccessToken): number | undefined {
  return refreshAt === undefined ? expiresAt : Math.min(refreshAt, expiresAt ?? Infinity)
}

/** True if two records hold the same token, so that a refresh would redeem the same refresh token. */
export function isSame(one: AccessToken | undefined, other: AccessToken | undefined): boolean {
  return one?.accessToken === other?.accessToken && one?.refreshToken === other?.refreshToken
}
