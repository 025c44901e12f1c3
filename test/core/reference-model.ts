/**
 * The cell in two hundred lines, told as one would explain it: no promises, no timers, one step at a time.
 * The interleavings are compared with it.
 */

export const DEADLINE = 1_000
const DEADLINES = 5
const AGED = 60_000

/** What a caller ends with: the generation it got, or an error's code. */
export type Ending = number | string

/** A caller that waits for a generation higher than the one that was in force when it came. */
export interface Waiter {
  readonly base: number
  ending: Ending | undefined
}

interface Flight {
  readonly id: number
  /** What had taken effect last when it began. */
  readonly base: number
  readonly waiters: Waiter[]
  overdueAt: number
  lapsedAt: number
  queuedAt: number | undefined
  queued: number
}

class Pause {
  until = 0
  next = 1_000
  start(now: number, most: number): void {
    this.until = now + Math.min(this.next, most)
    this.next = Math.min(this.next * 2, most)
  }
  reset(): void {
    this.until = 0
    this.next = 1_000
  }
}

/** The breaker, as far as calls that name no endpoint go. */
class ModelBreaker {
  side = newSide(true)
  isKnown = false
  calls = 0
  spent: { generation: number; at: number }[] = []

  refuses(generation: number, refreshed: boolean, aged: boolean, now: number): boolean {
    this.calls++
    const { side } = this
    if (generation > side.judged) {
      side.judged = generation
      if (aged) side.pause.reset()
      else if (refreshed && side.rejected !== undefined && generation > side.rejected) {
        side.pause.start(now, 60_000)
        if (side.doubtful) this.#spend(side.rejected)
        side.doubtful = true
      }
    }
    if (now < side.pause.until) return true
    if (side.doubtful && !this.#allows()) return true
    side.rejected = generation
    return false
  }

  accept(generation: number): void {
    const { side } = this
    const helped = side.rejected !== undefined && generation > side.rejected
    // The second attempt of a call that was counted when it was rejected.
    if (!helped) this.calls++
    if (!this.isKnown && generation < side.judged) return
    if (helped) {
      side.rejected = undefined
      side.pause.reset()
    }
    if (!this.isKnown) {
      this.isKnown = true
      this.side = newSide(false)
    } else if (generation >= side.judged) side.doubtful = false
  }

  stillRejected(generation: number, now: number): void {
    const { side } = this
    if (generation <= side.judged) return
    side.judged = generation
    side.pause.start(now, 60_000)
    if (side.doubtful) this.#spend(side.rejected ?? generation - 1)
    side.doubtful = true
    side.rejected = undefined
  }

  #spend(generation: number): void {
    if ((this.spent.at(-1)?.generation ?? -1) < generation) this.spent.push({ generation, at: this.calls })
  }

  #allows(): boolean {
    const recent = this.spent.filter(({ at }) => at > this.calls - 1_024)
    const last = recent.at(-1)
    return last === undefined || this.calls - last.at >= 3 ** (recent.length - 1)
  }
}

function newSide(doubtful: boolean) {
  return { judged: -1, rejected: undefined as number | undefined, pause: new Pause(), doubtful }
}

export class ReferenceModel {
  now: number
  generation = 1
  inForce: { refreshed: boolean; since: number; rejected: boolean } | undefined
  loggedOut = false
  flight: Flight | undefined
  readonly flights: Flight[] = []
  /** Flights up to this one may not take effect any more. */
  outranked = 0
  readonly cooldown = new Pause()
  readonly breaker = new ModelBreaker()
  readonly #spends: boolean

  constructor(now: number, spends: boolean) {
    this.now = now
    this.#spends = spends
    this.inForce = { refreshed: false, since: now, rejected: false }
  }

  /** A caller reports a rejection: the ending it gets, or how it waits. */
  reject(generation: number): Ending | Waiter {
    const gaveUp = this.#judge()
    if (this.inForce === undefined) return 'credential_missing'
    if (generation < this.generation) return this.generation
    this.inForce.rejected = true
    const aged = this.now - this.inForce.since >= AGED
    const refuses = this.breaker.refuses(generation, this.inForce.refreshed, aged, this.now)
    if (this.flight !== undefined) return this.#wait(this.flight) ?? 'refresh_timeout'
    if (refuses || (!gaveUp && this.now < this.cooldown.until)) return 'refresh_suspended'
    const flight: Flight = {
      id: this.flights.length + 1,
      base: this.outranked,
      waiters: [],
      overdueAt: this.now + DEADLINE,
      lapsedAt: this.now + DEADLINES * DEADLINE,
      queuedAt: undefined,
      queued: 0,
    }
    this.flights.push(flight)
    this.flight = flight
    return this.#wait(flight) ?? 'refresh_timeout'
  }

