// One process of a fleet: callers that share a credential with all other processes, by a store.
import { createInterface } from 'node:readline'
import type { Backend, Lock } from '../../src/credentials/lock.ts'
import { oauth } from '../../src/credentials/sources/oauth.ts'
import { sealed, type SealingKey } from '../../src/credentials/stores/sealed.ts'
import { type AccessToken, credential, refreshingFetch, RefreshError } from '../../src/index.ts'
import { open, type Place } from './place.ts'

/** What a member is to do: each is answered by a line. */
export type Order =
  /** All its callers call at once. */
  | { readonly do: 'round' }
  /** Its next write fails. */
  | { readonly do: 'fail' }
  | { readonly do: 'login'; readonly token: AccessToken }
  | { readonly do: 'logout' }

export interface Told {
  readonly served: number
  /** What went wrong since it was last asked. */
  readonly failures: readonly string[]
}

const { place, issuer, clientId, clientSecret, api, callers, keys } = JSON.parse(process.argv[2] ?? '') as {
  place: Place
  issuer: string
  clientId: string
  clientSecret: string
  api: string
  callers: number
  /** Those that seal the store; undefined: it is not sealed. */
  keys?: SealingKey[]
}

let failing = 0
let failures: string[] = []

function failingOnce(backend: Backend): Backend {
  const flaky = (lock: Lock): Lock => ({
    current: lock.current,
    abandoned: lock.abandoned,
    renew: () => lock.renew(),
    release: () => lock.release(),
    write: async (token) => {
      if (failing === 0) return lock.write(token)
      failing--
      throw new Error('the disk is full')
    },
  })
  return {
    read: (key) => backend.read(key),
    watch: (key, wake) => backend.watch(key, wake),
    explain: () => new RefreshError('store_failed', 'the disk is full'),
    contend: (key, known) => {
      const contender = backend.contend(key, known)
      return {
        tryLock: async () => {
          const got = await contender.tryLock()
          return typeof got === 'object' ? flaky(got) : got
        },
      }
    },
  }
}

const { store: opened } = await open(place, { through: failingOnce })
const token = credential({
  source: oauth({ issuer, clientId, clientSecret }),
  store: keys ? sealed(opened, keys) : opened,
  onEvent: (event) => 'error' in event && failures.push(`${event.type} ${event.error.code}`),
})
const fetch = refreshingFetch(token, { origins: api })

async function call(): Promise<boolean> {
  const response = await fetch(api)
  await response.body?.cancel()
  return response.ok
}

async function obey(order: Order): Promise<number> {
  switch (order.do) {
    case 'round': {
      const served = await Promise.all(Array.from({ length: callers }, call))
      return served.filter(Boolean).length
    }
    case 'fail':
      failing++
      return 0
    case 'login':
      await token.login(order.token)
      return 0
    case 'logout':
      await token.logout()
      return 0
    default:
      return order satisfies never
  }
}

for await (const line of createInterface(process.stdin)) {
  const served = await obey(JSON.parse(line) as Order)
  const told: Told = { served, failures }
  failures = []
  process.stdout.write(`${JSON.stringify(told)}\n`)
}
process.exit()
