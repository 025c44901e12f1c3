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
   * Returns a token that is good now, refreshed first if needed: the one call for code that sends its own requests. It never returns a
   * token that has expired since it came.
   *
   * @throws RefreshError the refresh's failure, see `RefreshErrorCode`; `invalid_option`; the signal's reason
   * @example
   * const accessToken = await credential.accessToken()
   * const response = await fetch(url, { headers: { authorization: `Bearer ${accessToken}` } })
   * if (response.status === 401) await credential.accessToken({ rejected: accessToken }) // … and once more
   */
  accessToken(options?: AccessTokenOptions): Promise<string>
  /**
   * A person logged in: the token is in force at once, and outranks a refresh that is under way. Waits until it is stored. It waits for no
   * refresh, here or in another process.
   *
   * @param token a token, or the unchanged response of a token endpoint (RFC 6749 section 5.1): its `expires_in` counts from this call
   * @throws RefreshError `store_failed`: it is in force all the same, and is written at the next chance; `store_invalid`;
   *   `invalid_value`
   */
  login(token: AccessToken | TokenResponse): Promise<void>
  /**
   * A person logged out: the token is dropped at once, and nothing takes its place until a `login()`, here or in another
   * process that shares the store. Waits until the store knows, and with it the other processes.
   * @throws RefreshError `store_failed`: the others do not know, call it again; `store_invalid`
   */
  logout(): Promise<void>
  /**
   * Finds out whether a token can be had, and what puts the login at risk. It redeems nothing while the token is good; otherwise it asks
   * the source, whatever the source refused before. It never throws.
   */
  check(): Promise<CheckResult>
  /**
   * Waits until every token is stored: call it before the process ends.
   * @throws RefreshError `store_failed` when `timeout` ms have passed; `invalid_option`
   * @example
   * process.once('SIGTERM', () => credential.flush().finally(() => process.exit()))
   */
  flush(options?: FlushOptions): Promise<void>
  /** The state of the login, without secrets. */
  status(): CredentialStatus
}
