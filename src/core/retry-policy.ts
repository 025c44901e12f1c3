import type { RefreshError } from '../errors.ts'
import { throwIfAborted } from '../lib/abortable.ts'
import { type Audience, STRANGERS } from './audience.ts'
import { asRefreshError, type RefreshListener } from './events.ts'
import type { Background, Generation, Refresher, Snapshot } from './refresher.ts'
import { demandIn, isMendable } from './verdict/demand.ts'
import { verdict, type Verdict } from './verdict/unauthorized.ts'

/**
 * Is this a rejection? A verdict can carry the challenge; a plain `true` carries none. A verdict that is no rejection, but has a challenge
 * with `insufficient_scope`, demands a wider scope: see `Refresher.demand()`. A judgement that has to read a body first is a promise.
 */
export type Judgement = boolean | Verdict | Promise<boolean | Verdict>

/** The common part of the retry policies of calls and of streams. */
export interface CommonPolicy {
  /** Is this thrown error a rejection? Default: `isUnauthorizedError` decides. */
  readonly isRejectionError?: ((error: unknown) => Judgement) | undefined
  /**
   * Called when a rejection has led to a newer value. Returns why the call cannot be repeated, and the caller then gets the rejection.
   * Returns undefined if the call can be repeated. Default: it can.
   */
  readonly unrepeatable?: (() => RefreshError | undefined) | undefined
  /** The caller's signal: once it has aborted, no second attempt is made. */
  readonly signal?: AbortSignal | undefined
  /**
   * The called endpoint: method and path, without the query. If the endpoint accepted a value before, its rejection causes a refresh at once.
   * All endpoints that never did share a budget of refreshes. Default: all calls of this refresher count as calls of one endpoint.
   */
  readonly endpoint?: string | undefined
  /** Receives the refresh that this call begins: see {@link Background}. */
  readonly background?: Background | undefined
  /** Receives the events of this call's retries. The refresher's own listener receives them too. */
  readonly onEvent?: RefreshListener | undefined
  /** @internal The origin that the call goes to, for events. */
  readonly origin?: string | undefined
  /** @internal The attempt watches the caller's signal itself, so it is made, and its result returned, even if the signal has aborted. */
  readonly aborts?: boolean | undefined
  /** @internal The caller has its result already, so this call sends no more events. */
  readonly isLeft?: boolean | undefined
}

/** Judges a thrown error. */
export function judgeError(error: unknown, policy: CommonPolicy): Judgement {
  return policy.isRejectionError?.(error) ?? verdict(error)
}

/** One shared object: in a stampede each caller holds it until the refresh is over. */
const REJECTED: Verdict = /* @__PURE__ */ Object.freeze({ rejected: true })

/** The verdict of a judgement, if it is a rejection. Returns a promise only for a judgement that is one. */
function rejectionIn(answer: Judgement): Verdict | undefined | Promise<Verdict | undefined> {
  if (answer === false) return undefined
  if (answer === true) return REJECTED
  if (answer instanceof Promise) return answer.then(rejectionIn)
  return answer.rejected ? answer : undefined
}

/** The verdict of a judgement, if another token may help: a rejection, or a demand for a scope. Returns a promise as `rejectionIn()` does. */
export function mendableIn(answer: Judgement): Verdict | undefined | Promise<Verdict | undefined> {
  if (answer === false) return undefined
  if (answer === true) return REJECTED
  if (answer instanceof Promise) return answer.then(mendableIn)
  return isMendable(answer) ? answer : undefined
}

/** A snapshot for an attempt. It is a promise only if the caller has to wait. */
export function obtain<T>(refresher: Refresher<T>, policy: CommonPolicy): Snapshot<T> | Promise<Snapshot<T>> {
  const hasLeft = !policy.aborts && policy.signal?.aborted
  const usable = hasLeft ? undefined : refresher.usable?.()
  return usable ?? refresher.snapshot(policy)
}

