import fc from 'fast-check'
import { expect } from 'vitest'
import type { LeaseTable, Taken } from '../../../src/credentials/lease-table.ts'
import { Model, type Outcome } from './lease-model.ts'

/** A step of one of three, or what happens to all of them. */
type Step =
  | {
      readonly type: 'take'
      readonly who: number
      readonly isNew: boolean
      readonly known: number | undefined
      readonly mayTakeOver: boolean
    }
  | { readonly type: 'extend' | 'write' | 'free'; readonly who: number }
  | { readonly type: 'expire' | 'read' }

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
    fc.record({ type: fc.constantFrom('extend', 'write', 'write', 'free'), who: three }),
    fc.record({ type: fc.constantFrom('expire', 'expire', 'read') }),
  ),
  { minLength: 5, maxLength: 40 },
)

const taking = { type: 'take', isNew: false, known: undefined, mayTakeOver: true } as const

/** One takes over from another that vanished, and gives the lock back before what it has written arrives: then nobody is missed. */
const overtaken: Step[] = [
  { ...taking, who: 0 },
  { type: 'expire' },
  { ...taking, who: 1 },
  { type: 'free', who: 1 },
  { type: 'write', who: 1 },
  { ...taking, who: 2 },
]

/** Three that take locks, each time under a new name, or under the one that they had: on a table, and in a model of it. */
class Contestants {
  readonly #table: LeaseTable
  readonly #key: string
  readonly #expire: () => Promise<unknown>
  readonly #model = new Model()
  readonly #owners = ['0', '1', '2']
  /** The last lock of each. */
  readonly #numbers = new Map<string, number>()
  #named = 0

  /** @param expire lets the lease of the key be over */
  constructor(table: LeaseTable, key: string, expire: () => Promise<unknown>) {
    this.#table = table
    this.#key = key
    this.#expire = expire
  }

  async run(step: Step): Promise<{ readonly actual: Outcome; readonly expected: Outcome }> {
    const [table, key, model] = [this.#table, this.#key, this.#model]
    const nothing: Outcome = { type: 'nothing' }
    switch (step.type) {
      case 'take':
        return this.#take(step)
      case 'extend': {
        const owner = this.#owner(step.who)
        return {
          actual: { type: 'extended', holds: await table.extend(key, owner) },
          expected: model.extend(owner),
        }
      }
      case 'write': {
        const owner = this.#owner(step.who)
        const revision = this.#numbers.get(owner)
        if (revision === undefined) return { actual: nothing, expected: nothing }
        const row = { revision, text: `of ${owner}` }
        return {
          actual: { type: 'row', row: await table.write(key, owner, row) },
          expected: model.write(owner, row),
        }
      }
      case 'free': {
        const owner = this.#owner(step.who)
        await table.free(key, owner)
        return { actual: nothing, expected: model.free(owner) }
      }
      case 'read':
        return { actual: { type: 'row', row: await table.read(key) }, expected: model.read() }
      case 'expire':
        await this.#expire()
        return { actual: nothing, expected: model.expire() }
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

/**
 * Whatever three do, and whenever leases end: locks and records of a table are as the model has them.
 *
 * @param expire lets the lease of a key be over, if it is held
 */
export async function followsModel(
  table: LeaseTable,
  expire: (key: string) => Promise<unknown>,
  numRuns: number,
): Promise<void> {
  let accounts = 0
  await fc.assert(
    fc.asyncProperty(steps, async (taken) => {
      const key = `account ${(accounts += 1)}`
      const contestants = new Contestants(table, key, () => expire(key))
      for (const step of taken) {
        const { actual, expected } = await contestants.run(step)
        expect(actual).toEqual(expected)
      }
    }),
    { numRuns: Number(process.env['SCHEDULES'] ?? numRuns), examples: [[overtaken]] },
  )
}
