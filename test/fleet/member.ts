// A process that takes part in fleets, in several at once.
import { createInterface } from 'node:readline'
import { type Order, type Orders, Part, type Told } from './part.ts'

/** A line to it. A fleet is a number of the test's own. */
export interface Line {
  readonly id: number
  readonly fleet: number
  readonly order: Order | { readonly do: 'join'; readonly orders: Orders } | { readonly do: 'leave' }
}

/** A line of it: what was asked is done, or could not be. */
export interface Reply {
  readonly id: number
  readonly told?: Told | undefined
  readonly failure?: string
}

const parts = new Map<number, Part>()

async function obey({ fleet, order }: Line): Promise<Told | undefined> {
  if (order.do === 'join') {
    parts.set(fleet, await Part.join(order.orders))
    return undefined
  }
  const part = parts.get(fleet)
  if (part === undefined) throw new Error(`It has no part in the fleet ${fleet}.`)
  if (order.do !== 'leave') return part.obey(order)
  parts.delete(fleet)
  await part.leave()
  return undefined
}

async function answer(line: Line): Promise<void> {
  const reply: Reply = await obey(line).then(
    (told) => ({ id: line.id, told }),
    (error: unknown) => ({ id: line.id, failure: String(error) }),
  )
  process.stdout.write(`${JSON.stringify(reply)}\n`)
}

process.stdout.write('ready\n')
for await (const line of createInterface(process.stdin)) void answer(JSON.parse(line) as Line)
process.exit()
