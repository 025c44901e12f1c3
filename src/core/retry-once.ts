import type { Refresher, Snapshot } from './refresher.ts'
import {
  askFor,
  type Judgement,
  type CommonPolicy,
  judgeError,
  mendableIn,
  notRetried,
  obtain,
  renew,
  repeatable,
  reportFailure,
  tellRetried,
  widen,
} from './retry-policy.ts'

/** How the retry policy reads one kind of call. */
export interface RetryPolicy<R> extends CommonPolicy {
  /** Is this result a rejection? Default: no result is; only errors are judged. */
  readonly isRejection?: ((result: R) => Judgement) | undefined
  /** Asked about a result that is no rejection: does it show that the remote side accepted the value? Default: it does. */
  readonly isAcceptance?: ((result: R) => boolean) | undefined
  /** Discards a rejected result before the second attempt, for example by cancelling its body. An error that it throws is ignored. */
  readonly discard?: ((result: R) => unknown) | undefined
}

/**
 * Makes one attempt or two: if the remote side rejects the first attempt, it refreshes the value and makes a second attempt. The caller gets
 * the result of the last attempt. If there is no newer value, the caller gets the rejection unchanged.
 *
 * @throws the last attempt's error; RefreshError if there is no value to attempt with
 * @example
 * const call = ({ accessToken }: AccessToken) => fetch(url, { headers: { authorization: `Bearer ${accessToken}` } })
 * const response = await retryOnce(token, call, {
 *   isRejection: (response) => response.status === 401,
 *   discard: (response) => response.body?.cancel(),
 * })
 */
export function retryOnce<T, R>(
  refresher: Refresher<T>,
  attempt: (value: T) => Promise<R>,
  policy: RetryPolicy<R>,
): Promise<R> {
  return retryFrom(undefined, refresher, attempt, policy)
}

/** A first attempt that a surface made before it called the retry policy. */
export interface Made<T, R> {
  readonly snapshot: Snapshot<T>
  readonly result: R
}

/** Does the same as {@link retryOnce}, but starts from the first attempt's result if there is one. */
export async function retryFrom<T, R>(
  made: Made<T, R> | undefined,
  refresher: Refresher<T>,
  attempt: (value: T) => Promise<R>,
  policy: RetryPolicy<R>,
): Promise<R> {
  // Await only a promise: an await costs a turn of the event loop even if the value is there.
  const obtained = made?.snapshot ?? obtain(refresher, policy)
  let snapshot = obtained instanceof Promise ? await obtained : obtained
  for (let retried = false; ; retried = true) {
    if (retried) tellRetried(refresher, snapshot, policy)
    let result: R
    try {
      result = made === undefined || retried ? await attempt(snapshot.value) : made.result
    } catch (error) {
      if (retried) reportFailure(refresher, snapshot, error, policy)
      const verdict = retried ? undefined : await mendableIn(judgeError(error, policy))
      const fresh = verdict && (await renew(refresher, snapshot, verdict, policy))
      if (fresh === undefined) throw error
      snapshot = fresh
      continue
    }
    let verdict = mendableIn(policy.isRejection?.(result) ?? false)
    if (verdict instanceof Promise) verdict = await verdict
    const isRejected = verdict?.rejected === true
    if (isRejected && retried) {
      refresher.stillRejected?.(snapshot, policy.endpoint)
      return result
    }
    let fresh: Snapshot<T> | undefined
    if (verdict !== undefined && !retried) {
      try {
        // This repeats `renew()` inline, because in a stampede the frame and promise of a call would stay in memory for each caller.
        fresh = isRejected
          ? repeatable(refresher, snapshot, await askFor(refresher, snapshot, verdict, policy), policy)
          : await widen(refresher, snapshot, verdict, policy)
      } catch (error) {
        if (policy.signal?.aborted === true) discard(result, policy)
        notRetried(refresher, snapshot, error, policy)
      }
    }
    if (fresh === undefined) {
      if (!isRejected && (policy.isAcceptance?.(result) ?? true))
        refresher.accepted(snapshot, policy.endpoint)
      return result
    }
    snapshot = fresh
    discard(result, policy)
  }
}

/** Discards a result that no caller needs any more. No caller waits for that, and a failure is ignored. */
function discard<R>(result: R, policy: RetryPolicy<R>): void {
  try {
    const discarding = policy.discard?.(result)
    if (discarding !== undefined) Promise.resolve(discarding).catch(() => undefined)
  } catch {
    // as above
  }
}
