import { type Clock, inputRead, monotonic, startTimer } from '../../lib/clock.ts'

/** No second run begins for this many deadlines, even if no caller waits for the first one any more. */
const DEADLINES = 5

/** `overdue`: the deadline has passed, and no caller waits any longer. `lapsed`: five deadlines have passed. */
export type Stage = 'running' | 'overdue' | 'lapsed'

/**
 * The deadline of one run that callers wait for, counted from its start. Each caller checks it by the clock: on a serverless platform a
 * timer ends with the request that started it.
 */
export class Deadline {
  readonly #clock: Clock
  readonly #ms: number
  #startedAt: number
  #overdueAt: number
  #lapsedAt: number
  #queuedAt: number | undefined
  /** ms that the run spent in queues before. */
  #queued = 0
  /** ms, by the monotonic clock: when the input that had arrived was last read. */
  #inputReadAt = -Infinity
  /** ms by which the clock was set back since the start. */
  #setBack = 0

  /** @param ms from now */
  constructor(clock: Clock, ms: number) {
    this.#clock = clock
    this.#ms = ms
    this.#startedAt = monotonic(clock)
    this.#overdueAt = this.#startedAt + ms
    this.#lapsedAt = this.#startedAt + DEADLINES * ms
  }

  /** ms since the start. */
  get elapsed(): number {
    return Math.max(0, monotonic(this.#clock) - this.#startedAt)
  }

  get stage(): Stage {
    const now = monotonic(this.#clock)
    if (now >= this.#lapsedAt) return 'lapsed'
    return now >= this.#overdueAt ? 'overdue' : 'running'
  }

  /**
   * If the deadline has passed and no timer has fired for it, the process may have been frozen, and the response may wait in a socket. Then
   * this settles once that input was read. undefined if the caller need not wait.
   */
  inputRead(): Promise<void> | undefined {
    const { stage } = this
    if (stage === 'running') return undefined
    const since = stage === 'lapsed' ? this.#lapsedAt : this.#overdueAt
    if (this.#inputReadAt >= since) return undefined
    return inputRead(this.#clock)?.then(() => this.#noteInput())
  }

  /**
   * Stops the deadline while the run waits in a queue (true), and starts it anew when its turn comes (false). A run may spend five
   * deadlines in queues. A deadline that has passed stays passed.
   */
  queued(isWaiting: boolean): void {
    const now = monotonic(this.#clock)
    if (isWaiting && this.#queuedAt === undefined && now < this.#overdueAt) {
      this.#queuedAt = now
      this.#overdueAt = now + Math.max(0, DEADLINES * this.#ms - this.#queued)
      this.#lapsedAt = this.#overdueAt
    } else if (!isWaiting && this.#queuedAt !== undefined && now < this.#overdueAt) {
      this.#queued += now - this.#queuedAt
      this.#queuedAt = undefined
      this.#overdueAt = now + this.#ms
      this.#lapsedAt = now + DEADLINES * this.#ms
    }
  }

  /**
   * Calls `run` when the stage may have changed. While the deadline is stopped, it calls `run` once per deadline although the stage is the
   * same: then the caller's own timer is there when the turn comes, and it needs no other request's timer. Returns a function that stops it.
   */
  watch(run: () => void): () => void {
    const now = monotonic(this.#clock)
    const next = now < this.#overdueAt ? this.#overdueAt : this.#lapsedAt
    const at = this.#queuedAt === undefined ? next : Math.min(next, now + this.#ms)
    const setBack = this.#setBack
    const fire = (): void => {
      // The timer has run its full time. If less time has passed by the clock, the clock was set back.
      const early = at - (this.#setBack - setBack) - monotonic(this.#clock)
      if (early > 0) this.#shift(early)
      this.#noteInput()
      run()
    }
    return startTimer(this.#clock, Math.max(0, at - now), fire, { afterInput: true })
  }

  #noteInput(): void {
    this.#inputReadAt = monotonic(this.#clock)
  }

  #shift(ms: number): void {
    this.#setBack += ms
    this.#startedAt -= ms
    this.#overdueAt -= ms
    this.#lapsedAt -= ms
    if (this.#queuedAt !== undefined) this.#queuedAt -= ms
  }
}
