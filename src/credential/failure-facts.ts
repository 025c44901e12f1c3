import type { RefreshError } from '../errors.ts'
import type { AccessToken } from './token.ts'

/**
 * How far a failed request got. `unsent`: nothing reached the endpoint (no connection). `broken`: it was sent, and no whole response came.
 * `answered`: a whole response came that is no success. `accepted`: a whole 2xx came, so the refresh token was spent.
 */
export type Reach = 'unsent' | 'broken' | 'answered' | 'accepted'

/** The facts that a source knows of its failure besides its code. */
export interface FailureFacts {
  readonly reach?: Reach | undefined
  /** The readable parts of a success that is unusable as a whole, such as the new refresh token: they must not be lost. */
  readonly received?: Omit<Partial<AccessToken>, 'accessToken'> | undefined
  /** The endpoint refused what the challenge demands (`interaction_required` and its kin), or the scope, and not the login. */
  readonly refusedWish?: 'challenge' | 'scope' | undefined
  /** An earlier request of the same flight was sent and got no whole response: it may have spent the refresh token. */
  readonly hasBroken?: boolean | undefined
  /** The same request may succeed a moment later, as when a signature's time was off: the refusal is not remembered. */
  readonly mayPass?: boolean | undefined
}

/** Beside the errors, not in them: printers and error trackers walk an error's members. */
const known = new WeakMap<object, FailureFacts>()

/** Notes the facts that a source knows of a failure. Returns the same error. */
export function noting(error: RefreshError, facts: FailureFacts): RefreshError {
  known.set(error, { ...known.get(error), ...facts })
  return error
}

export function factsOf(error: unknown): FailureFacts {
  return (typeof error === 'object' && error !== null ? known.get(error) : undefined) ?? {}
}

/** Time may mend it within seconds, and it says nothing of the login. */
export function isPassing({ code }: RefreshError): boolean {
  return /^source_(?:unreachable|unavailable|rate_limited)$/.test(code)
}
