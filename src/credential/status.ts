import type { RefreshErrorCode } from '../errors.ts'

/** The state of a credential, without secrets. */
export interface CredentialStatus {
  /**
   * `empty`: nothing was asked of it yet · `valid` · `expired`: it will be refreshed when it is next asked for · `logged_out` ·
   * `reauthentication_required`: only a person can mend it.
   */
  readonly state: 'empty' | 'valid' | 'expired' | 'logged_out' | 'reauthentication_required'
  /** 0 if there is no token. */
  readonly generation: number
  /** epoch ms; undefined if it is not known. */
  readonly expiresAt: number | undefined
  readonly isRefreshing: boolean
  /** The token is in use, and could not be written to the store yet. */
  readonly isUnsaved: boolean
  /** epoch ms: when a token last came from the source or from the store. */
  readonly refreshedAt: number | undefined
  /** The failure of the last refresh, if it failed. */
  readonly failure:
    | { readonly code: RefreshErrorCode; readonly message: string; readonly at: number }
    | undefined
}
