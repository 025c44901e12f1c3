import { RefreshError } from './errors.ts'

/** The cell's reasons to have no fresh value for a caller. */

export function missing(): RefreshError {
  return new RefreshError(
    'credential_missing',
    'There is no credential: it was cleared, and a login (`set()`) is needed.',
  )
}

export function timeout(deadline: number): RefreshError {
  return new RefreshError('refresh_timeout', `The refresh did not settle within ${deadline} ms.`)
}

/** Too soon after a failure; the refusal carries the same cause. */
export function suspended(pause: number, failure: RefreshError | undefined): RefreshError {
  const cause = failure?.code === 'refresh_failed' ? failure.cause : failure
  return new RefreshError(
    'refresh_suspended',
    `The last refresh failed (${failure?.code ?? 'unknown'}); the next may run in ${Math.ceil(pause)} ms.`,
    { cause, retryAfter: pause },
  )
}

/** The breaker's: what refreshing brought was rejected, too. */
export function unhelpful(pause: number): RefreshError {
  return new RefreshError(
    'refresh_suspended',
    `What the last refresh brought was rejected, too; the next may run in ${Math.ceil(pause)} ms.`,
    { retryAfter: pause },
  )
}

export function reentrant(): RefreshError {
  return new RefreshError(
    'refresh_reentrant',
    'The refresh function asked its own cell for a value, and would wait for itself. Use the context it is given.',
  )
}

export function isReentrant(error: unknown): boolean {
  return error instanceof RefreshError && error.code === 'refresh_reentrant'
}
