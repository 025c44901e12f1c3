import type { MadeFor } from './store.ts'
import type { AccessToken } from './token.ts'

/** The input of a source. */
export interface SourceContext {
  /** The token to replace. If it has a refresh token, the source redeems that one. */
  readonly current: AccessToken | undefined
  /** The `WWW-Authenticate` header of the rejection (RFC 9110 section 11.6.1), if there was one. */
  readonly challenge: string | undefined
  /** Aborts when no caller wants the token any more. */
  readonly signal: AbortSignal
  /**
   * The source calls it just before it sends its request: from then on the refresh token may be spent. If a source never calls it, the
   * library assumes that the source sent its request.
   */
  readonly sent: () => void
  /** @internal Send no scope: the endpoint refused the scope that the login requested, and without one it uses the granted scope. */
  readonly asGranted?: boolean | undefined
  /** @internal The issuer and client that the record of `current` was made for, which the token of an imported login does not say. */
  readonly madeFor?: MadeFor | undefined
}

/** The input of `presented()`: a source computes from it what its next request would present. */
export type SourceInput = Pick<SourceContext, 'current' | 'signal'> & {
  /** The issuer and client of the record that holds `current`. */
  readonly madeFor?: MadeFor | undefined
}

/**
 * The origin of new tokens. Of all processes and hosts that share a store, one calls it at a time for each account.
 *
 * A source throws `RefreshError`s. After `source_unreachable`, `source_unavailable` and `source_rate_limited` the library soon tries again;
 * after `reauthentication_required` it waits for a person. After any other error, the next rejection causes another try.
 */
export interface Source {
  /**
   * True if issuing spends something, such as a refresh token that rotates. Then two requests at once do harm, so the source is not asked
   * while the store cannot be locked.
   * @default true
   */
  readonly spendsRefreshToken?: boolean | undefined
  /** The issuer and client of its tokens. A stored token of another issuer or client is not used. */
  readonly madeFor?: MadeFor | undefined
  /**
   * @internal Returns `madeFor` with a salted hash. If the hash of the record fits this configuration, it returns that hash.
   */
  readonly boundAs?: ((stored: MadeFor | undefined) => MadeFor) | undefined
  /**
   * Issues a token.
   *
   * @throws RefreshError as described above; any other error becomes `refresh_failed`
   */
  issue(context: SourceContext): Promise<AccessToken>
  /**
   * @internal All that the next request would present to the endpoint: refresh token, client, client secret, endpoint and scope. A refusal
   * is remembered as a salted hash of it. Default: the refresh token and `madeFor`.
   */
  readonly presented?: ((input: SourceInput) => Promise<readonly string[]>) | undefined
  /**
   * @internal Makes each further request ask for these scopes besides the granted ones. Returns a function that undoes this. A source without
   * this method cannot widen its scope: only a person can grant more.
   */
  readonly widen?: ((scopes: readonly string[], granted: string | undefined) => () => void) | undefined
  /** @internal The refresh token of the configuration, which `issue` redeems if `current` has none. */
  readonly seed?: ((signal: AbortSignal) => Promise<string | undefined>) | undefined
  /** @internal Throws at the login if the source could never refresh this token, so that the user does not learn it only at the expiry. */
  readonly assertOwn?: ((token: AccessToken) => void) | undefined
  /** @internal The source reads a value of this machine (`env`, `file`), which is compared and never stored. */
  readonly isStatic?: true | undefined
  /** @internal The source's failures concern this machine only (a command, a file, a cloud login), so the record does not hold them. */
  readonly isLocal?: true | undefined
}
