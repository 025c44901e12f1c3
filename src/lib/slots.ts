import { abortable } from './abortable.ts'
import { type Clock, monotonic, startTimer } from './clock.ts'
import { type Check, mustBe } from './options.ts'

/** Releases a place, such as one of a store's `maxLocks`. The holder calls it when it is done, or when its lock no longer counts. */
export type GiveBack = () => void

/** Options of a caller that takes a place. */
export interface PlaceOptions {
  readonly clock: Clock
  /** ms: a place that is held for longer no longer counts, because the platform may have ended its holder's request. */
  readonly holds: number
  /** Ends the wait for the turn, with the signal's reason. */
  readonly signal?: AbortSignal | undefined
  /** Called when this caller begins to wait (true), and when its wait ends (false). */
  readonly onWait?: ((isWaiting: boolean) => void) | undefined
}

/** ms between a waiter's looks. If a waiter does not take its turn within this time, its request has ended. */
const LOOK = 1_000

/** The check and the default of a store's option: the number of locks that it may hold at a time. */
export const MAX_LOCKS: readonly [Check, number] = [
  mustBe('a whole number from 1', (given) => Number.isSafeInteger(given) && Number(given) >= 1),
  64,
]

/**
 * Limits how many callers work at a time. The others wait in the order of their calls.
 *
 * Some platforms end a request together with its timers and promises. So no caller depends on another caller: each one checks by the clock,
 * when it comes and while it waits, which places still count.
 */
export class Slots {
  readonly #most: number
  readonly #held = new Set<Place>()
  /** The waiters in order, each with the function that ends its wait. */
  readonly #line = new Map<Place, () => void>()

  /** @param most whole number from 1 */
  constructor(most: number) {
    this.#most = most
  }

  /** @throws the signal's reason, if it aborts before the turn comes */
  async take(options: PlaceOptions): Promise<GiveBack> {
    const place: Place = { clock: options.clock, until: 0 }
    let enter = (): void => undefined
    const entered = new Promise<void>((resolve) => (enter = resolve))
    this.#line.set(place, enter)
    this.#look()
    if (this.#line.has(place)) await this.#turn(place, entered, options)
    // If the caller took its turn late, its place may have gone to another caller: add it again.
    this.#held.add(place)
    lasts(place, options.holds)
    return () => this.#leave(place)
  }

  async #turn(place: Place, entered: Promise<void>, { clock, signal, onWait }: PlaceOptions): Promise<void> {
    let stop = (): void => undefined
    const watch = (): void => {
      let next = LOOK
      for (const held of this.#held) next = Math.min(next, left(held))
      stop = startTimer(clock, next, () => {
        this.#look()
        if (this.#line.has(place)) watch()
      })
    }
    onWait?.(true)
    watch()
    try {
      await abortable(entered, signal)
    } catch (error) {
      this.#leave(place)
      throw error
    } finally {
      stop()
      onWait?.(false)
    }
  }

  #leave(place: Place): void {
    this.#line.delete(place)
    this.#held.delete(place)
    this.#look()
  }

  /** Gives the free places, and those that no longer count, to the first waiters in the line. */
  #look(): void {
    if (this.#line.size > 0 && this.#held.size >= this.#most) {
      for (const place of this.#held) if (left(place) <= 0) this.#held.delete(place)
    }
    for (const [place, enter] of this.#line) {
      if (this.#held.size >= this.#most) return
      this.#line.delete(place)
      this.#held.add(place)
      lasts(place, LOOK)
      enter()
    }
  }
}

/** One caller's place, which counts until a point in time. */
interface Place {
  readonly clock: Clock
  /** ms, by the monotonic clock. */
  until: number
}

/** @param ms from now */
function lasts(place: Place, ms: number): void {
  place.until = monotonic(place.clock) + ms
}

/** ms */
function left({ clock, until }: Place): number {
  return until - monotonic(clock)
}
