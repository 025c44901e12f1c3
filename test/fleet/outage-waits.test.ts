import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { has } from '../support/binaries.ts'
import { temporaryFolder } from '../support/folder.ts'
import { startTokenEndpoint } from './outage-endpoint.ts'
import {
  askOnce,
  type OutageMember,
  type OutageProcess,
  startOutageMember,
  startOutageProcess,
} from './outage-members.ts'
import { openAs, type Opening } from './outage-opening.ts'
import { redisSite } from './outage-sites.ts'
import { newAccounts, seed, type World } from './outage.ts'

const hasRedis = await has('redis-server', 'redis-server')
/** ms */
const DEADLINE = 500

let world: World
/** They have a part in each test. */
let processes: readonly OutageProcess[]
beforeAll(async () => {
  world = { endpoint: await startTokenEndpoint() }
  processes = await Promise.all(Array.from({ length: 3 }, startOutageProcess))
}, 180_000)
afterAll(async () => {
  await Promise.all(processes.map((one) => one.kill()))
  await world.endpoint.close()
})

const openings: readonly [isThere: boolean, name: string, open: () => Promise<Opening>][] = [
  [true, 'files', async () => ({ kind: 'files', path: await temporaryFolder() })],
  [
    hasRedis,
    'Redis',
    async () => {
      const site = await redisSite('ioredis', 'stopped')
      onTestFinished(() => site.close())
      return site.opening
    },
  ],
]

/** An account whose token has expired, and processes that want it. */
async function fleet(
  opening: Opening,
  count: number,
): Promise<{ key: string; members: OutageMember[]; stored: () => Promise<string | undefined> }> {
  const [key = ''] = newAccounts(1)
  const { store, close } = await openAs(opening)
  onTestFinished(close)
  await seed(store, [key])
  const orders = { endpoint: world.endpoint.url, opening, deadline: DEADLINE }
  const members = await Promise.all(
    processes.slice(0, count).map((process) => startOutageMember(orders, process)),
  )
  onTestFinished(async () => {
    for (const { pid } of members) process.kill(pid, 'SIGCONT')
    await Promise.all(members.map((member) => member.kill()))
  })
  return { key, members, stored: async () => (await store.read(key))?.token?.refreshToken }
}

test.each(openings)(
  '[K13, S10] (%s) %s: given an endpoint that is slower than the deadline, when three processes want the token, then they get refresh_timeout, it is redeemed once, and the late token serves all',
  async (isThere, _, open) => {
    if (!isThere) return
    const { endpoint } = world
    const { key, members, stored } = await fleet(await open(), 3)
    endpoint.isHolding = true
    const wants = members.map((member) => member.tell({ do: 'want', keys: [key] }))
    await endpoint.holding(1)
    for (const { outcomes } of await Promise.all(wants)) expect(outcomes).toEqual({ refresh_timeout: 1 })
    endpoint.letOn()
    const served = members.map((member) => member.tell({ do: 'insist', keys: [key], pause: 20 }))
    for (const { outcomes } of await Promise.all(served)) expect(outcomes).toMatchObject({ served: 1 })
    expect([endpoint.family(key).presented, await stored()]).toEqual([1, `${key}.1`])
  },
  180_000,
)

test('[K13] files: given a process that is stopped past its deadline while the response waits in its socket, when it goes on, then it reads the response, and the other processes get its token', async () => {
  const { endpoint } = world
  const { key, members, stored } = await fleet({ kind: 'files', path: await temporaryFolder() }, 2)
  const [first, second] = members
  if (first === undefined || second === undefined) throw new Error('no members')
  endpoint.isHolding = true
  const asked = first.tell({ do: 'want', keys: [key] })
  await endpoint.holding(1)
  process.kill(first.pid, 'SIGSTOP')
  endpoint.letOn()
  // The other one gives up waiting more than once, which takes longer than the first one's deadline.
  for (let waits = 0; waits < 3; waits++) {
    const { outcomes } = await second.tell({ do: 'want', keys: [key] })
    expect(outcomes).not.toHaveProperty('served')
  }
  const waiting = second.tell({ do: 'insist', keys: [key], pause: 20 })
  process.kill(first.pid, 'SIGCONT')
  const told = await Promise.all([asked, waiting])
  expect(told[1].outcomes).toMatchObject({ served: 1 })
  expect([endpoint.family(key).presented, await stored()]).toEqual([1, `${key}.1`])
}, 180_000)

test.each(openings)(
  '[K14] (%s) %s: given an ended login, when long-lived and short-lived processes want its token, then it is sent once, and all callers are told to log in again',
  async (isThere, _, open) => {
    if (!isThere) return
    const { endpoint } = world
    const opening = await open()
    const { key, members } = await fleet(opening, 2)
    endpoint.family(key).isRevoked = true
    const long = members.map((member) => member.tell({ do: 'insist', keys: [key], pause: 20 }))
    const told = await Promise.all(long)
    const orders = { endpoint: endpoint.url, opening }
    for (let n = 0; n < 2; n++) told.push(await askOnce(orders, [key]))
    // On a busy machine a process may take longer than its deadline.
    for (const { outcomes } of told) expect(outcomes).toHaveProperty('reauthentication_required', 1)
    expect(endpoint.family(key).presented).toBe(1)
  },
  180_000,
)