/** Reports a rejection, and asks for a newer snapshot; undefined if the caller has left. */
export function askFor<T>(
  refresher: Refresher<T>,
  rejected: Snapshot<T>,
  judged: Verdict,
  policy: CommonPolicy,
): Promise<Snapshot<T>> | undefined {
  const { signal, endpoint, background, origin } = policy
  const { challenge } = judged
  if (signal?.aborted === true) return undefined
  return refresher.refresh(rejected, { signal, challenge, endpoint, background, origin })
}

/**
 * The snapshot for a second attempt; undefined if the call cannot be repeated.
 *
 * @throws the signal's reason, if the caller left while it waited
 */
export function repeatable<T>(
  refresher: Refresher<T>,
  rejected: Snapshot<T>,
  fresh: Snapshot<T> | undefined,
  policy: CommonPolicy,
): Snapshot<T> | undefined {
  if (fresh === undefined) return undefined
  throwIfAborted(policy.signal)
  const reason = policy.unrepeatable?.()
  return reason === undefined ? fresh : notRetried(refresher, rejected, reason, policy)
}

/**
 * Reports that there is no second attempt: the caller gets the rejection unchanged.
 *
 * @throws the signal's reason, if the caller left while it waited
 */
export function notRetried<T>(
  refresher: Refresher<T>,
  { generation }: Generation,
  error: unknown,
  policy: CommonPolicy,
): undefined {
  throwIfAborted(policy.signal)
  const audience = audienceOf(refresher, policy)
  audience?.tell({ type: 'not_retried', generation, error: asRefreshError(error) }, policy)
}

/**
 * The snapshot for a second attempt; undefined if there is none, so that the caller gets the rejection or the demand unchanged.
 *
 * @throws the signal's reason, if the caller left while it waited
 */
export async function renew<T>(
  refresher: Refresher<T>,
  rejected: Snapshot<T>,
  judged: Verdict,
  policy: CommonPolicy,
): Promise<Snapshot<T> | undefined> {
  try {
    if (!judged.rejected) return await widen(refresher, rejected, judged, policy)
    return repeatable(refresher, rejected, await askFor(refresher, rejected, judged, policy), policy)
  } catch (error) {
    return notRetried(refresher, rejected, error, policy)
  }
}

/** Reports a demand for a scope. A demand is no rejection, so no event says that the call was not repeated. */
export async function widen<T>(
  refresher: Refresher<T>,
  lacking: Snapshot<T>,
  judged: Verdict,
  policy: CommonPolicy,
): Promise<Snapshot<T> | undefined> {
  const { signal, background } = policy
  const challenge = demandIn(judged)
  if (challenge === undefined || refresher.demand === undefined || signal?.aborted === true) return undefined
  const fresh = await refresher.demand(lacking, challenge, { signal, background }).catch(() => undefined)
  throwIfAborted(signal)
  return policy.unrepeatable?.() === undefined ? fresh : undefined
}

/**
 * Reports to the refresher that a second attempt failed with a rejection. The caller gets its error in any case, and does not wait until the
 * error is judged.
 */
export function reportFailure<T>(
  refresher: Refresher<T>,
  snapshot: Snapshot<T>,
  error: unknown,
  policy: CommonPolicy,
): void {
  if (refresher.stillRejected === undefined) return
  const report = (rejection: Verdict | undefined): void => {
    if (rejection !== undefined) refresher.stillRejected?.(snapshot, policy.endpoint)
  }
  try {
    const judged = rejectionIn(judgeError(error, policy))
    if (judged instanceof Promise) judged.then(report).catch(() => undefined)
    else report(judged)
  } catch {
    // If the user's `isRejectionError` throws, the caller still gets the error of its attempt.
  }
}

/** Reports that a call makes its second attempt. */
export function tellRetried<T>(
  refresher: Refresher<T>,
  { generation }: Generation,
  policy: CommonPolicy,
): void {
  audienceOf(refresher, policy)?.tell({ type: 'retried', generation }, policy)
}

/** The listeners of a call; undefined if there are none. */
function audienceOf<T>(refresher: Refresher<T>, policy: CommonPolicy): Audience | undefined {
  const audience = refresher.audience ?? STRANGERS
  return policy.isLeft !== true && audience.listens(policy.onEvent) ? audience : undefined
}
