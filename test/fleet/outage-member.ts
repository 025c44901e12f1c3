// One process of those that share many accounts: it asks for their tokens as it is told, and counts what it is given.
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { createCredentialPool, RefreshError } from '../../src/index.ts'
import { oauth } from '../../src/sources/oauth/index.ts'
import { openAs, type Opening } from './outage-opening.ts'

/** What a process is started with. */
export interface MemberOrders {
  readonly opening: Opening
  /** URL of the token endpoint. */
  readonly endpoint: string
  /** ms */
  readonly deadline?: number
  /** It asks for these once, tells, and ends. */
  readonly once?: readonly string[]
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

const orders = JSON.parse(process.argv[2] ?? '') as MemberOrders
const events: Record<string, number> = {}
const count = (counts: Record<string, number>, name: string): void => {
  counts[name] = (counts[name] ?? 0) + 1
}

const { store } = await openAs(orders.opening)
const pool = createCredentialPool({
  source: oauth({ tokenEndpoint: orders.endpoint, clientId: 'fleet' }),
  store,
  ...(orders.deadline === undefined ? {} : { deadline: orders.deadline }),
  idle: 20_000,
  onEvent: ({ type }) => count(events, type),
})

interface Outcome {
  readonly outcomes: Record<string, number>
  readonly messages: Record<string, string>
  readonly servedAt: number[]
}

async function want(key: string, { outcomes, messages, servedAt }: Outcome): Promise<string> {
  const code = await pool
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

async function insist(key: string, pause: number, outcome: Outcome): Promise<void> {
  for (;;) {
    const code = await want(key, outcome)
    if (code === 'served' || code === 'reauthentication_required') return
    await sleep(pause)
  }
}

async function obey(order: MemberOrder, outcome: Outcome): Promise<void> {
  switch (order.do) {
    case 'want':
      await Promise.all(order.keys.map((key) => want(key, outcome)))
      return
    case 'insist':
      await Promise.all(order.keys.map((key) => insist(key, order.pause, outcome)))
      return
    case 'calls': {
      const calls: Promise<unknown>[] = []
      const over = performance.now() + order.ms
      while (performance.now() < over) {
        calls.push(want(order.key, outcome))
        await sleep(order.every)
      }
      await Promise.all(calls)
      return
    }
    case 'login': {
      const { refreshToken, expiresAt } = order
      await pool.get(order.key).login({ accessToken: `access-${refreshToken}`, refreshToken, expiresAt })
      return
    }
    case 'logout':
      await pool.get(order.key).logout()
      return
    case 'flush':
      await pool.flush({ timeout: order.timeout })
      return
    default:
      return order satisfies never
  }
}

async function tell(id: number, order: MemberOrder): Promise<void> {
  const began = performance.now()
  const outcome: Outcome = { outcomes: {}, messages: {}, servedAt: [] }
  await obey(order, outcome).catch((error: unknown) => {
    count(outcome.outcomes, error instanceof RefreshError ? error.code : String(error))
  })
  const told: MemberTold = {
    ...outcome,
    took: performance.now() - began,
    events: { ...events },
    memory: process.resourceUsage().maxRSS / 1_024,
  }
  for (const type of Object.keys(events)) delete events[type]
  await new Promise<void>((written) => {
    process.stdout.write(`${JSON.stringify({ id, told })}\n`, () => written())
  })
}

// Whoever started it has ended.
process.stdout.on('error', () => process.exit())
process.stdout.write('ready\n')
if (orders.once !== undefined) {
  await tell(1, { do: 'want', keys: orders.once })
  process.exit()
}
for await (const line of createInterface(process.stdin)) {
  const { id, order } = JSON.parse(line) as { id: number; order: MemberOrder }
  void tell(id, order)
}
process.exit()
