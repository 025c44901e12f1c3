import type { RefreshError } from '../../errors.ts'
import { Backoff } from '../../lib/backoff.ts'
import { keepLast } from '../keep-last.ts'
import { RefreshBudget } from './refresh-budget.ts'
import { exhausted, unhelpful } from './refusals.ts'

/** The first pause after a refresh that did not help, in ms. */
const FIRST_PAUSE = 1_000
/** The breaker remembers this many endpoints. */
const MOST_ENDPOINTS = 256
/** Characters: endpoints whose names differ only behind them count as one. */
const MOST_NAME = 512

/** A rejection of the value in force. */
export interface Rejection {
  readonly generation: number
  readonly endpoint: string | undefined
  /** The value came from a refresh, so its rejection may show that this refresh did not help. */
  readonly refreshed: boolean
  /** The value was in force for long, or has expired, so its rejection is to be expected. */
  readonly aged: boolean
  /** epoch ms */
  readonly now: number
}

/** The history of one endpoint, or the common history of all endpoints that never accepted a value. */
class Endpoint {
  /** Doubles with each refresh in a row that did not help. */
  readonly pause: Backoff = new Backoff(FIRST_PAUSE)
  /** The generation that the endpoint rejected last; undefined once the endpoint has judged a newer one. */
  rejected: number | undefined
  /** The last generation whose rejection was judged. Later rejections of the same generation change nothing. */
  judged = -1
  /** The endpoint never accepted a value, or its last refresh did not help. */
  isDoubtful: boolean

  constructor(isDoubtful: boolean) {
    this.isDoubtful = isDoubtful
  }

  /** Returns true if the rejection shows that the last refresh did not help. */
  judge({ generation, refreshed, aged, now }: Rejection): boolean {
    if (generation <= this.judged) return false
    this.judged = generation
    // The first rejection in a row shows nothing: another endpoint caused the refresh, or there was no value before it.
    const isFruitless = refreshed && !aged && this.rejected !== undefined && generation > this.rejected
    if (isFruitless) this.pause.start(now)
    else if (aged) this.pause.reset()
    return isFruitless
  }
}

/**
 * Stops refreshing where a refresh does not help. Each remote side has its own breaker.
 *
 * | the endpoint | a rejection causes a refresh |
 * | --- | --- |
 * | accepted a value, and its last refresh helped | if its own pause is over |
 * | accepted a value, but its last refresh did not help | if its own pause is over, and the common budget allows it |
 * | never accepted a value | if the pause that all such endpoints share is over, and the common budget allows it |
 *
 * Each pause doubles from 1 s to 60 s with each refresh that did not help. A refresh that helps resets the pause, and so does the
 * rejection of a value that has aged.
 */
export class Breaker {
  readonly #known = new Map<string, Endpoint>()
  readonly #others = new Endpoint(true)
  readonly #budget = new RefreshBudget()

  /** Notes a rejection. Returns the error for the caller if no refresh may run. */
  rejected(rejection: Rejection): RefreshError | undefined {
    const { generation, now } = rejection
    const name = nameOf(rejection.endpoint)
    const known = this.#known.get(name)
    const endpoint = known ?? this.#others
    const before = endpoint.rejected
    this.#budget.countCall()
    if (endpoint.judge(rejection)) {
      if (before !== undefined && endpoint.isDoubtful) this.#budget.spend(name, before, true)
      endpoint.isDoubtful = true
    }
    const pause = endpoint.pause.remaining(now)
    if (pause > 0) return unhelpful(pause)
    if (endpoint.isDoubtful && !this.#budget.allows) return exhausted()
    endpoint.rejected = generation
    return undefined
  }

  /**
   * Counts a refresh that a rejection causes. A caller that names no endpoint need not report acceptances, so its refresh counts only once
   * a further rejection shows that the refresh did not help.
   */
  began({ generation, endpoint }: Rejection): void {
    if (endpoint === undefined) return
    const name = nameOf(endpoint)
    if (this.#known.get(name)?.isDoubtful !== false) this.#budget.spend(name, generation, false)
  }

  accepted(generation: number, endpoint: string | undefined): void {
    const name = nameOf(endpoint)
    const known = this.#known.get(name)
    if (known === undefined) return this.#admit(name, generation)
    if (known.rejected !== undefined && generation > known.rejected) {
      // This is the second attempt of a call, and the first one was counted when it was rejected.
      known.rejected = undefined
      known.pause.reset()
      this.#budget.refund(name, generation)
    } else this.#budget.countCall()
    // A late acceptance of a replaced value says nothing about the values after it.
    if (generation >= known.judged) known.isDoubtful = false
    if (this.#known.size >= MOST_ENDPOINTS) this.#remember(name, known)
  }

  /**
   * The remote side rejected the second attempt too.
   *
   * @param now epoch ms
   */
  stillRejected(generation: number, endpoint: string | undefined, now: number): void {
    const name = nameOf(endpoint)
    const judged = this.#known.get(name) ?? this.#others
    if (generation <= judged.judged) return
    judged.judged = generation
    judged.pause.start(now)
    if (judged.isDoubtful) this.#budget.spend(name, judged.rejected ?? generation - 1, true)
    judged.isDoubtful = true
    judged.rejected = undefined
  }

  /** An endpoint accepts a value for the first time. */
  #admit(name: string, generation: number): void {
    const others = this.#others
    const isAwaited = others.rejected !== undefined && generation > others.rejected
    const helped = this.#budget.refund(name, generation) || (isAwaited && name === '')
    if (!helped) this.#budget.countCall()
    if (generation < others.judged) return
    if (isAwaited) others.rejected = undefined
    if (helped) others.pause.reset()
    this.#remember(name, new Endpoint(false))
  }

  /** Remembers an endpoint, and forgets the one that was used longest ago. */
  #remember(name: string, endpoint: Endpoint): void {
    this.#known.delete(name)
    this.#known.set(name, endpoint)
    keepLast(this.#known, MOST_ENDPOINTS)
  }
}

/** All calls that name no endpoint share the empty name. */
function nameOf(endpoint = ''): string {
  return endpoint.slice(0, MOST_NAME)
}
