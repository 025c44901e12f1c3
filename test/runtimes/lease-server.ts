import { once } from 'node:events'
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { Gate } from '../support/gate.ts'

interface Row {
  readonly revision: number
  readonly text: string
}

interface Account {
  row: Row | undefined
  lock: { owner: string; number: number; until: number } | undefined
  abandoned: boolean
  last: number
  /** The refresh tokens that clients have presented. */
  readonly presented: string[]
}

interface Asked {
  readonly key: string
  readonly owner: string
  readonly known?: number
  readonly mayTakeOver: boolean
  readonly number: number
  readonly row: Row
  readonly seen: number
  readonly text: string
  readonly abandoned: boolean
  readonly refreshToken?: string
  /** epoch ms, by the clock of the client that sends the request */
  readonly now: number
  /** ms */
  readonly lease: number
}

/** A server over HTTP that holds locks, records and refresh tokens. A test can delay any of its steps, or let it fail. */
export interface LeaseServer {
  readonly origin: string
  /** Holds the next request for this step: before the server executes it, or before it sends the response. */
  hold(step: string, when: 'request' | 'response'): void
  /** Releases the held request. */
  release(): void
  /** Resolves when the server holds a request. */
  readonly held: Promise<void>
  /** Steps that fail. */
  readonly failing: Set<string>
  account(name: string): Account
  close(): Promise<void>
}

export async function startLeaseServer(): Promise<LeaseServer> {
  const accounts = new Map<string, Account>()
  const gate = new Gate()
  let held: { readonly step: string; readonly when: 'request' | 'response' } | undefined
  const account = (name: string): Account => {
    const made = accounts.get(name) ?? {
      row: undefined,
      lock: undefined,
      abandoned: false,
      last: 0,
      presented: [],
    }
    accounts.set(name, made)
    return made
  }
  const carryOut = (step: string, asked: Asked): unknown => {
    const own = account(asked.key)
    const isHolder = own.lock?.owner === asked.owner
    switch (step) {
      case 'read':
        return own.row
      case 'take': {
        const { known, now, lease, owner, mayTakeOver } = asked
        if (known !== undefined && (own.row?.revision ?? 0) > known) return { type: 'newer' }
        const remaining = Math.max(0, (own.lock?.until ?? 0) - now)
        if (own.lock !== undefined && !isHolder && !(remaining === 0 && mayTakeOver))
          return { type: 'held', remaining }
        if (own.lock !== undefined && !isHolder) own.abandoned = true
        own.lock = { owner, number: ++own.last, until: now + lease }
        return { type: 'lock', number: own.last, abandoned: own.abandoned, row: own.row }
      }
      case 'extend':
        if (isHolder && own.lock) own.lock.until = asked.now + asked.lease
        return isHolder
      case 'write': {
        const before = own.row?.revision ?? 0
        if (asked.row.revision > before) {
          own.row = asked.row
          own.abandoned = false
        }
        if (isHolder) own.lock = undefined
        return { row: own.row, before }
      }
      case 'swap':
        if ((own.row?.revision ?? 0) !== asked.seen) return undefined
        own.abandoned = false
        return (own.row = { revision: ++own.last, text: asked.text })
      case 'free':
        if (isHolder) {
          own.lock = undefined
          own.abandoned ||= asked.abandoned
        }
        return undefined
      default:
        throw new Error(step)
    }
  }
  const redeem = (name: string, { refreshToken = '' }: Asked): unknown => {
    const { presented } = account(name)
    const isSpent = presented.includes(refreshToken)
    presented.push(refreshToken)
    return isSpent ? { status: 400 } : { status: 200, token: String(presented.length) }
  }
  const server = createServer((request, response) => {
    const respond = async (): Promise<void> => {
      const [, kind = '', step = ''] = request.url?.split('/') ?? []
      if (kind === 'held') return void response.end(await gate.holding(1).then(() => 'yes'))
      const asked = JSON.parse(await text(request)) as Asked
      const here = kind === 'table' ? step : kind
      const isHeld = held?.step === here ? held.when : undefined
      if (isHeld !== undefined) held = undefined
      if (isHeld === 'request') await gate.pass()
      if (lib.failing.has(here)) return void response.writeHead(500).end()
      const result = kind === 'table' ? carryOut(step, asked) : redeem(step, asked)
      if (isHeld === 'response') await gate.pass()
      response.end(JSON.stringify({ result }))
    }
    respond().catch(() => response.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : 0
  const lib: LeaseServer = {
    origin: `http://127.0.0.1:${port}`,
    hold: (step, when) => {
      held = { step, when }
      gate.hold(1)
    },
    release: () => gate.release(),
    get held() {
      return gate.holding(1)
    },
    failing: new Set(),
    account,
    close: async () => {
      gate.turnAway()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return lib
}
