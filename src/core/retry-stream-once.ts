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
  /** Is this item a rejection? Called only before the commit. Default: no item is; only errors are judged. */
  readonly isRejection?: ((item: D) => Judgement) | undefined
  /** Is this item content? The first content is the commit: after it the stream makes no second attempt. */
  readonly isContent: (item: D) => boolean
  /** Is this item the stream's last? */
  readonly isEnd: (item: D) => boolean
}

/**
 * A stream that makes one attempt or two: if the remote side rejects the first attempt before the commit, it refreshes the value and opens
 * a second attempt. The consumer never gets content twice. If there is no newer value, the consumer gets the rejection unchanged.
 *
 * The stream opens no attempt before the consumer asks for the first item, and reads no item ahead. A consumer that leaves closes the open
 * attempt. The stream can be iterated once.
 *
 * @param open opens an attempt; the second one gets the last item that the first one handed on before it was rejected, if any
 * @throws the last attempt's error; RefreshError if there is no value to attempt with
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

// Written by hand, because a generator around the provider's generator doubles the cost of an item.
class RetriedStream<T, D> implements AsyncIterableIterator<D> {
  readonly #refresher: Refresher<T>
  readonly #open: (value: T, last?: D) => AsyncIterable<D>
  readonly #policy: StreamPolicy<D>

  #state: 'opening' | 'flowing' | 'over' | 'left' = 'opening'
  /** The attempt's stream, while one is open. */
  #inner: AsyncIterator<D> | undefined
  /** The same stream after the commit, once no earlier call of `next()` waits. The consumer then reads from it directly. */
  #flowing: AsyncIterator<D> | undefined
  #snapshot: Snapshot<T> | undefined
  #retried = false
  /** The last item that the consumer got before the commit. */
  #last: D | undefined
  /**
   * One function for each waiting call of `next()` before the commit, in order: it ends that call when the consumer leaves. undefined
   * while the stream flows.
   */
  #waiting: ((end: Result<D>) => void)[] | undefined
  /** The end of the last call in the queue: calls of `next()` are served one after the other, as by a generator. */
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
    // Each pass asks an attempt for one item. Only a retry makes another pass.
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
          // Only an item that was not judged as a failure is handed to the second attempt.
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

  /** The attempt's stream, which it opens if needed; undefined if the consumer left meanwhile. */
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

  /** Prepares the second attempt; returns false if there is none. */
  async #restart(verdict: Verdict): Promise<boolean> {
    if (this.#isOver()) return false
    const before = this.#snapshot
    // Close a rejected stream before the refresh, so that it holds no connection meanwhile. Keep a stream that only lacks a scope: if the
    // scope is not granted, the consumer reads that stream on.
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

  /** Handles an item after the commit: it only looks for the end. */
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

  /** Ends the stream with an error. A consumer that has left gets the end instead. */
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

/** Closes an attempt that the stream no longer needs. No caller waits for that, and a failure is ignored. */
async function close<D>(inner: AsyncIterator<D> | undefined): Promise<void> {
  try {
    await inner?.return?.()
  } catch {
    // The attempt is discarded, and its failure with it.
  }
}
