import fc from 'fast-check'
import { expect } from 'vitest'
import type { LeaseTable, Taken } from '../../src/stores/shared/lease-table.ts'
import { explored } from '../support/explored.ts'
import { Model, type Outcome } from './lease-model.ts'

/** ms: `npm run trial -- schedules` takes many thousands of rounds. */
export const LONGEST = 1_800_000

/** A step of one of three, or what happens to all of them. */
type Step =
  | {
      readonly type: 'take'
      readonly who: number
      readonly isNew: boolean
      readonly known: number | undefined
      readonly mayTakeOver: boolean
    }
  | { readonly type: 'extend' | 'write'; readonly who: number }
  | { readonly type: 'free'; readonly who: number; readonly abandoned: boolean; readonly isNumbered: boolean }
  | { readonly type: 'swap'; readonly seen: number }
  | { readonly type: 'expire' | 'read' | 'forget' | 'copy' | 'restore' }

/** What can happen to a server. */
export interface Events {
  /** Lets the lease of a key be over, if it is held. */
  readonly expire: (key: string) => Promise<unknown>
  /** Removes all that is stored under a key. */
  readonly forget: (key: string) => Promise<unknown>
  /** What is stored under a key; undefined for nothing. */
  readonly copy: (key: string) => Promise<unknown>
  /** Stores that, after `forget`. */
  readonly restore: (key: string, copy: unknown) => Promise<unknown>
}

const three = fc.nat({ max: 2 })
const known = fc.option(fc.nat({ max: 2 }), { nil: undefined })

/** Steps in any order. */
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({
      type: fc.constant('take'),
      who: three,
      isNew: fc.boolean(),
      known,
      mayTakeOver: fc.boolean(),
    }),
    fc.record({ type: fc.constantFrom('extend', 'write', 'write'), who: three }),
    fc.record({ type: fc.constant('free'), who: three, abandoned: fc.boolean(), isNumbered: fc.boolean() }),
    fc.record({ type: fc.constant('swap'), seen: fc.constantFrom(0, 0, 0, -1, 1) }),
    fc.record({
      type: fc.constantFrom('expire', 'expire', 'expire', 'read', 'forget', 'copy', 'restore'),
    }),
  ),
  { minLength: 5, maxLength: 40 },
)

const freeing = { type: 'free', abandoned: false, isNumbered: true } as const
const taking = { type: 'take', isNew: false, known: undefined, mayTakeOver: true } as const

/** One takes over from another that vanished, and gives the lock back before what it has written arrives: then nobody is missed. */
const overtaken: Step[] = [
  { ...taking, who: 0 },
  { type: 'expire' },
  { ...taking, who: 1 },
  { ...freeing, who: 1 },
  { type: 'write', who: 1 },
  { ...taking, who: 2 },
]

/** A login comes between, and the holder that it outranked vanishes: the new refresh token was not redeemed. */
const replaced: Step[] = [
  { ...taking, who: 0 },
  { type: 'swap', seen: 0 },
  { type: 'expire' },
  { ...taking, who: 1 },
  { type: 'write', who: 0 },
]

/** A server forgets a lock that is released while a renewal is on its way: it must not be acquired anew. */
const forgotten: Step[] = [
  { ...taking, who: 0 },
  { type: 'forget' },
  { ...freeing, abandoned: true, who: 0 },
  { type: 'extend', who: 0 },
  { ...taking, who: 1 },
]

/** A server comes back from a copy, in which an earlier holder still has the lock: it is given to the later one. */
const restored: Step[] = [
  { ...taking, who: 0 },
  { type: 'copy' },
  { ...freeing, who: 0 },
  { ...taking, who: 1 },
  { type: 'restore' },
  { type: 'extend', who: 1 },
  { type: 'extend', who: 0 },
  { ...taking, mayTakeOver: false, who: 2 },
]

/** Three that take locks, each time under a new name, or under the one that they had: on a table, and in a model of it. */
class Contestants {
  readonly #table: LeaseTable
  readonly #key: string
  readonly #events: Events
  readonly #model = new Model()
  readonly #owners = ['0', '1', '2']
  /** The last lock of each. */
  readonly #numbers = new Map<string, number>()
  #named = 0

