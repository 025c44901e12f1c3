import { abortable } from './abortable.ts'
import { describe, optionError } from './options.ts'

/** One of a store's `maxLocks`. Its holder gives it back when it is done, or when its lock no longer counts. */
export type GiveBack = () => void

/**
 * How many locks a store takes at a time. Default: 64.
 *
 * @throws RefreshError `invalid_option`
 */
export function readMaxLocks(given = 64): number {
  if (Number.isSafeInteger(given) && given >= 1) return given
  throw optionError('maxLocks', `must be a whole number from 1, not ${describe(given)}`)
}

/** Bounds how many locks a store holds or asks for at a time. The rest wait in the order of asking. */
export class Slots {
  #free: number
  readonly #line: (() => void)[] = []

  /** @param most whole number from 1 */
  constructor(most: number) {
    this.#free = most
  }

  /**
   * @param onWait hears that there is none free (true), and that this one's turn has come (false)
   * @throws the signal's reason, where it aborts before the turn comes
   */
  async take(signal: AbortSignal | undefined, onWait: (isWaiting: boolean) => void): Promise<GiveBack> {
    if (this.#free > 0) {
      this.#free--
      return this.#once()
    }
    let enter = (): void => undefined
    const entered = new Promise<void>((resolve) => (enter = resolve))
    this.#line.push(enter)
    onWait(true)
    try {
      await abortable(entered, signal)
    } catch (error) {
      const place = this.#line.indexOf(enter)
      if (place >= 0) this.#line.splice(place, 1)
      // Its turn came in the same moment.
      else this.#next()
      throw error
    } finally {
      onWait(false)
    }
    return this.#once()
  }

  #once(): GiveBack {
    let isHeld = true
    return () => {
      if (isHeld) this.#next()
      isHeld = false
    }
  }

  #next(): void {
    const enter = this.#line.shift()
    if (enter) enter()
    else this.#free++
  }
}
