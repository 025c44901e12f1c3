import { asRefreshError, type Finding } from '../core/events.ts'
import type { Snapshot } from '../core/refresher.ts'
import { findingsOf } from './findings-of.ts'
import type { TokenRecord } from './record/token-record.ts'
import { fitOf } from './renewal/made-for.ts'
import type { Source } from './source.ts'
import type { CredentialStatus } from './status.ts'
import type { Store, StoredRecord } from './store.ts'
import { type AccessToken, isSame } from './token.ts'

/** The result of `check()`. */
export interface CheckResult {
  /** No finding is an error. */
  readonly ok: boolean
  readonly findings: Finding[]
}

/** The input of a check. */
export interface Checked {
  readonly store: Store
  readonly source: Source | undefined
  readonly record: TokenRecord
  readonly peek: () => Snapshot<AccessToken> | undefined
  readonly status: () => CredentialStatus
  /** Refreshes now, even if the source refused before. */
  readonly refresh: () => Promise<Snapshot<AccessToken>>
}

/** Finds out whether the credential can get a token, and what puts the login at risk. */
export async function check(of: Checked): Promise<CheckResult> {
  const findings: Finding[] = [...findingsOf(of.store)]
  let stored: StoredRecord | undefined
  try {
    stored = await of.record.read()
  } catch (reason) {
    findings.push(problem(reason, 'Mend the store; a token that is good is used meanwhile.'))
  }
  if (of.record.isUnsaved) findings.push(unsaved())
  if (fitOf(stored, of.source) === 'other') findings.push(madeForAnother())
  const found = await token(of, stored)
  findings.push(...found)
  const isGood = found.some(({ level }) => level === 'ok')
  if (isGood && endsWithItsToken(of, stored)) findings.push(noRefreshToken())
  return { ok: findings.every(({ level }) => level !== 'error'), findings }
}

/** True for a person's login without a refresh token. A source that spends nothing, or a user's own, may issue the next token without one. */
function endsWithItsToken({ source, peek }: Checked, stored: StoredRecord | undefined): boolean {
  if (peek()?.value.refreshToken !== undefined) return false
  // A store-only process learns from the record whether a person has logged in.
  if (source === undefined) return (stored?.session ?? 0) > 0
  return source.presented !== undefined && source.spendsRefreshToken !== false && source.seed === undefined
}

async function token(of: Checked, stored: StoredRecord | undefined): Promise<Finding[]> {
  try {
    const { state, failure } = of.status()
    const isGood = state === 'valid' && !isOvertaken(of, stored)
    const { expiresAt } = (isGood ? of.peek() : undefined) ?? (await refreshed(of, stored))
    const when =
      expiresAt === undefined
        ? 'its expiry is not known'
        : `it expires at ${new Date(expiresAt).toISOString()}`
    const good: Finding = {
      code: 'token_good',
      level: 'ok',
      message: `There is a token: ${when}.`,
      fix: undefined,
    }
    return isGood && failure !== undefined ? [good, failing(failure.message)] : [good]
  } catch (reason) {
    return [problem(reason, undefined)]
  }
}

async function refreshed(of: Checked, stored: StoredRecord | undefined): Promise<Snapshot<AccessToken>> {
  const snapshot = await of.refresh()
  // A process that has just begun adopts the stored token, and learns from the record that the login had ended. Ask the source whether the
  // login is still dead.
  return isFollowed(of, stored) && of.status().state === 'reauthentication_required' ? of.refresh() : snapshot
}

/** True if the record concerns this credential. A value of this machine is never stored, and a record may be of another configuration. */
function isFollowed({ source }: Checked, stored: StoredRecord | undefined): boolean {
  return source?.isStatic !== true && fitOf(stored, source) !== 'other'
}

/** True if the record tells of an ended login, of a logout, or of a newer token than ours. */
function isOvertaken(of: Checked, stored: StoredRecord | undefined): boolean {
  const { record, peek } = of
  if (stored === undefined || record.isUnsaved || !isFollowed(of, stored)) return false
  if (stored.failure?.terminal === true) return true
  return stored.revision > record.revision && !isSame(stored.token, peek()?.value)
}

function problem(reason: unknown, fix: string | undefined): Finding {
  const { code, message, terminal } = asRefreshError(reason)
  return { code, level: 'error', message, fix: fix ?? (terminal ? 'Log in again.' : undefined) }
}

function warning(code: string, message: string, fix: string): Finding {
  return { code, level: 'warning', message, fix }
}

function failing(why: string): Finding {
  return warning(
    'refresh_failing',
    `The token is good, and its last refresh failed: ${why}`,
    'Mend that before the token expires.',
  )
}

function unsaved(): Finding {
  return warning(
    'token_unsaved',
    'A token is in use that the store does not hold yet: it is written as soon as the store takes it.',
    'Mend the store, and keep this process running until then.',
  )
}

function madeForAnother(): Finding {
  return warning(
    'made_for_another',
    'The stored record was made for another issuer or client: its tokens are not used.',
    'Log in again, or store it under another name.',
  )
}

function noRefreshToken(): Finding {
  return warning(
    'no_refresh_token',
    'The login brought no refresh token: it ends with its access token.',
    "Have the server issue one, often for the scope 'offline_access'. Log in again.",
  )
}
