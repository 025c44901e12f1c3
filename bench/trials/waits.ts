import { setTimeout as sleep } from 'node:timers/promises'
import { type OutageMember, startOutageMember } from '../../test/fleet/outage-members.ts'
import { openAs, type Opening } from '../../test/fleet/outage-opening.ts'
import { settling, withinMs } from '../../test/fleet/outage-settling.ts'
import { postgresSite, redisSite, type Site } from '../../test/fleet/outage-sites.ts'
import { newAccounts, seed, type World } from '../../test/fleet/outage.ts'
import { type Battery, counts, type Figure, list, seconds, withWorld } from './trial.ts'

/** The token endpoint responds slowly. The variable `SECONDS` lists the delays. */
export const slow: Battery = (tell) =>
  withWorld(async (world) => {
    const [redis, postgres] = await Promise.all([redisSite('ioredis', 'stopped'), postgresSite('pg', 5)])
    try {
      const openings: Opening[] = [
        { kind: 'memory' },
        { kind: 'files', path: `${world.folder}/slow` },
        redis.opening,
        postgres.opening,
      ]
      for (const s of list('SECONDS', [11, 28, 100])) {
        world.endpoint.delay = s * 1_000
        for (const figure of await Promise.all(openings.map((opening) => slowly(world, opening, s))))
          tell(figure)
      }
    } finally {
      await Promise.all([redis.close(), postgres.close()])
    }
  })

async function slowly(world: World, opening: Opening, s: number): Promise<Figure> {
  const { endpoint } = world
  const [key = '', forLogin = '', forLogout = ''] = newAccounts(3)
  const isShared = opening.kind !== 'memory'
  const aside = await openAs(opening)
  const start = (): Promise<OutageMember> => startOutageMember({ endpoint: endpoint.url, opening })
  const members = await Promise.all(Array.from({ length: isShared ? 3 : 1 }, start))
  try {
    const [first] = members
    if (first === undefined) throw new Error('no member')
    if (isShared) await seed(aside.store, [key, forLogin, forLogout])
    else await expiring(first, key)
    const asked = members.map((member) => member.tell({ do: 'insist', keys: [key], pause: 250 }))
    // These two accounts are in a refresh, too, when one gets a login and the other a logout.
    if (isShared) void first.tell({ do: 'want', keys: [forLogin, forLogout] })
    await sleep(3_000)
    const settled = isShared ? await settling(aside.store, forLogin, forLogout) : undefined
    const told = await Promise.all(asked.map((one) => withinMs(one, (s + 60) * 1_000)))
    const after = told.map((one) => one?.took ?? Infinity)
    const last = Math.max(...after)
    const { presented, isRevoked } = endpoint.family(key)
    const stored = isShared ? (await aside.store.read(key))?.token?.refreshToken : endpoint.inForce(key)
    const isKept = !isRevoked && stored === endpoint.inForce(key)
    const took = Math.max(settled?.loginTook ?? 0, settled?.logoutTook ?? 0)
    return {
      what: `${opening.kind}: the endpoint responds after ${s} s, ${members.length} process${isShared ? 'es' : ''}`,
      figure: `${presented} redemption; login ${isKept ? 'kept' : 'lost'}; all served after ${seconds(last)}${isShared ? `; login and logout ${seconds(took)}` : ''}; ${told.map((one) => counts(one?.outcomes ?? {})).join(' | ')}`,
      limit: `1, kept, ${s + 5} s, 1 s`,
      isMet: presented === 1 && isKept && last < (s + 5) * 1_000 && took <= 1_000,
    }
  } finally {
    await Promise.all(members.map((member) => member.kill()))
    await aside.close()
  }
}

/** Makes a login, and waits until its token has expired. The library takes a token that is already expired at its login for valid. */
async function expiring(member: OutageMember, key: string): Promise<void> {
  await member.tell({ do: 'login', key, refreshToken: `${key}.0`, expiresAt: Date.now() + 1_000 })
  await sleep(1_500)
}

interface Freeze {
  readonly opening: Opening
  readonly s: number
  readonly others: number
  /** The lease ends before the process goes on, so another process takes over. */
  readonly isBeyond?: boolean
}

