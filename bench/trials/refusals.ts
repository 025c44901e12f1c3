import { setTimeout as sleep } from 'node:timers/promises'
import { askOnce, startOutageMember } from '../../test/fleet/outage-members.ts'
import { openAs, type Opening } from '../../test/fleet/outage-opening.ts'
import { withinMs } from '../../test/fleet/outage-settling.ts'
import { postgresSite, redisSite } from '../../test/fleet/outage-sites.ts'
import { newAccounts, seed, type World } from '../../test/fleet/outage.ts'
import { type Battery, counts, type Figure, seconds, setting, withWorld } from './trial.ts'

/**
 * Two trials of each store. The token endpoint refuses a refresh token: `SHORT` short-lived processes must not present it again. The token
 * endpoint has an outage of `OUTAGE` s: the processes must send few requests.
 */
export const refusals: Battery = (tell) =>
  withWorld(async (world) => {
    const [redis, postgres] = await Promise.all([redisSite('ioredis', 'stopped'), postgresSite('pg', 5)])
    try {
      const openings: Opening[] = [
        { kind: 'files', path: `${world.folder}/refusals` },
        redis.opening,
        postgres.opening,
      ]
      for (const opening of openings) tell(await dead(world, opening))
      for (const opening of openings) tell(await down(world, opening))
    } finally {
      await Promise.all([redis.close(), postgres.close()])
    }
  })

async function dead({ endpoint }: World, opening: Opening): Promise<Figure> {
  const short = setting('SHORT', 100)
  const [key = ''] = newAccounts(1)
  const aside = await openAs(opening)
  const orders = { endpoint: endpoint.url, opening }
  const members = await Promise.all(Array.from({ length: 5 }, () => startOutageMember(orders)))
  try {
    await seed(aside.store, [key])
    endpoint.delay = 0
    endpoint.family(key).isRevoked = true
    const long = members.map((member) => member.tell({ do: 'calls', key, every: 200, ms: 10_000 }))
    const told: Record<string, number> = {}
    let left = short
    const some = async (): Promise<void> => {
      while (left-- > 0) {
        const { outcomes } = await askOnce(orders, [key])
        for (const [code, times] of Object.entries(outcomes)) told[code] = (told[code] ?? 0) + times
      }
    }
    await Promise.all([some(), some()])
    const longTold = await Promise.all(long)
    const { presented } = endpoint.family(key)
    const isTold = told['reauthentication_required'] === short
    return {
      what: `${opening.kind}: a dead login, 5 long-lived and ${short} short-lived processes`,
      figure: `presented ${presented} times; short-lived: ${counts(told)}; long-lived: ${counts(longTold[0]?.outcomes ?? {})} each`,
      limit: '1',
      isMet: presented === 1 && isTold,
    }
  } finally {
    await Promise.all(members.map((member) => member.kill()))
    await aside.close()
  }
}

async function down({ endpoint }: World, opening: Opening): Promise<Figure> {
  const ms = setting('OUTAGE', 45) * 1_000
  const [key = ''] = newAccounts(1)
  const aside = await openAs(opening)
  const orders = { endpoint: endpoint.url, opening }
  const members = await Promise.all(Array.from({ length: 4 }, () => startOutageMember(orders)))
  try {
    await seed(aside.store, [key])
    endpoint.isDown = true
    const before = endpoint.arrivals.length
    const calls = members.map((member) =>
      withinMs(member.tell({ do: 'calls', key, every: 100, ms: ms + 10_000 }), ms + 60_000),
    )
    await sleep(ms)
    const requests = endpoint.arrivals.length - before
    endpoint.isDown = false
    const end = Date.now()
    const told = await Promise.all(calls)
    const firsts = told.map((one) => (one?.servedAt[0] ?? Infinity) - end)
    const [first, last] = [Math.min(...firsts), Math.max(...firsts)]
    return {
      what: `${opening.kind}: the endpoint is down for ${ms / 1_000} s, four processes with ten calls a second each`,
      figure: `${requests} token requests meanwhile, ${endpoint.arrivals.length - before} in all; first success ${seconds(first)} after its end, in the last process ${seconds(last)}; ${counts(told[0]?.outcomes ?? {})} in one of them`,
      limit: '15, 5.5 s',
      isMet: endpoint.arrivals.length - before <= 15 && first <= 5_500,
    }
  } finally {
    endpoint.isDown = false
    await Promise.all(members.map((member) => member.kill()))
    await aside.close()
  }
}
