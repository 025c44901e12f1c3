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

/** Calls methods of whatever model is in force. */
export class ModelCalls<M extends object> {
  readonly #refresher: Refresher<M>
  readonly #check: (model: M) => void
  readonly #judge: (error: unknown) => Verdict
  readonly #policy: CommonPolicy
  #checked: M

  /** @param check throws for what is no such model as the first one */
  constructor({ refresher, rules, onEvent, background }: Wrapper<M>, first: M, check: (model: M) => void) {
    this.#refresher = refresher
    this.#checked = first
    this.#check = check
    this.#judge = (error) => verdict(error, rules)
    this.#policy = { isRejectionError: this.#judge, onEvent, background }
  }

  async call(name: string, given: readonly unknown[]): Promise<unknown> {
    const input = isRecord(given[0]) ? given[0] : {}
    const { abortSignal } = input
    const signal = abortSignal instanceof AbortSignal ? abortSignal : undefined
    const aborted = signal?.aborted === true ? this.#refresher.usable?.() : undefined
    // The model itself says how an aborted call ends. It costs nothing, and is never retried.
    if (aborted !== undefined) return this.#run(aborted.value, name, given)
    // A vendor's endpoints for calls and for streams may differ, and so may what they accept.
    const policy = { ...this.#policy, signal, endpoint: name, unrepeatable: repeatability(input) }
    if (name === 'doStream') return this.#stream(name, given, policy)
    return retryOnce(this.#refresher, async (model) => this.#run(model, name, given), policy)
  }

  /** The stream is handed on once the model has opened it; a retry then happens inside. */
  async #stream(name: string, given: readonly unknown[], common: CommonPolicy): Promise<unknown> {
    const policy: StreamPolicy<Item> = {
      ...common,
      isRejection: (item) => this.#judgeItem(item, common),
      isContent: (item) => ('part' in item ? isContent(item.part) : !item.attempt.streams),
      isEnd: () => false,
    }
    let attempts = 0
    const open = (model: M): StreamAttempt =>
      new StreamAttempt(async () => this.#run(model, name, given), ++attempts === 2)
    const items: AsyncIterator<Item, undefined> = retryStreamOnce(this.#refresher, open, policy)
    const { value } = await items.next()
    if (value === undefined || !value.attempt.streams) return value?.attempt.result
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

  #run(model: M, name: string, given: readonly unknown[]): unknown {
    if (model !== this.#checked) {
      this.#check(model)
      this.#checked = model
    }
    const method: unknown = Reflect.get(model, name)
    return typeof method === 'function' ? Reflect.apply(method, model, given) : undefined
  }
}

/** An error is no content: it shows of no credential that it is good. */
function isContent(part: unknown): boolean {
  return !isPrelude(part) && fieldsOf(part).type !== 'error'
}
