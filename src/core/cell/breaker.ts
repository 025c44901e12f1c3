import type { RefreshError } from '../../errors.ts'
import { Backoff } from '../../lib/backoff.ts'
import { keepLast } from '../keep-last.ts'
import { RefreshBudget } from './refresh-budget.ts'
import { exhausted, unhelpful } from './refusals.ts'

/** The first pause after a refresh that did not help, in ms. */
const FIRST_PAUSE = 1_000
/** The number of endpoints that are remembered. */
const MOST_ENDPOINTS = 256
/** The number of characters that count in an endpoint's name. */
const MOST_NAME = 512

/** A rejection of the value in force. */
export interface Rejection {
  readonly generation: number
  readonly endpoint: string | undefined
  /** The value came from a refresh, which may be what did not help. */
  readonly refreshed: boolean
  /** The value was in force for long, or is past its expiry: that it is rejected is no wonder. */
  readonly aged: boolean
  /** epoch ms */
  readonly now: number
}

/** The history of one endpoint, or of all that never accepted a value together. */
class Endpoint {
  /** Doubles with each refresh in a row that did not help. */
  readonly pause: Backoff = new Backoff(FIRST_PAUSE)
  /** The generation that it rejected last, while it has not judged the one that followed. */
  rejected: number | undefined
  /** The last generation whose rejection was judged. The callers that follow only learn the sentence. */
  judged = -1
  /** It never accepted a value, or its last refresh did not help. */
  isDoubtful: boolean

  constructor(isDoubtful: boolean) {
    this.isDoubtful = isDoubtful
  }

  /** Tells whether the rejection shows that its last refresh did not help. */
  judge({ generation, refreshed, aged, now }: Rejection): boolean {
    if (generation <= this.judged) return false
    this.judged = generation
    // The first rejection in a row shows nothing: the refresh was for another endpoint, or there was no value before.
    const isFruitless = refreshed && !aged && this.rejected !== undefined && generation > this.rejected
    if (isFruitless) this.pause.start(now)
    else if (aged) this.pause.reset()
    return isFruitless
  }
}

/**
 * Stops refreshing if it does not help. Each remote side has one.
 *
 * | the endpoint | causes a refresh |
 * | --- | --- |
 * | accepted a value since its last refresh that did not help | at once, but for its own pause |
 * | never did | where the pause that all such endpoints share is over, and their common budget is not used up |
 *
 * Both pauses double from 1 s to 60 s with each refresh that did not help. A refresh that helps resets them, and so does a
 * rejection of a value that has aged.
 */
export class Breaker {
  readonly #known = new Map<string, Endpoint>()
  readonly #others = new Endpoint(true)
  readonly #budget = new RefreshBudget()

  /** Notes a rejection. If a refresh would not help, returns why. */
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
   * Counts a refresh that a rejection causes. Callers without endpoints need not report acceptances, so a refresh counts against them only
   * once it is known that it did not help.
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
      // The second attempt of a call that was counted when it was rejected.
      known.rejected = undefined
      known.pause.reset()
      this.#budget.refund(name, generation)
    } else this.#budget.countCall()
    // A late word on a value that was replaced says nothing about the ones after it.
    if (generation >= known.judged) known.isDoubtful = false
    if (this.#known.size >= MOST_ENDPOINTS) this.#remember(name, known)
  }

  /**
   * The second attempt was rejected, too.
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

  /** The endpoint that was used longest ago goes. */
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
