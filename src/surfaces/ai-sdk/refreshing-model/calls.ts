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

/** Runs one attempt on the value in force. */
type Attempt<V> = (value: V) => Promise<unknown>

/** Makes the calls of a model, or of whatever else a provider gives, on the one in force: once, and once more after a rejection. */
export class ModelCalls<V> {
  readonly #refresher: Refresher<V>
  readonly #judge: (error: unknown) => Verdict
  readonly #policy: CommonPolicy
  readonly #origin: string | undefined

  /** @param origin tells the endpoints of these calls from those of others that share the refresher */
  constructor({ refresher, rules, onEvent, background }: Wrapper<V>, origin?: string) {
    this.#refresher = refresher
    this.#judge = (error) => verdict(error, rules)
    this.#policy = { isRejectionError: this.#judge, onEvent, background }
    this.#origin = origin
  }

  /**
   * @param name of the method that `attempt` calls
   * @param given what it is called with
   */
  async call(name: string, given: readonly unknown[], attempt: Attempt<V>): Promise<unknown> {
    const input = isRecord(given[0]) ? given[0] : {}
    const { abortSignal } = input
    const signal = abortSignal instanceof AbortSignal ? abortSignal : undefined
    const aborted = signal?.aborted === true ? this.#refresher.usable?.() : undefined
    // The model itself says how an aborted call ends. It costs nothing, and is never retried.
    if (aborted !== undefined) return attempt(aborted.value)
    // A vendor's endpoints for calls and for streams may differ, and so may what they accept.
    const endpoint = this.#origin === undefined ? name : `${this.#origin} ${name}`
    const policy = { ...this.#policy, signal, endpoint, unrepeatable: repeatability(input) }
    return name === 'doStream' ? this.#stream(attempt, policy) : retryOnce(this.#refresher, attempt, policy)
  }

  /** The stream is handed on once the model has opened it; a retry then happens inside. */
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
    // The model has begun to read the caller's stream: the caller gets this attempt, whatever follows.
    attempt.stays = unrepeatable?.() !== undefined
    if (attempt.stays) return judged
    return attempt.drain(signal).then(() => judged)
  }
}

/** An error is no content: it shows of no credential that it is good. */
function isContent(part: unknown): boolean {
  return !isPrelude(part) && fieldsOf(part).type !== 'error'
}
