// One process of an MCP storm: callers, each with a connection of its own, that share one login with all other processes.
import { setTimeout as sleep } from 'node:timers/promises'
import { createCredential, refreshingFetch } from 'llm-refresh'
import { mcp } from 'llm-refresh/sources/mcp'
import { openStore, type StorePlace } from '../../bench/stores-place.ts'
import { type Authentication, type Caller, type CallerName, callers, type Connect } from './mcp-callers.ts'
import { ownLogin, type RegisteredClient } from './mcp-own-login.ts'

/** What a member is started with. */
export interface Orders {
  readonly client: CallerName
  readonly callers: number
  readonly url: string
  readonly registered: RegisteredClient
  /** Where the client's `packages` are installed; empty where it needs none. */
  readonly folder: string
  /** What the tool says. */
  readonly answer: string
  /** Where llm-refresh keeps the login; or the file in which the client's own `authProvider` does. */
  readonly login: StorePlace | { readonly kind: 'authProvider'; readonly at: string }
}

export type Order =
  /** Each caller calls once, all at once. */
  | { readonly do: 'round' }
  /** Each caller calls again and again for this time, in ms, with a pause after each call. */
  | { readonly do: 'run'; readonly ms: number; readonly pause: number }

export interface Told {
  readonly served: number
  readonly failed: number
  /** Callers that had no call fail. */
  readonly spared: number
  /** The first error. */
  readonly error: string | undefined
}

const orders = JSON.parse(process.argv[2] ?? '') as Orders
const { client, url, registered, login } = orders
const authentication: Authentication =
  login.kind === 'authProvider'
    ? { authProvider: ownLogin(login.at, registered) }
    : { fetch: await sharedFetch(login) }
const connect: Connect = await callers[client](orders.folder)
/** Each connects with its first call, and again where that failed. */
const connections: (Promise<Caller> | undefined)[] = Array.from({ length: orders.callers }, () => undefined)

async function sharedFetch(place: StorePlace): Promise<typeof fetch> {
  const { store } = await openStore(place)
  const { clientId, clientSecret } = registered
  const credential = createCredential({
    source: mcp(url, { clientId, clientSecret, store }),
    store,
    key: url,
  })
  return refreshingFetch(credential, { origins: new URL(url).origin })
}

async function obey(order: Order): Promise<Told> {
  let [served, failed, error] = [0, 0, undefined as string | undefined]
  const once = async (at: number): Promise<boolean> => {
    const connecting = (connections[at] ??= connect(url, authentication))
    try {
      const { call } = await connecting.catch((reason: unknown) => {
        connections[at] = undefined
        throw reason
      })
      const said = await call()
      // Some clients return an error as a result.
      if (!said.includes(orders.answer)) throw new Error(said)
      served++
      return true
    } catch (reason) {
      failed++
      error ??= String(reason)
      return false
    }
  }
  const again = async (_: unknown, at: number): Promise<boolean> => {
    let isSpared = true
    const end = Date.now() + (order.do === 'run' ? order.ms : 0)
    do {
      isSpared = (await once(at)) && isSpared
      if (order.do === 'run') await sleep(order.pause)
    } while (Date.now() < end)
    return isSpared
  }
  const all = await Promise.all(connections.map(again))
  return { served, failed, spared: all.filter(Boolean).length, error }
}

process.on('disconnect', () => process.exit())
process.on('message', (order: Order) => void obey(order).then((told) => process.send?.(told)))
process.send?.('ready')
