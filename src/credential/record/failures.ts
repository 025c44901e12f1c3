import { RefreshError } from '../../errors.ts'
import type { StoredRecord } from '../store.ts'

export function unchanged(): RefreshError {
  return new RefreshError(
    'unchanged',
    'The source gave the very token that is to be replaced: renew it at its source.',
  )
}

export function superseded(): RefreshError {
  return new RefreshError('refresh_failed', 'A login or a logout came while the token was issued.')
}

/** For a source that ignored its signal, and brought a token after its refresh was given up. */
export function cameLate(): RefreshError {
  return new RefreshError('refresh_failed', 'The token came late: it is stored next.')
}

export function nothingNewer(stored: StoredRecord | undefined): RefreshError {
  return stored?.token === undefined
    ? new RefreshError(
        'credential_missing',
        'The store holds no token yet, and this process only borrows: log in where the account is refreshed.',
      )
    : new RefreshError(
        'unchanged',
        'The store holds no newer token, and this process only borrows: refresh it where it is kept.',
      )
}

export function loggedOut(): RefreshError {
  return new RefreshError('reauthentication_required', 'The account was logged out: log in again.')
}

/** For a refusal after an earlier request whose outcome is not known. */
export function lost(cause: unknown): RefreshError {
  const message =
    'An earlier request got no whole response, so the refused refresh token may have been spent: log in again.'
  return new RefreshError('reauthentication_required', message, { cause })
}

export function spentSeed(): RefreshError {
  const message =
    'The configured refresh token was redeemed or refused before, and no other is stored: configure a new one, or log in.'
  return new RefreshError('reauthentication_required', message)
}

export function sealedElsewhere(): RefreshError {
  const message =
    'The record is sealed, and this process has no keys for it: give the store here the keys, too. Nothing was sent or written.'
  return new RefreshError('store_invalid', message)
}

/** True if the store could not be read, locked or written. */
export function isOutage(error: unknown): error is RefreshError {
  return error instanceof RefreshError && error.code === 'store_failed'
}

export function isTerminal(error: unknown): boolean {
  return error instanceof RefreshError && error.terminal
}

/** Turns a store's error into ours. A `RefreshError` stays as it is. */
export function storeFailure(error: unknown): RefreshError {
  if (error instanceof RefreshError) return error
  return new RefreshError('store_failed', 'The store could not be read, locked or written: see the cause.', {
    cause: error,
  })
}

export function silent(deadline: number): RefreshError {
  const message = `The store did not respond within ${deadline} ms: give each of its steps a time limit.`
  return new RefreshError('store_failed', message)
}

export function covered(): RefreshError {
  return new RefreshError('store_failed', 'Another process wrote while the token was to be stored.')
}

export function challengeRefused(): RefreshError {
  const message =
    'The authorization server refuses what this API demands in its challenge. Log in with what the API demands, or call another API.'
  return new RefreshError('source_refused', message)
}
