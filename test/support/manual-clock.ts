import type { Clock } from '../../src/index.ts'
import { settled } from './settled.ts'

/** A clock that stands still until a test moves it. */
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

  /** The number of armed timers. */
  get armed(): number {
    return this.#timers.size
  }

  /** Moves time on. Runs the due timers in order, and lets promises settle after each. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms
    while (this.#runNext(end)) await settled()
    this.#now = end
    await settled()
  }

  /** Moves time on. Runs all due timers in one go, without letting promises settle between them. */
  tick(ms: number): void {
    const end = this.#now + ms
    while (this.#runNext(end));
    this.#now = end
  }

  #runNext(end: number): boolean {
    const due = [...this.#timers]
      .filter(([, { at }]) => at <= end)
      .toSorted(([, one], [, other]) => one.at - other.at)
    const [next] = due
    if (next === undefined) return false
    const [id, { at, run }] = next
    this.#timers.delete(id)
    this.#now = Math.max(this.#now, at)
    run()
    return true
  }

  /** Moves time without running any timer, as after a sleep of the machine, or when its clock is set. */
  jump(ms: number): void {
    this.#now += ms
  }
}
