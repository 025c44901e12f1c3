import type { Refresher } from '../../../core/refresher.ts'
import { retryOnce } from '../../../core/retry-once.ts'
import type { Judgement, CommonPolicy } from '../../../core/retry-policy.ts'
import { retryStreamOnce, type StreamPolicy } from '../../../core/retry-stream-once.ts'
import { type Verdict, verdict } from '../../../core/verdict/unauthorized.ts'
import type { Wrapper } from '../../shared/wrapper.ts'
import { isRecord } from '../record.ts'
import { repeatability } from './one-shot.ts'
import { fieldsOf, isPrelude } from './part.ts'
import { RefreshingStream } from './refreshing-stream.ts'
import { type Item, StreamAttempt } from './stream-attempt.ts'

/** Runs one attempt on the current value: a model, or a provider. */
type Attempt<V> = (value: V) => Promise<unknown>

/** Makes each call on the current model or provider, and once more on a fresh one after a rejection. */
export class ModelCalls<V> {
  readonly #refresher: Refresher<V>
  readonly #judge: (error: unknown) => Verdict
  readonly #policy: CommonPolicy
  readonly #origin: string | undefined

  /** @param origin distinguishes the endpoints of these calls from those of other models that share the refresher */
  constructor({ refresher, rules, onEvent, background }: Wrapper<V>, origin?: string) {
    this.#refresher = refresher
    this.#judge = (error) => verdict(error, rules)
    this.#policy = { isRejectionError: this.#judge, onEvent, background }
    this.#origin = origin
  }

  /**
   * @param name the method that `attempt` calls
   * @param given the arguments of the call
   */
  async call(name: string, given: readonly unknown[], attempt: Attempt<V>): Promise<unknown> {
    const input = isRecord(given[0]) ? given[0] : {}
    const { abortSignal } = input
    const signal = abortSignal instanceof AbortSignal ? abortSignal : undefined
    const aborted = signal?.aborted === true ? this.#refresher.usable?.() : undefined
    // Leave an aborted call to the model, which knows how to end it. It sends nothing, and is never retried.
    if (aborted !== undefined) return attempt(aborted.value)
    // A vendor may use different endpoints for calls and for streams, and they may accept different credentials.
    const endpoint = this.#origin === undefined ? name : `${this.#origin} ${name}`
    const policy = { ...this.#policy, signal, endpoint, unrepeatable: repeatability(input) }
    return name === 'doStream' ? this.#stream(attempt, policy) : retryOnce(this.#refresher, attempt, policy)
  }

  /** Returns the stream as soon as the model has opened it. A later retry happens inside that stream. */
  async #stream(attempt: Attempt<V>, common: CommonPolicy): Promise<unknown> {
    const policy: StreamPolicy<Item> = {
      ...common,
      isRejection: (item) => this.#judgeItem(item, common),
      isContent: (item) => ('part' in item ? isContent(item.part) : !item.attempt.streams),
      isEnd: () => false,
    }
    let [attempts, isHandedOn] = [0, false]
    const isInside = (): boolean => isHandedOn && common.signal?.aborted !== true
    const open = (value: V): StreamAttempt =>
      new StreamAttempt(() => attempt(value), ++attempts === 2, isInside)
    const items: AsyncIterator<Item, undefined> = retryStreamOnce(this.#refresher, open, policy)
    const { value } = await items.next()
    if (value === undefined || !value.attempt.streams) return value?.attempt.result
    isHandedOn = true
    return new RefreshingStream(value.attempt, items).result
  }

  #judgeItem({ attempt, part }: Item, { signal, unrepeatable }: CommonPolicy): Judgement {
    const { type, error } = fieldsOf(part)
    if (type !== 'error') return false
    const judged = this.#judge(error)
    if (!judged.rejected || attempt.isLast) return judged
    // If the model has begun to read the caller's input stream, no second attempt is possible: the caller gets this one, however it ends.
    attempt.stays = unrepeatable?.() !== undefined
    if (attempt.stays) return judged
    return attempt.drain(signal).then(() => judged)
  }
}

/** An error does not count as content, because it does not show that the server accepted the credential. */
function isContent(part: unknown): boolean {
  return !isPrelude(part) && fieldsOf(part).type !== 'error'
}
