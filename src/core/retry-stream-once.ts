import type { Refresher, Snapshot } from './refresher.ts'
import {
  type Judgement,
  type CommonPolicy,
  judgeError,
  mendableIn,
  obtain,
  renew,
  reportFailure,
  tellRetried,
} from './retry-policy.ts'
import type { Verdict } from './verdict/unauthorized.ts'

/** How the retry policy reads one kind of stream. */
export interface StreamPolicy<D> extends CommonPolicy {
  /** Is this item a rejection? Asked before the commit only. Default: no item is; only errors are judged. */
  readonly isRejection?: ((item: D) => Judgement) | undefined
  /** Is this item content? The first content is the commit: nothing is retried after it. */
  readonly isContent: (item: D) => boolean
  /** Is this item the stream's last? */
  readonly isEnd: (item: D) => boolean
}

/**
 * A stream that is opened once or twice. If it is rejected before the commit, the value is refreshed and the stream opened anew. The
 * consumer never sees content twice. If there is no newer value, the consumer gets the rejection unchanged.
 *
 * The stream opens nothing before the consumer asks for the first item, and reads nothing ahead. A consumer that leaves closes the open
 * attempt. The stream can be iterated once.
 *
 * @param open opens an attempt; the second one gets the last item that the first one handed on unjudged, if any
 * @example
 * for await (const item of retryStreamOnce(client, (client) => client.stream(prompt), {
 *   isContent: (item) => item.type === 'text',
 *   isEnd: (item) => item.type === 'stop',
 * })) …
 */
export function retryStreamOnce<T, D>(
  refresher: Refresher<T>,
  open: (value: T, last?: D) => AsyncIterable<D>,
  policy: StreamPolicy<D>,
): AsyncIterableIterator<D> {
  return new RetriedStream(refresher, open, policy)
}

type Result<D> = IteratorResult<D, undefined>

const END: IteratorReturnResult<undefined> = { done: true, value: undefined }

// Written by hand: a generator around the provider's own costs twice as much per item.
class RetriedStream<T, D> implements AsyncIterableIterator<D> {
  readonly #refresher: Refresher<T>
  readonly #open: (value: T, last?: D) => AsyncIterable<D>
  readonly #policy: StreamPolicy<D>

  #state: 'opening' | 'flowing' | 'over' | 'left' = 'opening'
  /** The attempt's stream, while one is open. */
  #inner: AsyncIterator<D> | undefined
  /** The same once it is committed and no earlier call of `next()` waits: nothing stands between it and the consumer. */
  #flowing: AsyncIterator<D> | undefined
  #snapshot: Snapshot<T> | undefined
  #retried = false
  /** The last item before the commit that was handed on. */
  #last: D | undefined
  /**
   * Calls of `next()` before the commit, in order: each function ends its call when the consumer leaves. None is kept while the stream
   * flows.
   */
  #waiting: ((end: Result<D>) => void)[] | undefined
  /** They are served one after the other, as a generator would. */
  #served: Promise<unknown> | undefined

