/** Error codes that end a person's login, so that only a person can mend them: codes of OAuth, of OpenID, and of vendors. */
const LOGIN_ENDED: ReadonlySet<string> = new Set([
  'invalid_grant',
  'access_denied',
  'authorization_declined',
  'expired_token',
  'code_expired',
  'token_expired',
  'token_revoked',
  'token_inactive',
  'invalid_token',
  'bad_refresh_token',
  'invalid_refresh_token',
  'expired_refresh_token',
  'refresh_token_expired',
  'refresh_token_invalid',
  'refresh_token_invalidated',
  'refresh_token_revoked',
  'refresh_token_reused',
  'refresh_token_not_found',
  'refresh_token_already_used',
  'session_expired',
  'session_terminated',
  'account_inactive',
  'reauthentication_required',
  'interaction_required',
  'login_required',
  'consent_required',
  'account_selection_required',
  'unmet_authentication_requirements',
  'mfa_required',
  // Codes of GitHub and Slack for an authorization code that is spent, too old, or another client's.
  'incorrect_device_code',
  'bad_verification_code',
  'bad_code',
  'invalid_code',
  'code_already_used',
])
/** Codes that end a login with a 403. A firewall responds with 403, too, so only codes count that no firewall sends. */
const LOGIN_ENDED_BY_403: ReadonlySet<string> = new Set(['invalid_grant', 'mfa_required'])
/**
 * Codes by which an endpoint refuses the claims of a challenge, or wants a person for them. The login itself may still be valid. Only
 * `invalid_grant` says that it is not.
 */
const CHALLENGE_REFUSED: ReadonlySet<string> = new Set([
  'interaction_required',
  'login_required',
  'consent_required',
  'account_selection_required',
  'unmet_authentication_requirements',
  'mfa_required',
  'invalid_request',
  'invalid_claims',
])

/**
 * The code by which a response ends a login; undefined if it does not end the login.
 *
 * @param codes the codes in `error` of a JSON object
 */
export function loginEndedBy(status: number, codes: readonly string[]): string | undefined {
  const isWord = status === 400 || status === 401 || (status >= 200 && status < 300)
  const list = isWord ? LOGIN_ENDED : status === 403 ? LOGIN_ENDED_BY_403 : undefined
  return list && codes.find((code) => list.has(code))
}

/**
 * Whether a response refuses the claims of a challenge.
 *
 * @param codes the codes in `error` of a JSON object. The request carried the claims.
 */
export function isChallengeRefusal(codes: readonly string[]): boolean {
  return codes.some((code) => CHALLENGE_REFUSED.has(code)) && !codes.includes('invalid_grant')
}
