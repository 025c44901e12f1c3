import { type Clock, inputRead, monotonic, startTimer } from '../../lib/clock.ts'

/** A run stays the only one of its kind for this many deadlines, even if no caller waits for it any more. */
const DEADLINES = 5

/** `overdue`: its callers wait no longer. `lapsed`: five deadlines have passed. */
export type Stage = 'running' | 'overdue' | 'lapsed'

/**
 * The one deadline of something that callers wait for, counted from its start. Every caller judges it by the clock, for the timer
 * that would judge it may be gone with the request that started it.
 */
export class Deadline {
  readonly #clock: Clock
  readonly #ms: number
  #startedAt: number
  #overdueAt: number
  #lapsedAt: number
  #queuedAt: number | undefined
  /** ms that it spent in queues before. */
  #queued = 0
  /** Up to then, input that had arrived was read before anything was decided. */
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
   * A caller finds that the time is over, and no timer has noticed: the process may have been frozen. Settles once input that has
   * arrived was read; undefined where the caller need not wait for that.
   */
  inputRead(): Promise<void> | undefined {
    const { stage } = this
    if (stage === 'running') return undefined
    const since = stage === 'lapsed' ? this.#lapsedAt : this.#overdueAt
    if (this.#inputReadAt >= since) return undefined
    return inputRead(this.#clock)?.then(() => this.#noteInput())
  }

  /**
   * Stops while it waits in a queue, and begins anew with its turn. Five deadlines in queues are the end all the same. A deadline
   * that has passed stays passed.
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
   * Runs something when the stage may have changed. It may not have: while the deadline is stopped it runs at least once a deadline, so
   * that no timer that another request started is needed when the turn comes. Returns what stops it.
   */
  watch(run: () => void): () => void {
    const now = monotonic(this.#clock)
    const next = now < this.#overdueAt ? this.#overdueAt : this.#lapsedAt
    const at = this.#queuedAt === undefined ? next : Math.min(next, now + this.#ms)
    const setBack = this.#setBack
    const fire = (): void => {
      // The timer has run its time. Where the clock says otherwise, it was set back.
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
