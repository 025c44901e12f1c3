import type { RefreshError } from '../errors.ts'
import type { AccessToken } from './token.ts'

/**
 * How far a failed request got. `unsent`: nothing reached the endpoint (no connection). `broken`: the request was sent, and no whole response
 * came. `answered`: a whole response came that is no success. `accepted`: a whole 2xx came, so the refresh token was spent.
 */
export type Reach = 'unsent' | 'broken' | 'answered' | 'accepted'

/** The facts that a source knows about its failure, besides the error's code. */
export interface FailureFacts {
  readonly reach?: Reach | undefined
  /** The readable parts of a success without a usable access token, such as the new refresh token, which must not be lost. */
  readonly received?: Omit<Partial<AccessToken>, 'accessToken'> | undefined
  /** What the endpoint refused instead of the login: the demand of the challenge (`interaction_required` and similar), or the scope. */
  readonly refusedWish?: 'challenge' | 'scope' | undefined
  /** An earlier request of the same flight was sent and got no whole response: it may have spent the refresh token. */
  readonly hasBroken?: boolean | undefined
  /** The same request may succeed a moment later, as when a signature's time was wrong. Then no process remembers the refusal. */
  readonly mayPass?: boolean | undefined
}

/** A map beside the errors, because printers and error trackers read an error's members, and some facts are secret. */
const known = new WeakMap<object, FailureFacts>()

/** Notes the facts that a source knows of a failure. Returns the same error. */
export function noting(error: RefreshError, facts: FailureFacts): RefreshError {
  known.set(error, { ...known.get(error), ...facts })
  return error
}

export function factsOf(error: unknown): FailureFacts {
  return (typeof error === 'object' && error !== null ? known.get(error) : undefined) ?? {}
}

/** True if the failure may pass within seconds, and says nothing about the login. */
export function isPassing({ code }: RefreshError): boolean {
  return /^source_(?:unreachable|unavailable|rate_limited)$/.test(code)
}
