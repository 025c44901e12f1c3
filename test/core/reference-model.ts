/**
 * The cell in a hundred lines, told as one would explain it: no promises, no timers, one step at a time.
 * The interleavings are compared with it.
 */

export const DEADLINE = 1_000
const AGED = 60_000

/** What a waiter ends with: the generation it got, or an error's code. */
export type Ending = number | string

interface Flight {
  readonly id: number
  readonly startedAt: number
  /** What had taken effect last when it began. */
  readonly base: number
  overdue: boolean
  given: boolean
  ending: Ending | undefined
}

class Pause {
  until = 0
  next = 1_000
  start(now: number): void {
    this.until = now + this.next
    this.next = Math.min(60_000, this.next * 2)
  }
  reset(): void {
    this.until = 0
    this.next = 1_000
  }
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
  readonly breaker = Object.assign(new Pause(), { judged: -1, accepted: 0 })

  constructor(now: number) {
    this.now = now
    this.inForce = { refreshed: false, since: now, rejected: false }
  }

  /** A caller reports a rejection: the ending it gets, or the flight it waits for. */
  reject(generation: number): Ending | Flight {
    if (this.inForce === undefined) return 'credential_missing'
    if (generation < this.generation) return this.generation
    this.inForce.rejected = true
    if (generation > this.breaker.judged) {
      const isFirst = this.breaker.accepted > this.breaker.judged
      this.breaker.judged = generation
      const aged = this.now - this.inForce.since >= AGED
      if (aged || this.breaker.accepted >= generation) this.breaker.reset()
      else if (this.inForce.refreshed && !isFirst) this.breaker.start(this.now)
    }
    if (this.flight !== undefined) return this.flight.overdue ? 'refresh_timeout' : this.flight
    if (this.now < this.breaker.until || this.now < this.cooldown.until) return 'refresh_suspended'
    const flight = {
      id: this.flights.length + 1,
      startedAt: this.now,
      base: this.outranked,
      overdue: false,
      given: false,
      ending: undefined,
    }
    this.flights.push(flight)
    this.flight = flight
    return flight
  }

  /** A caller wants a value. One that waits for a flight which fails is served the stale value. */
  read(): Ending | Flight {
    if (this.inForce === undefined) return 'credential_missing'
    if (this.flight === undefined || this.flight.overdue || !this.inForce.rejected) return this.generation
    return this.flight
  }

  accept(generation: number): void {
    if (generation <= this.breaker.accepted) return
    this.breaker.accepted = generation
    if (generation >= this.breaker.judged) this.breaker.reset()
  }

  land(id: number, succeeded: boolean): void {
    const flight = this.flights[id - 1]
    if (flight === undefined) throw new Error(`no flight ${id}`)
    const isTheOne = this.flight === flight
    if (isTheOne) this.flight = undefined
    if (succeeded && id > this.outranked) {
      this.#adopt(true)
      this.outranked = id
      flight.ending ??= this.generation
    } else if (isTheOne && this.outranked > flight.base) {
      // One that was given up has landed meanwhile: the failure is of the value before.
      flight.ending ??= this.generation
    } else if (isTheOne) {
      this.cooldown.start(this.now)
      flight.ending ??= 'refresh_failed'
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

  tick(ms: number): void {
    const end = this.now + ms
    const { flight } = this
    if (flight !== undefined && end >= flight.startedAt + DEADLINE) {
      flight.overdue = true
      flight.ending ??= 'refresh_timeout'
    }
    if (flight !== undefined && end >= flight.startedAt + 5 * DEADLINE) {
      this.flight = undefined
      if (this.outranked <= flight.base) this.cooldown.start(flight.startedAt + 5 * DEADLINE)
    }
    this.now = end
  }

  #adopt(refreshed: boolean): void {
    this.generation++
    this.inForce = { refreshed, since: this.now, rejected: false }
    this.cooldown.reset()
  }

  #supersede(ending: Ending): void {
    this.outranked = this.flights.length
    if (this.flight !== undefined) this.flight.ending ??= ending
    this.flight = undefined
  }
}
