import { type RefreshListener, tell } from '../../core/events.ts'

/** As many origins are remembered: a program that asks more of them than that is a crawler. */
const MOST_ORIGINS = 256

/** Tells of origins that get no credential and answer 401: once for each. Perhaps `origins` lacks one, or names it wrongly. */
export class Bypassed {
  readonly #onEvent: RefreshListener | undefined
  readonly #told = new Set<string>()

  constructor(onEvent: RefreshListener | undefined) {
    this.#onEvent = onEvent
  }

  /** Would a 401 of this origin be told? */
  watches(origin: string): boolean {
    if (this.#onEvent === undefined || origin === '' || origin === 'null') return false
    return this.#told.size < MOST_ORIGINS && !this.#told.has(origin)
  }

  /** A response has arrived. */
  answered(origin: string, status: number): void {
    if (status !== 401 || this.#onEvent === undefined || !this.watches(origin)) return
    this.#told.add(origin)
    tell(this.#onEvent, { type: 'bypassed', origin })
  }
}
