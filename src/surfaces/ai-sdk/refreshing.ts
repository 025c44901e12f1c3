import { abortable } from '../../core/abortable.ts'
import { RefreshError } from '../../core/errors.ts'
import type { Refresher } from '../../core/refresher.ts'
import { retryOnce, type RetryPolicy } from '../../core/retry-once.ts'
import { verdict } from '../../core/unauthorized.ts'
import type { Wrapper } from '../../core/wrapper.ts'
import { evidenceOf, evidenceOfPart } from './failure.ts'
import { Opening, type StreamJudge } from './opening.ts'
import { isRecord } from './record.ts'

/** What an attempt came to. */
interface Answered {
  readonly result: unknown
  /** Of the result's stream, where it has one. */
  readonly opening?: Opening | undefined
  /** It shows that the credential is good; of a stream, its opening knows. */
  readonly accepts?: boolean
}

/** Calls methods of whatever model is in force. */
export class ModelCalls<M extends object> {
  readonly #refresher: Refresher<M>
  readonly #check: (model: M) => void
  readonly #judge: StreamJudge
  readonly #policy: RetryPolicy<Answered>
  #checked: M

  /** @param check throws for what is no such model as the first one */
  constructor({ refresher, rules, onEvent }: Wrapper<M>, first: M, check: (model: M) => void) {
    this.#refresher = refresher
    this.#checked = first
    this.#check = check
    this.#judge = {
      thrown: (error) => verdict(evidenceOf(error), rules),
      part: (error) => verdict(evidenceOfPart(error), rules),
    }
    this.#policy = {
      isRejectionError: this.#judge.thrown,
      isRejection: ({ opening }) => opening?.verdict ?? false,
      isAcceptance: ({ opening, accepts = true }) => opening?.accepts ?? accepts,
      onEvent,
    }
  }

  async call(name: string, given: readonly unknown[]): Promise<unknown> {
    const input = isRecord(given[0]) ? given[0] : {}
    const { abortSignal } = input
    const signal = abortSignal instanceof AbortSignal ? abortSignal : undefined
    const isOnce = Object.values(input).some(isStream)
    const policy = { ...this.#policy, signal, unrepeatable: isOnce ? usedUp : undefined }
    let attempts = 0
    const attempt = async (model: M): Promise<Answered> => {
      const isLast = ++attempts === 2
      const result: unknown = await this.#run(model, name, given)
      if (!isRecord(result) || !isStream(result['stream'])) return { result }
      // Who has yet to speak must hear what is said meanwhile.
      if (isOnce) return { result, accepts: false }
      return { result, opening: await this.#open(new Opening(result['stream'], isLast), signal) }
    }
    const { result, opening } = await retryOnce(this.#refresher, attempt, policy)
    return isRecord(result) && opening !== undefined ? { ...result, stream: opening.handOn() } : result
  }

  #run(model: M, name: string, given: readonly unknown[]): unknown {
    if (model !== this.#checked) {
      this.#check(model)
      this.#checked = model
    }
    const method: unknown = Reflect.get(model, name)
    return typeof method === 'function' ? Reflect.apply(method, model, given) : undefined
  }

  async #open(opening: Opening, signal: AbortSignal | undefined): Promise<Opening> {
    try {
      await abortable(opening.read(this.#judge), signal)
      return opening
    } catch (reason) {
      opening.cancel(reason)?.catch(() => undefined)
      throw reason
    }
  }
}

function usedUp(): RefreshError {
  return new RefreshError(
    'body_not_replayable',
    'The call takes a stream as its input, which can be read once only: make the call again with a new one.',
  )
}

function isStream(value: unknown): value is ReadableStream<unknown> {
  return typeof value === 'object' && value !== null && 'getReader' in value
}
