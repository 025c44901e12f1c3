import { setTimeout as sleep } from 'node:timers/promises'
import type { Store } from '../../src/index.ts'
import type { TokenEndpoint } from './outage-endpoint.ts'
import type { MemberTold } from './outage-member.ts'
import { type OutageMember, type OutageProcess, startOutageMember } from './outage-members.ts'
import { openAs, type Opening } from './outage-opening.ts'
import { settling, stored, withinMs } from './outage-settling.ts'
import type { Site, Statement } from './outage-sites.ts'

/** What came of accounts whose store was away. */
export interface Outcome {
  readonly name: string
  readonly accounts: number
  /** Logins that are dead, or whose received token is not in the store. */
  readonly lost: number
  /** Refresh tokens that were presented beyond one for each account. */
  readonly repeated: number
  /** ms, from the store's return until every received token was stored; of a statement that hung: from its redemption */
  readonly storedAfter: number
  /** ms; undefined: it was not measured */
  readonly loginTook: number | undefined
  readonly logoutTook: number | undefined
  /** What the other processes were told meanwhile. */
  readonly told: Readonly<Record<string, number>>
}

export interface World {
  readonly endpoint: TokenEndpoint
}

let made = 0

/** Names of accounts that nobody else uses. */
export function newAccounts(count: number): string[] {
  const set = (made += 1)
  return Array.from({ length: count }, (_, n) => `account-${set}-${n}`)
}

/** Logins whose access tokens have expired, so that the next call redeems. */
export async function seed(store: Store, accounts: readonly string[], atOnce = 16): Promise<void> {
  const left = accounts.values()
  const some = async (): Promise<void> => {
    for (const account of left) {
      const expiresAt = Date.now() - 60_000
      const token = { accessToken: `access-${account}-0`, refreshToken: `${account}.0`, expiresAt }
      await store.replace(account, () => ({ token, session: 1 }))
    }
  }
  await Promise.all(Array.from({ length: atOnce }, some))
}

/**
 * The store is away for everyone, from just after all these accounts were redeemed by one process, while others want them.
 *
 * @param processes those that take part: the first one redeems; default: such of its own
 * @param ms how long; undefined: until the process that redeemed them has served all its callers without the store
 */
export async function outage(
  { endpoint }: World,
  site: Site,
  {
    ms,
    accounts: count,
    others = 4,
    lease,
    processes = [],
  }: {
    ms?: number
    accounts: number
    others?: number
    /** ms */
    lease?: number
    processes?: readonly OutageProcess[]
  },
): Promise<Outcome> {
  const accounts = newAccounts(count)
  const [forLogin = '', forLogout = ''] = accounts
  const aside = await openAs(site.opening)
  let fresh = aside
  const members: OutageMember[] = []
  try {
    await seed(aside.store, accounts)
    const orders = {
      endpoint: endpoint.url,
      opening: { ...site.opening, lease, maxLocks: Math.max(64, count) },
    }
    members.push(
      ...(await Promise.all(
        Array.from({ length: others + 1 }, (_, n) => startOutageMember(orders, processes[n])),
      )),
    )
    const [holder, ...rest] = members
    if (holder === undefined) throw new Error('no members')
    // They know the records before these vanish.
    const known = Promise.all(accounts.map((account) => aside.store.read(account)))
    endpoint.isHolding = true
    const served = [holder.tell({ do: 'want', keys: accounts })]
    if (
      (await withinMs(
        endpoint.holding(count).then(() => true),
        30_000,
      )) === undefined
    )
      throw new Error(`${site.name}: ${count} accounts were not redeemed at once.`)
    await known
    served.push(...rest.map((member) => member.tell({ do: 'insist', keys: accounts, pause: 250 })))
    // All of them have asked for their locks by then.
    if (ms !== undefined) await sleep(400)
    await site.begin()
    endpoint.letOn()
    await (ms === undefined ? served[0] : sleep(ms))
    const flushed = holder.tell({ do: 'flush', timeout: 60_000 })
    await site.end()
    const returned = performance.now()
    // A client that has not waited for the server: what it sees is not late by its own pauses.
    fresh = await openAs(site.opening)
    const settled = settling(fresh.store, forLogin, forLogout)
    const kept = accounts.filter((account) => account !== forLogin && account !== forLogout)
    const missing = await stored(fresh.store, endpoint, kept, 30_000)
    const storedAfter = performance.now() - returned
    const { loginTook, logoutTook } = await settled
    await flushed
    const told: Record<string, number> = {}
    const outcomes = await Promise.all(served.map((one) => withinMs(one, 60_000)))
    for (const one of outcomes)
      for (const [code, times] of Object.entries(one?.outcomes ?? { 'not served': 1 }))
        told[code] = (told[code] ?? 0) + times
    const families = kept.map((account) => endpoint.family(account))
    const dead = families.filter(({ isRevoked }) => isRevoked).length
    return {
      name: `${site.name}, ${(ms ?? 0) / 1_000} s`,
      accounts: count,
      lost: Math.max(dead, missing),
      repeated: families.reduce((sum, { presented }) => sum + presented - 1, 0),
      storedAfter,
      loginTook,
      logoutTook,
      told,
    }
  } finally {
    endpoint.letOn()
    await Promise.all(members.map((member) => member.kill()))
    await aside.close()
    if (fresh !== aside) await fresh.close()
  }
}

