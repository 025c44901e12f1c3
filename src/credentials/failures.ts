import { RefreshError } from '../core/errors.ts'
import type { StoredToken } from './store.ts'

export function unchanged(): RefreshError {
  return new RefreshError('unchanged', 'The source gave the very token that is to be replaced.')
}

export function superseded(): RefreshError {
  return new RefreshError('refresh_failed', 'A login or a logout came while the token was issued.')
}

export function nothingNewer(stored: StoredToken | undefined): RefreshError {
  return stored?.token === undefined
    ? new RefreshError('credential_missing', 'The store holds no token yet, and this process only borrows.')
    : new RefreshError('unchanged', 'The store holds no newer token, and this process only borrows.')
}

export function loggedOut(): RefreshError {
  return new RefreshError('reauthentication_required', 'The account was logged out: log in again.')
}

export function lost(cause: unknown): RefreshError {
  const message =
    'Whoever refreshed before vanished, and with it perhaps the token that it received: log in again.'
  return new RefreshError('reauthentication_required', message, { cause })
}

/** The store could not be read, locked or written. */
export function isOutage(error: unknown): error is RefreshError {
  return error instanceof RefreshError && error.code === 'store_failed'
}

export function isTerminal(error: unknown): boolean {
  return error instanceof RefreshError && error.terminal
}
