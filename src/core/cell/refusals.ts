import { RefreshError } from '../../errors.ts'

/** The errors with which a cell refuses a caller a fresh value. */

export function missing(): RefreshError {
  return new RefreshError(
    'credential_missing',
    'There is no value: the account was logged out, or never logged in. Log in, or set a value.',
    { terminal: true },
  )
}

export function timeout(what: string, deadline: number): RefreshError {
  return new RefreshError(
    'refresh_timeout',
    `${what} did not settle within its deadline of ${deadline} ms: what it waits for is slow or hangs. Try again later.`,
  )
}

/** The cooldown's error: a refresh failed a moment ago. Its cause is that failure, or the failure's own cause if the failure is foreign. */
export function suspended(pause: number, failure: RefreshError | undefined): RefreshError {
  const isForeign = failure?.code === 'refresh_failed'
  const cause = isForeign ? failure.cause : failure
  const why = failure?.message ?? 'the reason is not known'
  const message = `The last refresh failed, so the next may run in ${inMs(pause)}. It failed because: ${why}`
  return new RefreshError('refresh_suspended', message, { cause, retryAfterMs: pause })
}

/** The breaker's error: the last refreshes did not help here, so the next one waits. */
export function unhelpful(pause: number): RefreshError {
  const message = `The remote side rejected the fresh value, too, so refreshing does not help here: the next refresh may run in ${inMs(pause)}. Check that the account may use this endpoint.`
  return new RefreshError('refresh_suspended', message, { retryAfterMs: pause })
}

/** The breaker's error: the doubtful endpoints have used up their common budget. */
export function exhausted(): RefreshError {
  const message =
    'The remote side has never accepted a value at this endpoint, and refreshing did not help there, so none is made now. Check that the account may use this endpoint; one of the next calls refreshes again.'
  return new RefreshError('refresh_suspended', message)
}

export function reentrant(): RefreshError {
  return new RefreshError(
    'refresh_reentrant',
    'The refresh function waits for the very cell that it refreshes, which would never end. Read the value in force from its `current` instead.',
  )
}

function inMs(pause: number): string {
  return `${Math.ceil(pause)} ms`
}
