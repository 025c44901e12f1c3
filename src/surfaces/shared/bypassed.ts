import { type Audience, STRANGERS } from '../../core/audience.ts'
import type { RefreshListener } from '../../core/events.ts'
import type { Refresher } from '../../core/refresher.ts'

/** The number of origins that we remember. A program that asks more of them is a crawler. */
const MOST_ORIGINS = 256

/**
 * Reports an origin that gets no credential and responds with 401, once for each origin. The option `origins` may lack it, or name it
 * wrongly.
 */
export class Bypassed {
  readonly #audience: Audience
  readonly #onEvent: RefreshListener | undefined
  readonly #told = new Set<string>()

  constructor({ audience = STRANGERS }: Refresher<unknown>, onEvent: RefreshListener | undefined) {
    this.#audience = audience
    this.#onEvent = onEvent
  }

  /** True if a 401 from this origin would cause an event. */
  watches(origin: string): boolean {
    if (!this.#audience.listens(this.#onEvent) || origin === '' || origin === 'null') return false
    return this.#told.size < MOST_ORIGINS && !this.#told.has(origin)
  }

  /** Reports the response's origin if its status is 401. */
  answered(origin: string, status: number): void {
    if (status !== 401 || !this.watches(origin)) return
    this.#told.add(origin)
    this.#audience.tell({ type: 'bypassed', origin }, { onEvent: this.#onEvent })
  }
}
