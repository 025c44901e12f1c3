// One process of an MCP storm. Each of its callers has its own connection. All processes share one login.
import { setTimeout as sleep } from 'node:timers/promises'
import { createCredential, refreshingFetch } from 'llm-refresh'
import { mcp } from 'llm-refresh/sources/mcp'
import { openStore, type StorePlace } from '../../bench/stores-place.ts'
import { type Authentication, type Caller, type CallerName, callers, type Connect } from './mcp-callers.ts'
import { ownLogin, type RegisteredClient } from './mcp-own-login.ts'

/** The arguments of a member process. */
export interface Orders {
  readonly client: CallerName
  readonly callers: number
  readonly url: string
  readonly registered: RegisteredClient
  /** The folder in which the client's `packages` are installed; empty if it needs none. */
  readonly folder: string
  /** The text that the tool returns. */
  readonly answer: string
  /** The store of llm-refresh that holds the login, or the file of the client's own `authProvider`. */
  readonly login: StorePlace | { readonly kind: 'authProvider'; readonly at: string }
}

export type Order =
  /** All callers call once, at the same time. */
  | { readonly do: 'round' }
  /** Each caller calls repeatedly for `ms`, with a pause after each call. */
  | { readonly do: 'run'; readonly ms: number; readonly pause: number }

export interface Told {
  readonly served: number
  readonly failed: number
  /** Callers without a failed call. */
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
/** The connection of each caller. A caller connects at its first call, and again after a connection that failed. */
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
