import { isRecord } from '../record.ts'
import { Joint } from './joint.ts'
import { fieldsOf, isPrelude } from './part.ts'
import type { Item, StreamAttempt } from './stream-attempt.ts'

/** The members of a call's result that the AI SDK reads, its stream included. */
type Result = Record<string, unknown>

/**
 * The stream that the caller gets as soon as the model has opened one, with the retry inside. Until the commit, `items` brings the parts,
 * and may begin a second attempt. After the commit, parts come directly from the attempt, because that costs only a read.
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
   * @param attempt the first attempt, which has opened
   * @param items the parts of this attempt, and of the one that replaces it
   */
  constructor(attempt: StreamAttempt, items: AsyncIterator<Item, undefined>) {
    this.#attempt = attempt
    this.#items = items
    this.result = { ...(isRecord(attempt.result) && attempt.result) }
    // Read nothing before the caller asks for it.
    this.result['stream'] = new ReadableStream(this, { highWaterMark: 0 })
    // A copy, because a second attempt replaces these headers. The AI SDK reads them only when the stream has ended.
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
    // Stop waiting for a refresh, and open no further attempt.
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

  /** Replaces a rejected first attempt with one that has opened. */
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

  /** Commits when the caller gets content. An error commits, too: after it nothing may begin again. */
  #commit({ attempt, part }: Item): void {
    this.#attempt = attempt
    this.#isCommitted = true
    if (fieldsOf(part).type !== 'error' && this.#joint.mends) attempt.mend = (each) => this.#joint.mend(each)
  }
}
