import { isRecord } from '../record.ts'
import { Joint } from './joint.ts'
import { fieldsOf, isPrelude } from './part.ts'
import type { Item, StreamAttempt } from './stream-attempt.ts'

/** The members that the AI SDK reads from the result of a call, besides its stream. */
type Result = Record<string, unknown>

/**
 * The stream of a call, handed on as soon as the model has opened its own, and retried inside. Until the first content the parts come
 * through `items`, which may begin a second attempt; from then on they come from the attempt itself, at no cost but a read.
 */
export class RefreshingStream implements UnderlyingDefaultSource<unknown> {
  /** The result that the caller gets. */
  readonly result: Result
  readonly #items: AsyncIterator<Item, undefined>
  readonly #joint = new Joint()
  #attempt: StreamAttempt
  #isCommitted = false
  #isLeft = false

  /**
   * @param attempt the first one that has opened
   * @param items its parts, and those of the attempt that replaces it
   */
  constructor(attempt: StreamAttempt, items: AsyncIterator<Item, undefined>) {
    this.#attempt = attempt
    this.#items = items
    this.result = { ...(isRecord(attempt.result) && attempt.result) }
    // The stream reads nothing before the caller asks for it.
    this.result['stream'] = new ReadableStream(this, { highWaterMark: 0 })
    // A copy, since the AI SDK reads the headers only once the stream is over: a second attempt's replace them.
    const { response } = this.result
    if (isRecord(response)) this.result['response'] = { ...response }
  }

  pull(controller: ReadableStreamDefaultController<unknown>): Promise<void> | undefined {
    if (!this.#isCommitted) return this.#begin(controller)
    this.#attempt.pull(controller)
    return undefined
  }

  cancel(reason: unknown): Promise<void> | undefined {
    this.#isLeft = true
    const cancelled = this.#attempt.cancel(reason)
    // It ends the wait for a refresh, and opens nothing any more.
    this.#items.return?.().catch(() => undefined)
    return cancelled
  }

  async #begin(controller: ReadableStreamDefaultController<unknown>): Promise<void> {
    for (;;) {
      const { done, value: item } = await this.#next()
      if (this.#isLeft) return
      if (done === true) {
        controller.close()
        return
      }
      if (!('part' in item)) {
        this.#replace(item.attempt)
        continue
      }
      const parts = this.#joint.read(item.part)
      if (!isPrelude(item.part)) this.#commit(item)
      for (const part of parts) controller.enqueue(part)
      if (parts.length > 0) return
    }
  }

  async #next(): Promise<IteratorResult<Item, undefined>> {
    try {
      return await this.#items.next()
    } catch (error) {
      // If the caller aborts during a refresh, the attempt may still be open.
      this.#attempt.cancel(error)?.catch(() => undefined)
      throw error
    }
  }

  /** The first attempt was rejected, and another has opened. */
  #replace(attempt: StreamAttempt): void {
    this.#attempt = attempt
    this.#joint.join()
    if (!isRecord(attempt.result)) return
    const { stream: _, response, ...rest } = attempt.result
    Object.assign(this.result, rest)
    const known = this.result['response']
    if (!isRecord(known) || !isRecord(response)) return
    for (const name of Object.keys(known)) delete known[name]
    Object.assign(known, response)
  }

  /** An error that is handed on commits, too: after it nothing may begin anew. */
  #commit({ attempt, part }: Item): void {
    this.#attempt = attempt
    this.#isCommitted = true
    if (fieldsOf(part).type !== 'error' && this.#joint.mends) attempt.mend = (each) => this.#joint.mend(each)
  }
}
