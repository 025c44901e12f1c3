import type { MadeFor } from './store.ts'
import type { AccessToken } from './token.ts'

/** The input of a source. */
export interface SourceContext {
  /** The token to replace. If it has a refresh token, the source redeems that one. */
  readonly current: AccessToken | undefined
  /** The `WWW-Authenticate` header of the rejection, when there was one (RFC 9110 section 11.6.1). */
  readonly challenge: string | undefined
  /** Aborts when no caller wants the token any more. */
  readonly signal: AbortSignal
  /**
   * Tells that the request is on its way: from here on the refresh token may be spent. A source that never calls it counts as having
   * sent its request from the start.
   */
  readonly sent: () => void
  /** @internal Send no scope: the endpoint refused the scope of the login's request, so the granted one will do. */
  readonly asGranted?: boolean | undefined
  /** @internal Whom the record that holds `current` was made for: a login that was imported does not say it itself. */
  readonly madeFor?: MadeFor | undefined
}

/** The input from which a source tells what it would present. */
export type SourceInput = Pick<SourceContext, 'current' | 'signal'> & {
  /** The issuer and client of the record that holds `current`. */
  readonly madeFor?: MadeFor | undefined
}

/**
 * The origin of new tokens. Only one caller in the fleet calls it at a time.
 *
 * It throws `RefreshError`s: `source_unreachable`, `source_unavailable` and `source_rate_limited` are tried again at once;
 * `reauthentication_required` waits for a person. After any other error, the next rejection causes another try.
 */
export interface Source {
  /**
   * True if issuing spends something, such as a refresh token that rotates. Then two requests at once do harm, and nothing is issued while
   * the store cannot be locked.
   * @default true
   */
  readonly spendsRefreshToken?: boolean | undefined
  /** The issuer and client of its tokens. A stored token of another issuer or client is not used. */
  readonly madeFor?: MadeFor | undefined
  /**
   * @internal `madeFor` with a salted hash in it. If the hash in a record is that of this configuration, it returns the record's.
   */
  readonly boundAs?: ((stored: MadeFor | undefined) => MadeFor) | undefined
  issue(context: SourceContext): Promise<AccessToken>
  /**
   * @internal All that the next request would present to the endpoint: refresh token, client, client secret, endpoint and scope. A refusal
   * is remembered as a salted hash of it. Default: the refresh token and `madeFor`.
   */
  readonly presented?: ((input: SourceInput) => Promise<readonly string[]>) | undefined
  /**
   * @internal Asks for these scopes besides the granted ones, from the next request on. Returns a function that takes the wish back.
   * Without it only a person can grant them.
   */
  readonly widen?: ((scopes: readonly string[], granted: string | undefined) => () => void) | undefined
  /** @internal The refresh token of the configuration, which `issue` redeems where `current` has none. */
  readonly seed?: ((signal: AbortSignal) => Promise<string | undefined>) | undefined
  /** @internal Throws where it could never refresh this token of a login: better at once than when the access token has expired. */
  readonly assertOwn?: ((token: AccessToken) => void) | undefined
  /** @internal It compares a value of this machine (`env`, `file`): the value is never stored. */
  readonly isStatic?: true | undefined
  /** @internal Its failures are this machine's own (a command, a file, a cloud login): other processes are not told of them. */
  readonly isLocal?: true | undefined
}