  #copy: unknown

  constructor(table: LeaseTable, key: string, events: Events) {
    this.#table = table
    this.#key = key
    this.#events = events
  }

  async run(step: Step): Promise<{ readonly actual: Outcome; readonly expected: Outcome }> {
    const [table, key, model] = [this.#table, this.#key, this.#model]
    const nothing: Outcome = { type: 'nothing' }
    switch (step.type) {
      case 'take':
        return this.#take(step)
      case 'extend': {
        const owner = this.#owner(step.who)
        const number = this.#numbers.get(owner)
        // Only the holder of a lock renews it.
        if (number === undefined) return { actual: nothing, expected: nothing }
        return {
          actual: { type: 'extended', holds: await table.extend(key, owner, number) },
          expected: model.extend(owner, number),
        }
      }
      case 'write': {
        const owner = this.#owner(step.who)
        const revision = this.#numbers.get(owner)
        if (revision === undefined) return { actual: nothing, expected: nothing }
        const row = { revision, text: `of ${owner}` }
        return {
          actual: { type: 'written', ...(await table.write(key, owner, row)) },
          expected: model.write(owner, row),
        }
      }
      case 'free': {
        const owner = this.#owner(step.who)
        const number = step.isNumbered ? this.#numbers.get(owner) : undefined
        await table.free(key, owner, step.abandoned, number)
        return { actual: nothing, expected: model.free(owner, step.abandoned, number ?? 0) }
      }
      case 'swap': {
        const seen = Math.max(0, model.revision + step.seen)
        const text = `swapped ${(this.#named += 1)}`
        const row = await table.swap(key, seen, text)
        return { actual: { type: 'row', row }, expected: model.swap(seen, text, row?.revision ?? 0) }
      }
      case 'read':
        return { actual: { type: 'row', row: await table.read(key) }, expected: model.read() }
      case 'expire':
        await this.#events.expire(key)
        return { actual: nothing, expected: model.expire() }
      case 'forget':
        await this.#events.forget(key)
        return { actual: nothing, expected: model.forget() }
      case 'copy':
        this.#copy = await this.#events.copy(key)
        return { actual: nothing, expected: model.copy() }
      case 'restore':
        await this.#events.forget(key)
        if (this.#copy !== undefined) await this.#events.restore(key, this.#copy)
        return { actual: nothing, expected: model.restore() }
    }
  }

  async #take(step: Step & { type: 'take' }): Promise<{ actual: Outcome; expected: Outcome }> {
    if (step.isNew) this.#owners[step.who] = `owner ${(this.#named += 1)}`
    const owner = this.#owner(step.who)
    // The revision in force, the one before, or the one after.
    const { revision } = this.#model
    const from = step.known === undefined ? undefined : Math.max(0, revision + step.known - 1)
    const taken = await this.#table.take(this.#key, owner, from, step.mayTakeOver)
    const number = taken.type === 'lock' ? taken.number : 0
    if (number > 0) this.#numbers.set(owner, number)
    return { actual: withoutTimes(taken), expected: this.#model.take(owner, from, step.mayTakeOver, number) }
  }

  #owner(who: number): string {
    return this.#owners[who] ?? ''
  }
}

function withoutTimes(taken: Taken): Outcome {
  return taken.type === 'held' ? { type: 'held' } : taken
}

/** Whatever three do, and whatever happens to the server: locks and records of a table are as the model has them. */
export async function followsModel(table: LeaseTable, events: Events, numRuns: number): Promise<void> {
  let accounts = 0
  await fc.assert(
    fc.asyncProperty(steps, async (taken) => {
      const key = `account ${(accounts += 1)}`
      const contestants = new Contestants(table, key, events)
      for (const step of taken) {
        const { actual, expected } = await contestants.run(step)
        expect(actual).toEqual(expected)
      }
    }),
    {
      ...explored(numRuns),
      examples: [[overtaken], [replaced], [forgotten], [restored]],
    },
  )
}
