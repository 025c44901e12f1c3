import type { Refresher, Snapshot } from './refresher.ts'
import { type Answer, type CommonPolicy, judgeError, obtain, rejectionIn, renew } from './retry-policy.ts'
import type { Verdict } from './unauthorized.ts'

/** What one kind of stream looks like to the retry policy. */
export interface StreamPolicy<D> extends CommonPolicy {
  /** Is this item a rejection? Asked before the commit only. Default: none is; only errors are judged. */
  readonly isRejection?: ((item: D) => Answer) | undefined
  /** Is this item content? The first one is the commit: after it nothing is retried. */
  readonly isContent: (item: D) => boolean
  /** Is this item the stream's last? */
  readonly isEnd: (item: D) => boolean
  /** Hears of each item before the commit that is neither content nor a rejection; it is handed on, too. */
  readonly onPrelude?: ((item: D) => void) | undefined
}

/**
 * A stream that is opened once, or twice: where it is rejected before the commit, the value is refreshed and
 * the stream opened anew. The consumer never sees content twice. Where no newer value is to be had, the
 * rejection is handed on unchanged.
 *
 * Nothing is opened before the first item is asked for, nothing is read ahead, and a consumer that leaves
 * closes what is open. It can be iterated once.
 *
 * @example
 * for await (const item of retryStreamOnce(client, (client) => client.stream(prompt), {
 *   isContent: (item) => item.type === 'text',
 *   isEnd: (item) => item.type === 'stop',
 * })) …
 */
export function retryStreamOnce<T, D>(
  refresher: Refresher<T>,
  open: (value: T) => AsyncIterable<D>,
  policy: StreamPolicy<D>,
): AsyncIterableIterator<D> {
  return new RetriedStream(refresher, open, policy)
}

const END: IteratorReturnResult<undefined> = Object.freeze({ done: true, value: undefined })

// Written by hand: a generator around the provider's own costs twice as much per item.
class RetriedStream<T, D> implements AsyncIterableIterator<D> {
  readonly #refresher: Refresher<T>
  readonly #open: (value: T) => AsyncIterable<D>
  readonly #policy: StreamPolicy<D>

  #state: 'before the commit' | 'after the commit' | 'over' = 'before the commit'
  /** The attempt's stream, while one is open. */
  #inner: AsyncIterator<D> | undefined
  #snapshot: Snapshot<T> | undefined
  #retried = false
  /** Calls of `next()` before the commit that overlap are served one after the other. */
  #queued = 0
  #tail: Promise<unknown> | undefined
  /** Ends the wait for a refresh when the consumer leaves. */
  #leaving: AbortController | undefined

  constructor(refresher: Refresher<T>, open: (value: T) => AsyncIterable<D>, policy: StreamPolicy<D>) {
    this.#refresher = refresher
    this.#open = open
    this.#policy = policy
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<D, undefined>> {
    if (this.#inner === undefined || this.#state !== 'after the commit' || this.#queued > 0) {
      return this.#enqueue()
    }
    return this.#inner.next().then(this.#watch)
  }

  async return(): Promise<IteratorResult<D, undefined>> {
    const inner = this.#over()
    this.#leaving?.abort()
    await inner?.return?.()
    return END
  }

  #enqueue(): Promise<IteratorResult<D, undefined>> {
    const serve = async (): Promise<IteratorResult<D, undefined>> => {
      try {
        return await this.#serve()
      } finally {
        if (--this.#queued === 0) this.#tail = undefined
      }
    }
    this.#queued++
    const result = this.#tail === undefined ? serve() : this.#tail.then(serve, serve)
    this.#tail = result
    return result
  }

  async #serve(): Promise<IteratorResult<D, undefined>> {
    // Each turn asks an attempt for an item; only a retry takes another turn.
    for (;;) {
      if (this.#isOver()) return END
      let item: D
      try {
        const inner = this.#inner ?? (await this.#start())
        if (inner === undefined) return END
        const result = await inner.next()
        if (this.#state === 'after the commit') return this.#watch(result)
        if (result.done === true) this.#over()
        if (result.done === true || this.#isOver()) return END
        item = result.value
      } catch (error) {
        if (this.#isOver()) return END
        const rejection = this.#mayRetry() && (await rejectionIn(judgeError(error, this.#policy)))
        if (rejection && (await this.#restarted(rejection))) continue
        if (this.#isOver()) return END
        this.#over()
        throw error
      }
      if (this.#policy.isEnd(item) || this.#policy.isContent(item)) return this.#commit(item)
      const rejection = this.#mayRetry() && (await rejectionIn(this.#policy.isRejection?.(item) ?? false))
      if (!rejection) {
        this.#policy.onPrelude?.(item)
        return { done: false, value: item }
      }
      if (await this.#restarted(rejection)) continue
      if (this.#isOver()) return END
      this.#over()
      return { done: false, value: item }
    }
  }

  /** Opens an attempt; undefined where the consumer has left meanwhile. */
  async #start(): Promise<AsyncIterator<D> | undefined> {
    this.#snapshot ??= await obtain(this.#refresher, this.#policy)
    if (this.#isOver()) return undefined
    this.#inner = this.#open(this.#snapshot.value)[Symbol.asyncIterator]()
    return this.#inner
  }

  #mayRetry(): boolean {
    return !this.#retried && this.#snapshot !== undefined
  }

  /** Makes ready for the second attempt; false where there is to be none. */
  async #restarted(rejection: Verdict): Promise<boolean> {
    const { signal, onEvent } = this.#policy
    const rejected = this.#snapshot
    if (rejected === undefined) return false
    // Closed before the refresh: a rejected stream must not hold a connection meanwhile.
    void close(this.#inner)
    this.#inner = undefined
    this.#retried = true
    this.#leaving = new AbortController()
    const leaving = this.#leaving.signal
    try {
      this.#snapshot = await renew(this.#refresher, rejected, rejection, {
        signal: signal === undefined ? leaving : AbortSignal.any([signal, leaving]),
        onEvent,
      })
    } catch (reason) {
      if (this.#isOver()) return false
      this.#over()
      throw reason
    } finally {
      this.#leaving = undefined
    }
    return this.#snapshot !== undefined
  }

  #commit(item: D): IteratorResult<D, undefined> {
    if (this.#snapshot !== undefined) this.#refresher.accepted(this.#snapshot)
    this.#state = 'after the commit'
    return this.#watch({ done: false, value: item })
  }

  /** All that is done to an item after the commit. */
  readonly #watch = (result: IteratorResult<D, undefined>): IteratorResult<D, undefined> => {
    if (this.#inner === undefined) return END
    if (result.done === true) {
      this.#over()
      return END
    }
    if (this.#policy.isEnd(result.value)) void close(this.#over())
    return result
  }

  #isOver(): boolean {
    return this.#state === 'over'
  }

  /** Ends the stream; returns what is still open. */
  #over(): AsyncIterator<D> | undefined {
    const inner = this.#inner
    this.#inner = undefined
    this.#state = 'over'
    return inner
  }
}

/** Nobody waits for it, and nobody hears what it fails with: the stream is of no interest any more. */
async function close<D>(inner: AsyncIterator<D> | undefined): Promise<void> {
  try {
    await inner?.return?.()
  } catch {
    // see above
  }
}
