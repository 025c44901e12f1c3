// One process of a fleet: callers that share a credential with all other processes, by a store.
import { createInterface } from 'node:readline'
import {
  type AccessToken,
  createCredential,
  type CredentialStatus,
  refreshingFetch,
  type RefreshEvent,
} from '../../src/index.ts'
import { oauth } from '../../src/sources/oauth/index.ts'
import { sealedStore, type SealingKey } from '../../src/stores/sealed/index.ts'
import { type Listening, startRelay } from '../support/relay.ts'
import { Observed } from './observed.ts'
import { open, type Place } from './place.ts'

/** What a member is to do: each is answered by a line, when it is done. */
export type Order =
  /** All its callers call at once. */
  | { readonly do: 'round' }
  /** Its next write fails. */
  | { readonly do: 'fail' }
  | { readonly do: 'login'; readonly token: AccessToken }
  | { readonly do: 'logout' }
  /** Done when it has come to a step of an update, where it stays until it is let on. */
  | { readonly do: 'stop'; readonly at: string }
  | { readonly do: 'let on' }
  /** Done when something has happened. */
  | { readonly do: 'watch'; readonly for: RefreshEvent['type'] }

export interface Told {
  readonly served: number
  /** What went wrong since it was last asked. */
  readonly failures: readonly string[]
  /** How often it was told, since then, that an earlier holder of the lock had vanished. */
  readonly abandoned: number
  readonly status: CredentialStatus
}

/** What a member is started with. */
export interface Orders {
  readonly place: Place
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
  readonly api: string
  readonly callers: number
  /** What it hands on itself, from its own loopback. */
  readonly ways?: readonly (readonly [from: Listening, to: Listening])[] | undefined
  /** Those that seal the store; undefined: it is not sealed. */
  readonly keys?: SealingKey[] | undefined
  /** ms; of the store */
  readonly lease?: number
  readonly timeout?: number
  /** ms; of the credential */
  readonly deadline?: number
  readonly cooldown?: number
}

const orders = JSON.parse(process.argv[2] ?? '') as Orders
const { place, issuer, clientId, clientSecret, api, callers, ways = [], keys, deadline, cooldown } = orders

await Promise.all(ways.map(([from, to]) => startRelay(from, to)))

let failures: string[] = []
const watchers = new Set<(event: RefreshEvent) => void>()
const observed = new Observed()

const { store: opened } = await open(place, {
  ...orders,
  through: (backend) => observed.through(backend),
  onStep: (step) => observed.step(step),
})
const token = createCredential({
  source: oauth({ issuer, clientId, clientSecret }),
  store: keys ? sealedStore(opened, keys) : opened,
  ...(deadline === undefined ? {} : { deadline }),
  ...(cooldown === undefined ? {} : { cooldown }),
  onEvent: (event) => {
    if ('error' in event) failures.push(`${event.type} ${event.error.code}`)
    for (const look of watchers) look(event)
  },
})
const fetch = refreshingFetch(token, { origins: api })

async function call(): Promise<boolean> {
  const response = await fetch(api)
  await response.body?.cancel()
  return response.ok
}

function happened(type: RefreshEvent['type']): Promise<void> {
  return new Promise((resolve) => {
    const look = (event: RefreshEvent): void => {
      if (event.type !== type) return
      watchers.delete(look)
      resolve()
    }
    watchers.add(look)
  })
}

async function obey(order: Order): Promise<number> {
  switch (order.do) {
    case 'round': {
      const served = await Promise.all(Array.from({ length: callers }, call))
      return served.filter(Boolean).length
    }
    case 'fail':
      observed.failing++
      return 0
    case 'login':
      await token.login(order.token)
      return 0
    case 'logout':
      await token.logout()
      return 0
    case 'stop':
      await observed.stopAt(order.at)
      return 0
    case 'let on':
      observed.letOn()
      return 0
    case 'watch':
      await happened(order.for)
      return 0
    default:
      return order satisfies never
  }
}

async function answer(line: string): Promise<void> {
  const { id, order } = JSON.parse(line) as { id: number; order: Order }
  const served = await obey(order)
  const told: Told = { served, failures, abandoned: observed.takeAbandoned(), status: token.status() }
  failures = []
  process.stdout.write(`${JSON.stringify({ id, told })}\n`)
}

process.stdout.write('ready\n')
for await (const line of createInterface(process.stdin)) void answer(line)
process.exit()
