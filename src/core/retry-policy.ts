import type { RefreshError } from '../errors.ts'
import { throwIfAborted } from '../lib/abortable.ts'
import { type Audience, STRANGERS } from './audience.ts'
import { asRefreshError, type RefreshListener } from './events.ts'
import type { Background, Generation, Refresher, Snapshot } from './refresher.ts'
import { demandIn, isMendable } from './verdict/demand.ts'
import { verdict, type Verdict } from './verdict/unauthorized.ts'

/**
 * Is this a rejection? A verdict can carry the challenge; a plain `true` carries none. A verdict that is no rejection, whose challenge is an
 * `insufficient_scope`, demands a wider scope: see `Refresher.demand()`. It may take reading.
 */
export type Judgement = boolean | Verdict | Promise<boolean | Verdict>

/** The common part of the retry policies of calls and of streams. */
export interface CommonPolicy {
  /** Is this thrown error a rejection? Default: `isUnauthorizedError` decides. */
  readonly isRejectionError?: ((error: unknown) => Judgement) | undefined
  /**
   * Asked once a rejection has led to a newer value. Returns why the call cannot be made again, and the caller then gets the rejection;
   * undefined if it can be made again. Default: it can.
   */
  readonly unrepeatable?: (() => RefreshError | undefined) | undefined
  /** The caller's: once it has aborted, nothing is retried. */
  readonly signal?: AbortSignal | undefined
  /**
   * The called endpoint: method and path, without the query. A rejection by an endpoint that accepted a value before causes a refresh at
   * once; the other endpoints share a budget. Default: all calls of this refresher go to one endpoint.
   */
  readonly endpoint?: string | undefined
  /** Receives the refresh that this call begins: see {@link Background}. */
  readonly background?: Background | undefined
  /** Receives the events of this call's retries. The refresher's own listener receives them too. */
  readonly onEvent?: RefreshListener | undefined
  /** @internal The origin that the call goes to, for events. */
  readonly origin?: string | undefined
  /** @internal An attempt observes the caller's abort by itself: the caller gets its result even if the abort came first. */
  readonly aborts?: boolean | undefined
  /** @internal The caller knows how its call ended, so no more events tell of it. */
  readonly isLeft?: boolean | undefined
}

/** Judges a thrown error. */
export function judgeError(error: unknown, policy: CommonPolicy): Judgement {
  return policy.isRejectionError?.(error) ?? verdict(error)
}

/** In a stampede each caller keeps it until the refresh is over. */
const REJECTED: Verdict = /* @__PURE__ */ Object.freeze({ rejected: true })

/** The verdict of a judgement, if it is a rejection. Waits only if the judgement does. */
function rejectionIn(answer: Judgement): Verdict | undefined | Promise<Verdict | undefined> {
  if (answer === false) return undefined
  if (answer === true) return REJECTED
  if (answer instanceof Promise) return answer.then(rejectionIn)
  return answer.rejected ? answer : undefined
}

/** The verdict of a judgement, if another credential may do. Waits only if the judgement does. */
export function mendableIn(answer: Judgement): Verdict | undefined | Promise<Verdict | undefined> {
  if (answer === false) return undefined
  if (answer === true) return REJECTED
  if (answer instanceof Promise) return answer.then(mendableIn)
  return isMendable(answer) ? answer : undefined
}

/** A snapshot for an attempt. It is no promise if no wait is needed. */
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
 * The snapshot for a second attempt, if one can be made.
 *
 * @throws the signal's reason, when the caller has left while it waited
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
 * Makes no second attempt: the caller gets the rejection unchanged.
 *
 * @throws the signal's reason, when the caller has left while it waited
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
 * The snapshot for a second attempt; undefined if there is to be none, and the caller gets the rejection or the demand unchanged.
 *
 * @throws the signal's reason, when the caller leaves while it waits
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

/** Reports a demand. That is no rejection: nothing tells of a call that is not made again. */
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
 * Reports a second attempt that failed, where that was a rejection, too. The caller gets its failure in any case, and does not wait for a
 * judge that takes long.
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
    // A judge that throws has no opinion. The error that it was asked about is the one to tell.
  }
}

/** A call makes its second attempt. */
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
