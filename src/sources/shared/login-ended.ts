/** Only a person can mend these, where a person has logged in: OAuth's, OpenID's, and what vendors say instead. */
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
  // A code that a login ends with, and that is spent, too old, or another client's: GitHub's, Slack's.
  'incorrect_device_code',
  'bad_verification_code',
  'bad_code',
  'invalid_code',
  'code_already_used',
])
/** A firewall answers with 403, too: only what it never says ends a login. */
const LOGIN_ENDED_BY_403: ReadonlySet<string> = new Set(['invalid_grant', 'mfa_required'])
/** The endpoint wants a person for what a challenge demands. The login itself may be good: that is what `invalid_grant` denies. */
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
 * The code by which a response ends a login.
 *
 * @param codes what `error` of a JSON object holds
 */
export function loginEndedBy(status: number, codes: readonly string[]): string | undefined {
  const isWord = status === 400 || status === 401 || (status >= 200 && status < 300)
  const list = isWord ? LOGIN_ENDED : status === 403 ? LOGIN_ENDED_BY_403 : undefined
  return list && codes.find((code) => list.has(code))
}

/** @param codes what `error` of a JSON object holds, after a request that carried what a challenge demands */
export function isChallengeRefusal(codes: readonly string[]): boolean {
  return codes.some((code) => CHALLENGE_REFUSED.has(code)) && !codes.includes('invalid_grant')
}