  constructor(
    refresher: Refresher<T>,
    open: (value: T, last?: D) => AsyncIterable<D>,
    policy: StreamPolicy<D>,
  ) {
    this.#refresher = refresher
    this.#open = open
    this.#policy = policy
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<Result<D>> {
    if (this.#flowing === undefined) return this.#isOver() ? Promise.resolve(END) : this.#enqueue()
    try {
      return this.#flowing.next().then(this.#watch, this.#broken)
    } catch (error) {
      return Promise.reject(error).catch(this.#broken)
    }
  }

  async return(): Promise<Result<D>> {
    const inner = this.#over('left')
    for (const end of this.#waiting ?? []) end(END)
    await inner?.return?.()
    return END
  }

  #enqueue(): Promise<Result<D>> {
    return new Promise((resolve, reject) => {
      const waiting = (this.#waiting ??= [])
      waiting.push(resolve)
      this.#served = Promise.resolve(this.#served)
        .then(() => this.#serve())
        .finally(() => {
          waiting.shift()
          if (waiting.length > 0) return
          this.#waiting = undefined
          this.#served = undefined
          if (this.#state === 'flowing') this.#flowing = this.#inner
        })
        .then(resolve, reject)
    })
  }

  async #serve(): Promise<Result<D>> {
    // Each turn asks an attempt for an item; only a retry takes another turn.
    for (;;) {
      try {
        const inner = this.#isOver() ? undefined : await this.#start()
        if (inner === undefined) return END
        const result = await inner.next()
        if (this.#state === 'flowing' || this.#isOver()) return this.#watch(result)
        if (
          result.done === true ||
          this.#policy.isEnd(result.value) ||
          this.#policy.isContent(result.value)
        ) {
          return this.#commit(result)
        }
        const answer = this.#policy.isRejection?.(result.value) ?? false
        const verdict = this.#mayJudge() && (await mendableIn(answer))
        if (verdict && verdict.rejected && this.#retried) this.#stillRejected()
        if (!verdict || !this.#mayRetry()) {
          // A judged item was a failure, not a prelude.
          if (answer === false) this.#last = result.value
          return result
        }
        if (await this.#restart(verdict)) continue
        if (verdict.rejected) this.#over()
        return result
      } catch (error) {
        const verdict = this.#mayRetry() && (await mendableIn(judgeError(error, this.#policy)))
        if (this.#retried && this.#state === 'opening' && this.#snapshot !== undefined) {
          reportFailure(this.#refresher, this.#snapshot, error, this.#policy)
        }
        if (verdict && (await this.#restart(verdict))) continue
        return this.#broken(error)
      }
    }
  }

  /** The attempt's stream, opened if needed; undefined if the consumer has left meanwhile. */
  async #start(): Promise<AsyncIterator<D> | undefined> {
    if (this.#inner !== undefined) return this.#inner
    this.#snapshot ??= await obtain(this.#refresher, this.#policy)
    if (this.#isOver()) return undefined
    if (this.#retried) tellRetried(this.#refresher, this.#snapshot, this.#policy)
    this.#inner = this.#open(this.#snapshot.value, this.#last)[Symbol.asyncIterator]()
    return this.#inner
  }

  #mayRetry(): boolean {
    return this.#mayJudge() && !this.#retried
  }

  #mayJudge(): boolean {
    return this.#state === 'opening' && this.#snapshot !== undefined
  }

  #stillRejected(): void {
    if (this.#snapshot !== undefined) this.#refresher.stillRejected?.(this.#snapshot, this.#policy.endpoint)
  }

  /** Prepares the second attempt; returns false if there is to be none. */
  async #restart(verdict: Verdict): Promise<boolean> {
    if (this.#isOver()) return false
    const before = this.#snapshot
    // Closed before the refresh: a rejected stream must not hold a connection meanwhile. One that lacks a scope goes on where none is granted.
    if (verdict.rejected) this.#leave()
    try {
      const fresh = before && (await renew(this.#refresher, before, verdict, this.#policy))
      if (fresh === undefined || this.#isOver()) return false
      if (!verdict.rejected) this.#leave()
      this.#snapshot = fresh
    } catch (reason) {
      this.#broken(reason)
    }
    return this.#snapshot !== undefined
  }

  #leave(): void {
    void close(this.#inner)
    this.#inner = undefined
    this.#snapshot = undefined
    this.#retried = true
  }

  #commit(result: Result<D>): Result<D> {
    if (this.#snapshot !== undefined && result.done !== true)
      this.#refresher.accepted(this.#snapshot, this.#policy.endpoint)
    this.#state = 'flowing'
    return this.#watch(result)
  }

  /** All that is done to an item after the commit. */
  readonly #watch = (result: Result<D>): Result<D> => {
    if (this.#inner === undefined) return END
    try {
      if (result.done !== true && !this.#policy.isEnd(result.value)) return result
    } catch (error) {
      return this.#broken(error)
    }
    const inner = this.#over()
    if (result.done === true) return END
    void close(inner)
    return result
  }

  /** Ends the stream with an error. If the consumer has left, no one receives the error. */
  readonly #broken = (error: unknown): Result<D> => {
    if (this.#state === 'left') return END
    void close(this.#over())
    throw error
  }

  #isOver(): boolean {
    return this.#state === 'over' || this.#state === 'left'
  }

  /** Ends the stream; returns the attempt that is still open. */
  #over(state: 'over' | 'left' = 'over'): AsyncIterator<D> | undefined {
    const inner = this.#inner
    this.#inner = undefined
    this.#flowing = undefined
    this.#state = state
    return inner
  }
}

/** Closes an attempt. The stream needs it no more, so this is not awaited and its failure is ignored. */
async function close<D>(inner: AsyncIterator<D> | undefined): Promise<void> {
  try {
    await inner?.return?.()
  } catch {
    // see above
  }
}
