import { afterAll, beforeAll, describe, type TestContext, test } from 'vitest'
import { has } from '../support/binaries.ts'
import { hasPostgres } from '../support/postgres-server.ts'
import { startTokenEndpoint } from './outage-endpoint.ts'
import { type OutageProcess, startOutageMember, startOutageProcess } from './outage-members.ts'
import { openAs } from './outage-opening.ts'
import { filesSite, postgresSite, redisSite, type Site, type Statement } from './outage-sites.ts'
import { hanging, newAccounts, outage, seed, type World } from './outage.ts'

const hasRedis = await has('redis-server', 'redis-server')
// A file system of its own takes root. CI has to run it.
const hasMounts = process.getuid?.() === 0 || process.env['CI'] !== undefined
if (!hasMounts)
  console.warn('NOT RUN: file systems that are full, read-only or emptied in mid-refresh. They take root.')

type Ends = Pick<TestContext, 'onTestFinished'>

/** ms: such as a busy machine keeps. */
const LEASE = 6_000

/** One that redeems, and another: they have a part in each test. */
let processes: readonly OutageProcess[]
beforeAll(async () => {
  processes = await Promise.all([startOutageProcess(), startOutageProcess()])
}, 180_000)
afterAll(async () => {
  await Promise.all(processes.map((one) => one.kill()))
})

/** An endpoint of a test's own: several hold their responses back at once. */
async function newWorld({ onTestFinished }: Ends): Promise<World> {
  const endpoint = await startTokenEndpoint()
  onTestFinished(() => endpoint.close())
  return { endpoint }
}

async function opened(make: () => Promise<Site>, { onTestFinished }: Ends): Promise<Site> {
  const site = await make()
  onTestFinished(() => site.close())
  return site
}

const sites: readonly [isThere: boolean, name: string, make: () => Promise<Site>][] = [
  [hasPostgres, 'PostgreSQL, stopped, by a pool of one', () => postgresSite('pg', 1)],
  [hasPostgres, 'PostgreSQL, stopped, by postgres.js', () => postgresSite('postgres.js', 5)],
  [hasRedis, 'Redis, stopped, by ioredis', () => redisSite('ioredis', 'stopped')],
  [hasRedis, 'Redis, out of memory, by node-redis', () => redisSite('node-redis', 'out of memory')],
  [hasRedis, 'Redis, restarted empty, by node-redis', () => redisSite('node-redis', 'restarted empty')],
  [hasMounts, 'files, full', () => filesSite('full')],
  [hasMounts, 'files, read-only', () => filesSite('read-only')],
  [hasMounts, 'files, emptied', () => filesSite('emptied')],
]

// Each waits for leases, and for clients that connect again.
describe.concurrent.each(sites)('%s: %s', (isThere, _, make) => {
  test.skipIf(!isThere)(
    '[S9, K13, K17] given a store that is down for all processes from just after redemptions, when it returns, then every received token is stored, flush() has waited for it, and no token was redeemed twice',
    async ({ expect, onTestFinished }) => {
      const site = await opened(make, { onTestFinished })
      const world = await newWorld({ onTestFinished })
      const outcome = await outage(world, site, { accounts: 4, others: 1, lease: LEASE, processes })
      expect(outcome).toMatchObject({ lost: 0, repeated: 0 })
      expect([outcome.loginTook, outcome.logoutTook]).not.toContain(Infinity)
      // Its own callers; whether the others are served meanwhile, or later, depends on when they look.
      expect(outcome.told['served']).toBeGreaterThanOrEqual(4)
    },
    180_000,
  )
})

const hangs: readonly [isThere: boolean, name: string, make: () => Promise<Site>][] = [
  [hasPostgres, 'PostgreSQL, by a pool of one', () => postgresSite('pg', 1)],
  [hasRedis, 'Redis, by ioredis', () => redisSite('ioredis', 'stopped')],
]
const statements: readonly [Statement, 'request' | 'response'][] = [
  ['take', 'response'],
  ['extend', 'request'],
  ['write', 'response'],
  ['free', 'request'],
]

describe.concurrent.each(hangs)('%s: %s', (isThere, _, make) => {
  test.skipIf(!isThere)(
    '[S9, K13] given a holder’s statement that hangs, when other processes want the account, then each refresh token is redeemed once, and each received token is stored',
    async ({ expect, onTestFinished }) => {
      const site = await opened(make, { onTestFinished })
      const hang = async ([statement, lost]: (typeof statements)[number]): Promise<void> => {
        const world = await newWorld({ onTestFinished })
        const outcome = await hanging(world, site, {
          statement,
          lost,
          accounts: 2,
          others: 1,
          lease: LEASE,
          processes,
        })
        expect([statement, outcome]).toEqual([
          statement,
          expect.objectContaining({ lost: 0, repeated: 0, sprung: true }),
        ])
      }
      await Promise.all(statements.map(hang))
    },
    180_000,
  )
})

test.skipIf(!hasPostgres)(
  '[S11] given 60 accounts of one process over a PostgreSQL pool of two, when all expire at once, then all callers get tokens',
  async ({ expect, onTestFinished }) => {
    const site = await opened(() => postgresSite('pg', 2, false), { onTestFinished })
    const opening = { ...site.opening, lease: LEASE }
    const { store, close } = await openAs(opening)
    onTestFinished(close)
    const { endpoint } = await newWorld({ onTestFinished })
    // The trial `masses` has 10,000.
    const accounts = newAccounts(60)
    await seed(store, accounts)
    const member = await startOutageMember({ endpoint: endpoint.url, opening }, processes[0])
    onTestFinished(() => member.kill())
    const before = endpoint.arrivals.length
    const { outcomes } = await member.tell({ do: 'want', keys: accounts })
    expect([outcomes, endpoint.arrivals.length - before]).toEqual([{ served: 60 }, 60])
  },
  180_000,
)
