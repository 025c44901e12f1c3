// What one process does in one fleet: callers that share a credential with all other processes, by a store.
import {
  type AccessToken,
  type Credential,
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

/** What a process is to do: each is answered by a line, when it is done. */
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

/** What a process takes part with. */
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

export class Part {
  readonly #callers: number
  readonly #token: Credential
  readonly #call: () => Promise<boolean>
  readonly #observed: Observed
  readonly #ends: readonly (() => Promise<unknown>)[]
  readonly #watchers = new Set<(event: RefreshEvent) => void>()
  #failures: string[] = []

  private constructor(
    { issuer, clientId, clientSecret, api, callers, keys, deadline, cooldown }: Orders,
    observed: Observed,
    opened: Awaited<ReturnType<typeof open>>,
    ends: readonly (() => Promise<unknown>)[],
  ) {
    this.#callers = callers
    this.#observed = observed
    this.#ends = [opened.close, ...ends]
    this.#token = createCredential({
      source: oauth({ issuer, clientId, clientSecret }),
      store: keys ? sealedStore(opened.store, keys) : opened.store,
      ...(deadline === undefined ? {} : { deadline }),
      ...(cooldown === undefined ? {} : { cooldown }),
      onEvent: (event) => {
        if ('error' in event) this.#failures.push(`${event.type} ${event.error.code}`)
        for (const look of this.#watchers) look(event)
      },
    })
    const fetch = refreshingFetch(this.#token, { origins: api })
    this.#call = async () => {
      const response = await fetch(api)
      await response.body?.cancel()
      return response.ok
    }
  }

  static async join(orders: Orders): Promise<Part> {
    const relays = await Promise.all((orders.ways ?? []).map(([from, to]) => startRelay(from, to)))
    const observed = new Observed()
    const opened = await open(orders.place, {
      ...orders,
      through: (backend) => observed.through(backend),
      onStep: (step) => observed.step(step),
    })
    return new Part(
      orders,
      observed,
      opened,
      relays.map((relay) => () => relay.close()),
    )
  }

  async obey(order: Order): Promise<Told> {
    const served = await this.#do(order)
    const failures = this.#failures
    this.#failures = []
    return { served, failures, abandoned: this.#observed.takeAbandoned(), status: this.#token.status() }
  }

  /** Ends its connections: the process goes on in other fleets. */
  async leave(): Promise<void> {
    this.#observed.letOn()
    await Promise.all(this.#ends.map((end) => end()))
  }

  async #do(order: Order): Promise<number> {
    switch (order.do) {
      case 'round': {
        const served = await Promise.all(Array.from({ length: this.#callers }, this.#call))
        return served.filter(Boolean).length
      }
      case 'fail':
        this.#observed.failing++
        return 0
      case 'login':
        await this.#token.login(order.token)
        return 0
      case 'logout':
        await this.#token.logout()
        return 0
      case 'stop':
        await this.#observed.stopAt(order.at)
        return 0
      case 'let on':
        this.#observed.letOn()
        return 0
      case 'watch':
        await this.#happened(order.for)
        return 0
      default:
        return order satisfies never
    }
  }

  #happened(type: RefreshEvent['type']): Promise<void> {
    return new Promise((resolve) => {
      const look = (event: RefreshEvent): void => {
        if (event.type !== type) return
        this.#watchers.delete(look)
        resolve()
      }
      this.#watchers.add(look)
    })
  }
}
