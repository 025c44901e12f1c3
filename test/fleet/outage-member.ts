// A process of those that share many accounts: it asks for their tokens as it is told, and counts what it is given. It takes several parts,
// each with a store of its own.
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { createCredentialPool, type CredentialPool, RefreshError } from '../../src/index.ts'
import { oauth } from '../../src/sources/oauth/index.ts'
import { openAs, type Opening } from './outage-opening.ts'

/** What a part is taken with. */
export interface MemberOrders {
  readonly opening: Opening
  /** URL of the token endpoint. */
  readonly endpoint: string
  /** ms */
  readonly deadline?: number
}

/** What a process is started with that asks once for these, tells, and ends. */
export interface OnceOrders extends MemberOrders {
  readonly keys: readonly string[]
}

/** A line to it. */
export interface MemberLine {
  readonly id: number
  readonly part: number
  readonly order:
    | MemberOrder
    | { readonly do: 'open'; readonly orders: MemberOrders }
    | { readonly do: 'close' }
}

/** Each is responded to by a line, when it is done. */
export type MemberOrder =
  /** Asks for each of these tokens once. */
  | { readonly do: 'want'; readonly keys: readonly string[] }
  /** Asks again until it has a token of each, or is told that a login has ended. */
  | { readonly do: 'insist'; readonly keys: readonly string[]; readonly pause: number }
  /** Calls at a steady rate, whatever becomes of each. */
  | { readonly do: 'calls'; readonly key: string; readonly every: number; readonly ms: number }
  | {
      readonly do: 'login'
      readonly key: string
      readonly refreshToken: string
      /** epoch ms */
      readonly expiresAt: number
    }
  | { readonly do: 'logout'; readonly key: string }
  | { readonly do: 'flush'; readonly timeout: number }

export interface MemberTold {
  /** How often each outcome came about: `served`, or the code of an error. */
  readonly outcomes: Readonly<Record<string, number>>
  /** The first message of each code. */
  readonly messages: Readonly<Record<string, string>>
  /** epoch ms, of calls that were served */
  readonly servedAt: readonly number[]
  /** ms */
  readonly took: number
  /** Events since it was last asked, by type. */
  readonly events: Readonly<Record<string, number>>
  /** MiB, at most */
  readonly memory: number
}

const count = (counts: Record<string, number>, name: string): void => {
  counts[name] = (counts[name] ?? 0) + 1
}

interface Outcome {
  readonly outcomes: Record<string, number>
  readonly messages: Record<string, string>
  readonly servedAt: number[]
}

class Part {
  readonly #pool: CredentialPool
  readonly #events: Record<string, number>
  readonly close: () => Promise<void>

  private constructor(pool: CredentialPool, events: Record<string, number>, close: () => Promise<void>) {
    this.#pool = pool
    this.#events = events
    this.close = close
  }

  static async open({ opening, endpoint, deadline }: MemberOrders): Promise<Part> {
    const { store, close } = await openAs(opening)
    const events: Record<string, number> = {}
    const pool = createCredentialPool({
      source: oauth({ tokenEndpoint: endpoint, clientId: 'fleet' }),
      store,
      ...(deadline === undefined ? {} : { deadline }),
      idle: 20_000,
      onEvent: ({ type }) => count(events, type),
    })
    return new Part(pool, events, close)
  }

  async tell(order: MemberOrder): Promise<MemberTold> {
    const began = performance.now()
    const outcome: Outcome = { outcomes: {}, messages: {}, servedAt: [] }
    await this.#obey(order, outcome).catch((error: unknown) => {
      count(outcome.outcomes, error instanceof RefreshError ? error.code : String(error))
    })
    const told: MemberTold = {
      ...outcome,
      took: performance.now() - began,
      events: { ...this.#events },
      memory: process.resourceUsage().maxRSS / 1_024,
    }
    for (const type of Object.keys(this.#events)) delete this.#events[type]
    return told
  }

  async #want(key: string, { outcomes, messages, servedAt }: Outcome): Promise<string> {
    const code = await this.#pool
      .get(key)
      .accessToken()
      .then(
        () => 'served',
        (error: unknown) => {
          const known = error instanceof RefreshError ? error.code : String(error)
          messages[known] ??= String(error)
          return known
        },
      )
    count(outcomes, code)
    if (code === 'served') servedAt.push(Date.now())
    return code
  }

  async #insist(key: string, pause: number, outcome: Outcome): Promise<void> {
    for (;;) {
      const code = await this.#want(key, outcome)
      if (code === 'served' || code === 'reauthentication_required') return
      await sleep(pause)
    }
  }

  async #obey(order: MemberOrder, outcome: Outcome): Promise<void> {
    switch (order.do) {
      case 'want':
        await Promise.all(order.keys.map((key) => this.#want(key, outcome)))
        return
      case 'insist':
        await Promise.all(order.keys.map((key) => this.#insist(key, order.pause, outcome)))
        return
      case 'calls': {
        const calls: Promise<unknown>[] = []
        const over = performance.now() + order.ms
        while (performance.now() < over) {
          calls.push(this.#want(order.key, outcome))
          await sleep(order.every)
        }
        await Promise.all(calls)
        return
      }
      case 'login': {
        const { refreshToken, expiresAt } = order
        await this.#pool
          .get(order.key)
          .login({ accessToken: `access-${refreshToken}`, refreshToken, expiresAt })
        return
      }
      case 'logout':
        await this.#pool.get(order.key).logout()
        return
      case 'flush':
        await this.#pool.flush({ timeout: order.timeout })
        return
      default:
        return order satisfies never
    }
  }
}

const parts = new Map<number, Part>()

async function obey({ part: number, order }: MemberLine): Promise<MemberTold | undefined> {
  if (order.do === 'open') {
    parts.set(number, await Part.open(order.orders))
    return undefined
  }
  const part = parts.get(number)
  if (part === undefined) throw new Error(`It has no part ${number}.`)
  if (order.do !== 'close') return part.tell(order)
  parts.delete(number)
  await part.close()
  return undefined
}

function write(line: object): Promise<void> {
  return new Promise((written) => {
    process.stdout.write(`${JSON.stringify(line)}\n`, () => written())
  })
}

// Whoever started it has ended.
process.stdout.on('error', () => process.exit())
const once = process.argv[2]
if (once !== undefined) {
  const orders = JSON.parse(once) as OnceOrders
  const part = await Part.open(orders)
  await write({ told: await part.tell({ do: 'want', keys: orders.keys }) })
  process.exit()
}
await write({ ready: true })
for await (const text of createInterface(process.stdin)) {
  const line = JSON.parse(text) as MemberLine
  void obey(line).then(
    (told) => write({ id: line.id, told }),
    (error: unknown) => write({ id: line.id, failure: String(error) }),
  )
}
process.exit()
