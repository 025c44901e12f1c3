import { type Audience, STRANGERS } from '../../core/audience.ts'
import type { RefreshListener } from '../../core/events.ts'
import type { Refresher } from '../../core/refresher.ts'

/** The number of origins that are remembered: a program that asks more of them is a crawler. */
const MOST_ORIGINS = 256

/** Tells of origins that get no credential and answer 401: once for each. Perhaps `origins` lacks one, or names it wrongly. */
export class Bypassed {
  readonly #audience: Audience
  readonly #onEvent: RefreshListener | undefined
  readonly #told = new Set<string>()

  constructor({ audience = STRANGERS }: Refresher<unknown>, onEvent: RefreshListener | undefined) {
    this.#audience = audience
    this.#onEvent = onEvent
  }

  /** Would a 401 of this origin be told? */
  watches(origin: string): boolean {
    if (!this.#audience.listens(this.#onEvent) || origin === '' || origin === 'null') return false
    return this.#told.size < MOST_ORIGINS && !this.#told.has(origin)
  }

  /** A response has arrived. */
  answered(origin: string, status: number): void {
    if (status !== 401 || !this.watches(origin)) return
    this.#told.add(origin)
    this.#audience.tell({ type: 'bypassed', origin }, { onEvent: this.#onEvent })
  }
}
