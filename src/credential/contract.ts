import type { Refresher } from '../core/refresher.ts'
import type { AccessTokenOptions } from './access-token.ts'
import type { CheckResult } from './check.ts'
import type { FlushOptions } from './options.ts'
import type { CredentialStatus } from './status.ts'
import type { AccessToken } from './token.ts'
import type { TokenResponse } from './token/token-response.ts'

/** A credential that refreshes itself: the refresher that every surface takes. */
export interface Credential extends Refresher<AccessToken> {
  /**
   * Returns a token that is valid now, and refreshes it first if needed. Code that sends its own requests needs only this call. It never
   * returns a token that has expired since it arrived.
   *
   * @throws RefreshError the refresh's failure, see `RefreshErrorCode`; `invalid_option`; the signal's reason
   * @example
   * const accessToken = await credential.accessToken()
   * const response = await fetch(url, { headers: { authorization: `Bearer ${accessToken}` } })
   * if (response.status === 401) await credential.accessToken({ rejected: accessToken }) // … and once more
   */
  accessToken(options?: AccessTokenOptions): Promise<string>
  /**
   * A person logged in: the token is in force at once, and outranks a refresh that is under way. The call waits until the token is stored. It
   * waits for no refresh, here or in another process.
   *
   * @param token a token, or the unchanged response of a token endpoint (RFC 6749 section 5.1): its `expires_in` counts from this call
   * @throws RefreshError `store_failed`: the token is in force all the same, and the credential tries to write it again; `store_invalid`;
   *   `invalid_value`
   */
  login(token: AccessToken | TokenResponse): Promise<void>
  /**
   * A person logged out: the token is dropped at once, and no token takes its place until a `login()`, here or in another
   * process that shares the store. The call waits until the store has the logout, so that the other processes learn of it.
   * @throws RefreshError `store_failed`: the other processes do not know of the logout, so call it again; `store_invalid`
   */
  logout(): Promise<void>
  /**
   * Finds out whether the credential can get a token, and what puts the login at risk. While the token is valid, it redeems nothing. Else it
   * asks the source, even if the source refused before. It never throws.
   */
  check(): Promise<CheckResult>
  /**
   * Waits until every token is stored. Call it before the process ends.
   * @throws RefreshError `store_failed` when `timeout` ms have passed; `invalid_option`
   * @example
   * process.once('SIGTERM', () => credential.flush().finally(() => process.exit()))
   */
  flush(options?: FlushOptions): Promise<void>
  /** The state of the login, without secrets. */
  status(): CredentialStatus
}
