import type { RefreshErrorCode } from '../errors.ts'

/** The state of a credential, without secrets. */
export interface CredentialStatus {
  /**
   * `empty`: the credential has no token yet · `valid` · `expired`: the next caller causes a refresh · `logged_out` ·
   * `reauthentication_required`: only a person can mend it.
   */
  readonly state: 'empty' | 'valid' | 'expired' | 'logged_out' | 'reauthentication_required'
  /** 0 if there is no token. */
  readonly generation: number
  /** epoch ms; undefined if it is not known. */
  readonly expiresAt: number | undefined
  readonly isRefreshing: boolean
  /** True if callers use a token that the store does not have yet. */
  readonly isUnsaved: boolean
  /** epoch ms: when a token last came from the source or from the store. */
  readonly refreshedAt: number | undefined
  /** The failure of the last refresh, if it failed. `at`: epoch ms. */
  readonly failure:
    | { readonly code: RefreshErrorCode; readonly message: string; readonly at: number }
    | undefined
}