  /** A caller wants a value. One that waits for a flight which fails is served the stale value. */
  read(): Ending | Waiter {
    if (this.inForce === undefined) {
      this.#judge()
      return 'credential_missing'
    }
    this.#judge()
    if (this.flight === undefined || !this.inForce.rejected) return this.generation
    return this.#wait(this.flight) ?? this.generation
  }

  accept(generation: number): void {
    this.breaker.accept(generation)
    if (this.flight === undefined && this.inForce && generation === this.generation)
      this.inForce.rejected = false
  }

  stillRejected(generation: number): void {
    this.breaker.stillRejected(generation, this.now)
  }

  /** The flight waits in a queue, or its turn has come. */
  queue(isWaiting: boolean): void {
    const { flight, now } = this
    if (flight === undefined || now >= flight.overdueAt) return
    if (isWaiting && flight.queuedAt === undefined) {
      flight.queuedAt = now
      flight.overdueAt = now + DEADLINES * DEADLINE - flight.queued
      flight.lapsedAt = flight.overdueAt
    } else if (!isWaiting && flight.queuedAt !== undefined) {
      flight.queued += now - flight.queuedAt
      flight.queuedAt = undefined
      flight.overdueAt = now + DEADLINE
      flight.lapsedAt = now + DEADLINES * DEADLINE
    }
  }

  land(id: number, succeeded: boolean): void {
    const flight = this.flights[id - 1]
    if (flight === undefined) throw new Error(`no flight ${id}`)
    const isTheOne = this.flight === flight
    if (isTheOne) this.flight = undefined
    if (succeeded && id > this.outranked) {
      this.#adopt(true)
      this.outranked = id
      this.#end(flight, this.generation)
      // The callers of a later flight get the late value, too, where it is newer than theirs.
      if (this.flight !== undefined) this.#serve(this.flight)
    } else if (isTheOne) {
      // After a late value of an earlier flight the failure is of the value before.
      if (this.outranked <= flight.base) this.cooldown.start(this.now, 5_000)
      this.#end(flight, 'refresh_failed')
    }
  }

  set(): void {
    this.#adopt(false)
    this.loggedOut = false
    this.#supersede(this.generation)
  }

  clear(): void {
    this.inForce = undefined
    this.loggedOut = true
    this.cooldown.reset()
    this.#supersede('credential_missing')
  }

  /** Time passes, and timers run. */
  tick(ms: number): void {
    const end = this.now + ms
    const { flight } = this
    if (flight !== undefined && end >= flight.lapsedAt) {
      this.now = Math.max(this.now, flight.lapsedAt)
      this.#giveUp(flight)
    } else if (flight !== undefined && end >= flight.overdueAt) this.#end(flight, 'refresh_timeout')
    this.now = end
  }

  /** Time passes, and no timer runs: the request that started them is gone, or the process was frozen. */
  jump(ms: number): void {
    this.now += ms
  }

  #wait(flight: Flight): Waiter | undefined {
    if (this.now >= flight.overdueAt) return undefined
    const waiter = { base: this.generation, ending: undefined }
    flight.waiters.push(waiter)
    return waiter
  }

  #judge(): boolean {
    const { flight, now } = this
    if (flight === undefined) return false
    if (now < flight.lapsedAt && (this.#spends || now < flight.overdueAt)) return false
    this.#giveUp(flight)
    return true
  }

  #giveUp(flight: Flight): void {
    this.flight = undefined
    if (this.outranked <= flight.base) this.cooldown.start(this.now, 5_000)
    this.#end(flight, 'refresh_timeout')
  }

  #end(flight: Flight, ending: Ending): void {
    this.#serve(flight)
    for (const waiter of flight.waiters) waiter.ending ??= ending
  }

  #serve({ waiters }: Flight): void {
    if (this.inForce === undefined) return
    for (const waiter of waiters) if (waiter.base < this.generation) waiter.ending ??= this.generation
  }

  #adopt(refreshed: boolean): void {
    this.generation++
    this.inForce = { refreshed, since: this.now, rejected: false }
    this.cooldown.reset()
  }

  #supersede(ending: Ending): void {
    this.outranked = this.flights.length
    const { flight } = this
    this.flight = undefined
    if (flight !== undefined) this.#end(flight, ending)
  }
}