/** One statement of a process hangs, while it refreshes these accounts and others want them. */
export async function hanging(
  { endpoint }: World,
  site: Site,
  {
    statement,
    lost,
    accounts: count,
    others = 2,
    lease,
    processes = [],
  }: {
    statement: Statement
    lost: 'request' | 'response'
    accounts: number
    others?: number
    /** ms */
    lease?: number
    processes?: readonly OutageProcess[]
  },
): Promise<Outcome & { readonly sprung: boolean }> {
  const accounts = newAccounts(count + 3)
  const [forLogin = '', forLogout = '', forHolder = ''] = accounts
  const kept = accounts.slice(3)
  if (site.relayed === undefined || site.statements === undefined) throw new Error('It has no statements.')
  const { relay, opening } = await site.relayed()
  const aside = await openAs(site.opening)
  const members: OutageMember[] = []
  try {
    await seed(aside.store, accounts)
    const start = (n: number, by: Opening, url = endpoint.url): Promise<OutageMember> =>
      startOutageMember({ endpoint: url, opening: { ...by, lease } }, processes[n])
    // Only a process that could not reach the endpoint gives its lock back without a write.
    const holder = await start(0, opening, statement === 'free' ? 'http://127.0.0.1:1/token' : endpoint.url)
    members.push(holder)
    members.push(...(await Promise.all(Array.from({ length: others }, (_, n) => start(n + 1, site.opening)))))
    let sprung = false
    const trap = relay.hangAt(site.statements[statement], lost).then(() => (sprung = true))
    endpoint.isHolding = true
    const began = performance.now()
    const served: Promise<MemberTold>[] = []
    if (statement === 'swap') {
      const expiresAt = Date.now() + 9_000_000
      served.push(holder.tell({ do: 'login', key: forHolder, refreshToken: `${forHolder}.0`, expiresAt }))
    }
    served.push(
      statement === 'free'
        ? holder.tell({ do: 'want', keys: kept })
        : holder.tell({ do: 'insist', keys: kept, pause: 250 }),
    )
    const rest = members.slice(1)
    if (['read', 'take', 'free'].includes(statement)) await withinMs(trap, 5_000)
    else await withinMs(endpoint.holding(count), 10_000)
    served.push(...rest.map((member) => member.tell({ do: 'insist', keys: kept, pause: 250 })))
    // Renewals come meanwhile, each fifth of a lease.
    if (statement === 'extend') await withinMs(trap, 5_000)
    const settled = settling(aside.store, forLogin, forLogout)
    endpoint.letOn()
    const missing = await stored(aside.store, endpoint, kept, 30_000)
    const storedAfter = performance.now() - began
    const { loginTook, logoutTook } = await settled
    const told: Record<string, number> = {}
    for (const one of await Promise.all(served.map((each) => withinMs(each, 60_000))))
      for (const [code, times] of Object.entries(one?.outcomes ?? { 'not served': 1 }))
        told[code] = (told[code] ?? 0) + times
    const families = kept.map((account) => endpoint.family(account))
    return {
      name: `${site.name}, ${statement}: the ${lost} hangs`,
      accounts: count,
      lost: Math.max(families.filter(({ isRevoked }) => isRevoked).length, missing),
      repeated: families.reduce((sum, { presented }) => sum + presented - 1, 0),
      storedAfter,
      loginTook,
      logoutTook,
      told,
      sprung,
    }
  } finally {
    endpoint.letOn()
    await Promise.all(members.map((member) => member.kill()))
    await aside.close()
    await relay.close()
  }
}
