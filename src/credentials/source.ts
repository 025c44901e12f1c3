import type { AccessToken } from './token.ts'

/** What a source is told. */
export interface SourceContext {
  /** The token that is to be replaced: its refresh token, where it has one, is the one to redeem. */
  readonly current: AccessToken | undefined
  /** The `WWW-Authenticate` header of the rejection, when there was one (RFC 9110 section 11.6.1). */
  readonly challenge: string | undefined
  /** Aborts when nobody wants the token any more. */
  readonly signal: AbortSignal
}

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
  readonly rotates?: boolean | undefined
  issue(context: SourceContext): Promise<AccessToken>
}
