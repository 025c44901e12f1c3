import { startOutageMember } from '../../test/fleet/outage-members.ts'
import { openAs, type Opening } from '../../test/fleet/outage-opening.ts'
import { withinMs } from '../../test/fleet/outage-settling.ts'
import { postgresSite, redisSite } from '../../test/fleet/outage-sites.ts'
import { newAccounts, seed, type World } from '../../test/fleet/outage.ts'
import { type Battery, counts, type Figure, seconds, setting, withWorld } from './trial.ts'

/** Many accounts of one process expire at once. The variable `ACCOUNTS` says how many. */
export const masses: Battery = (tell) =>
  withWorld(async (world) => {
    const [redis, postgres, two] = await Promise.all([
      redisSite('ioredis', 'stopped'),
      postgresSite('pg', 5),
      postgresSite('pg', 2, false),
    ])
    try {
      tell(await mass(world, { kind: 'files', path: `${world.folder}/masses` }, 120))
      tell(await mass(world, redis.opening, 60))
      tell(await mass(world, postgres.opening, 60))
      // No more accounts than a pool of two connections serves within the store's timeout.
      tell(await mass(world, two.opening, 60, 500))
    } finally {
      await Promise.all([redis.close(), postgres.close(), two.close()])
    }
  })

async function mass(
  { endpoint }: World,
  opening: Opening,
  limit: number,
  count = setting('ACCOUNTS', 10_000),
): Promise<Figure> {
  const accounts = newAccounts(count)
  const aside = await openAs(opening)
  const member = await startOutageMember({ endpoint: endpoint.url, opening })
  try {
    await seed(aside.store, accounts, 64)
    endpoint.delay = 50
    const before = endpoint.arrivals.length
    const told = await withinMs(member.tell({ do: 'want', keys: accounts }), limit * 5_000)
    const { outcomes = {}, took = Infinity, memory = 0 } = told ?? {}
    const served = outcomes['served'] ?? 0
    return {
      what: `${opening.kind}: ${accounts.length} accounts expire at once, an endpoint of 50 ms`,
      figure: `${counts(outcomes)}; ${seconds(took)}; ${endpoint.arrivals.length - before} token requests; ${memory.toFixed(0)} MiB at most`,
      limit: `all, ${limit} s`,
      isMet: served === accounts.length && took <= limit * 1_000,
    }
  } finally {
    await member.kill()
    await aside.close()
  }
}
