import { RefreshError } from './errors.ts'

/** The cell's reasons to have no fresh value for a caller. */

export function missing(): RefreshError {
  return new RefreshError('credential_missing', 'No value until set().')
}

export function timeout(what: string, deadline: number): RefreshError {
  return new RefreshError('refresh_timeout', `${what} did not settle within ${deadline} ms.`)
}

/** Too soon after a failure; the refusal carries the same cause. */
export function suspended(pause: number, failure: RefreshError | undefined): RefreshError {
  const cause = failure?.code === 'refresh_failed' ? failure.cause : failure
  return refused('The last refresh failed', pause, cause)
}

/** The breaker's. */
export function unhelpful(pause: number): RefreshError {
  return refused('The fresh value was rejected', pause, undefined)
}

function refused(why: string, pause: number, cause: unknown): RefreshError {
  const message = `${why}; the next may run in ${Math.ceil(pause)} ms.`
  return new RefreshError('refresh_suspended', message, { cause, retryAfter: pause })
}

export function reentrant(): RefreshError {
  return new RefreshError('refresh_reentrant', 'The refresh function waits for its cell.')
}