/** A process is stopped (SIGSTOP) during its refresh. The variable `SECONDS` lists for how long. */
export const frozen: Battery = (tell) =>
  withWorld(async (world) => {
    const sites: Site[] = await Promise.all([redisSite('ioredis', 'stopped'), postgresSite('pg', 5)])
    try {
      const files: Opening = { kind: 'files', path: `${world.folder}/frozen` }
      for (const s of list('SECONDS', [12, 60])) {
        const cases: Freeze[] = [
          { opening: { kind: 'memory' }, s, others: 0 },
          { opening: files, s, others: 0 },
          { opening: files, s, others: 3 },
          ...sites.flatMap(({ opening }): Freeze[] => [
            { opening, s, others: 0 },
            { opening: { ...opening, lease: s * 1_500 }, s, others: 3 },
            { opening, s, others: 3, isBeyond: true },
          ]),
        ]
        for (const figure of await Promise.all(cases.map((one) => freeze(world, one)))) tell(figure)
      }
    } finally {
      await Promise.all(sites.map((site) => site.close()))
    }
  })

async function freeze(
  { endpoint }: World,
  { opening, s, others, isBeyond = false }: Freeze,
): Promise<Figure> {
  const [key = '', forLogin = '', forLogout = ''] = newAccounts(3)
  const isShared = opening.kind !== 'memory'
  const aside = await openAs(opening)
  const start = (): Promise<OutageMember> => startOutageMember({ endpoint: endpoint.url, opening })
  const members = await Promise.all(Array.from({ length: others + 1 }, start))
  try {
    const [first, ...rest] = members
    if (first === undefined) throw new Error('no member')
    if (isShared) await seed(aside.store, [key, forLogin, forLogout])
    else await expiring(first, key)
    endpoint.delay = 2_000
    const asked = [first.tell({ do: 'want', keys: [key] })]
    if (isShared) void first.tell({ do: 'want', keys: [forLogin, forLogout] })
    while (endpoint.family(key).presented === 0) await sleep(20)
    await sleep(500)
    process.kill(first.pid, 'SIGSTOP')
    asked.push(...rest.map((member) => member.tell({ do: 'insist', keys: [key], pause: 250 })))
    await sleep(1_000)
    const settled = isShared ? await settling(aside.store, forLogin, forLogout) : undefined
    await sleep(s * 1_000 - 1_000)
    process.kill(first.pid, 'SIGCONT')
    const woken = performance.now()
    const told = await Promise.all(asked.map((one) => withinMs(one, 60_000)))
    const after = performance.now() - woken
    const { presented, isRevoked } = endpoint.family(key)
    const stored = isShared ? (await aside.store.read(key))?.token?.refreshToken : endpoint.inForce(key)
    const isKept = !isRevoked && stored === endpoint.inForce(key)
    const took = Math.max(settled?.loginTook ?? 0, settled?.logoutTook ?? 0)
    const named = told
      .flatMap((one) => Object.values(one?.messages ?? {}))
      .find((text) => /may have been spent/u.test(text))
    const lease = opening.lease === undefined ? '' : `, a lease of ${seconds(opening.lease)}`
    return {
      what: `${opening.kind}${lease}: stopped for ${s} s, ${others} others ask${isBeyond ? ', beyond the lease' : ''}`,
      figure: `${presented} presented; login ${isKept ? 'kept' : 'lost'}; told ${seconds(after)} after it went on; ${isShared ? `login and logout ${seconds(took)}; ` : ''}${told.map((one) => counts(one?.outcomes ?? { 'not told': 1 })).join(' | ')}${named === undefined ? '' : `; “${named}”`}`,
      limit: isBeyond ? "S4's named failure" : '1, kept, 5 s, 1 s',
      isMet:
        (isBeyond ? presented <= 2 && named !== undefined : presented === 1 && isKept && after < 5_000) &&
        took <= 1_000,
    }
  } finally {
    for (const { pid } of members) process.kill(pid, 'SIGCONT')
    await Promise.all(members.map((member) => member.kill()))
    await aside.close()
  }
}
