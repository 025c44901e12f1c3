import type { MadeFor } from './store.ts'
import type { AccessToken } from './token.ts'

/** What a source is told. */
export interface SourceContext {
  /** The token that is to be replaced: its refresh token, where it has one, is the one to redeem. */
  readonly current: AccessToken | undefined
  /** The `WWW-Authenticate` header of the rejection, when there was one (RFC 9110 section 11.6.1). */
  readonly challenge: string | undefined
  /** Aborts when nobody wants the token any more. */
  readonly signal: AbortSignal
  /**
   * Tells that the request is on its way: from here on the refresh token may be spent. A source that never calls it counts as having
   * sent its request from the start.
   */
  readonly sent: () => void
  /** @internal What the login was granted will do: no scope is named, for the endpoint refused the one that the login asked for. */
  readonly asGranted?: boolean | undefined
}

/** What a source would present. */
export type SourceInput = Pick<SourceContext, 'current' | 'signal'>

/**
 * Where a new token comes from. It is called by one caller at a time, wherever in the fleet that is.
 *
 * It throws `RefreshError`s: `source_unreachable`, `source_unavailable` and `source_rate_limited` are tried again at
 * once, `reauthentication_required` waits for a person; whatever else it throws is tried again with the next rejection.
 */
export interface Source {
  /**
   * Whether issuing spends something, such as a refresh token that rotates: then two at once do harm, and nothing is issued
   * while the store cannot be locked.
   * @default true
   */
  readonly spendsRefreshToken?: boolean | undefined
  /** Whom its tokens are issued for. A stored token of another issuer or client is not used. */
  readonly madeFor?: MadeFor | undefined
  issue(context: SourceContext): Promise<AccessToken>
  /**
   * @internal All that the next request would present to the endpoint: refresh token, client, client secret, endpoint and scope. A refusal
   * is remembered as a salted hash of it. Default: the refresh token and `madeFor`.
   */
  readonly presented?: ((input: SourceInput) => Promise<readonly string[]>) | undefined
  /**
   * @internal Asks for these scopes besides those that were granted, from the next request on. It gives what takes the wish back.
   * Without it only a person can grant them.
   */
  readonly widen?: ((scopes: readonly string[], granted: string | undefined) => () => void) | undefined
  /** @internal The refresh token of the configuration, which `issue` redeems where `current` has none. */
  readonly seed?: ((signal: AbortSignal) => Promise<string | undefined>) | undefined
  /** @internal It compares a value of this machine (`env`, `file`): the value is never stored. */
  readonly isStatic?: true | undefined
  /** @internal Its failures are this machine's own (a command, a file, a cloud login): other processes are not told of them. */
  readonly isLocal?: true | undefined
}
