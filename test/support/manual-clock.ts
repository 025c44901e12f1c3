import type { Clock } from '../../src/index.ts'
import { settled } from './settled.ts'

/** Time that stands still until a test moves it. */
export class ManualClock implements Clock {
  #now: number
  #timers = new Map<number, { at: number; run: () => void }>()
  #nextId = 1

  constructor(now: number = Date.UTC(2026, 10, 1)) {
    this.#now = now
  }

  now(): number {
    return this.#now
  }

  setTimeout(run: () => void, ms: number): number {
    const id = this.#nextId++
    this.#timers.set(id, { at: this.#now + ms, run })
    return id
  }

  clearTimeout(id: unknown): void {
    if (typeof id === 'number') this.#timers.delete(id)
  }

  /** Timers that are armed. */
  get armed(): number {
    return this.#timers.size
  }

  /** Moves time on, running what falls due in its order, and lets everything settle. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms
    for (;;) {
      const [id, next] = [...this.#timers].reduce<[number, { at: number; run: () => void } | undefined]>(
        (first, [id, timer]) =>
          timer.at <= end && (first[1] === undefined || timer.at < first[1].at) ? [id, timer] : first,
        [0, undefined],
      )
      if (next === undefined) break
      this.#timers.delete(id)
      this.#now = Math.max(this.#now, next.at)
      next.run()
      await settled()
    }
    this.#now = end
    await settled()
  }

  /** A sleep, or a clock that is set: time jumps, and no timer runs. */
  jump(ms: number): void {
    this.#now += ms
  }
}
