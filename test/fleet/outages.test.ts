import { Redis } from 'ioredis'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { has } from '../support/binaries.ts'
import { type RedisServer, startRedisServer } from '../support/redis-server.ts'
import { startRelay } from '../support/relay.ts'
import { until } from '../support/until.ts'
import { type Fleet, startFleet } from './fleet.ts'
import type { Member } from './members.ts'
import type { Orders } from './part.ts'
import type { RedisAddress } from './place.ts'

const isThere = await has('redis-server', 'redis-server')
beforeEach(({ skip }) => skip(!isThere))
const clients = ['ioredis', 'node-redis'] as const
const CALLERS = 10
const ok: unknown = expect.objectContaining({ served: CALLERS, failures: [] })
/** The trial: each with both clients. */
const isTrial = process.env['PARTITIONS'] !== undefined
/** While the lock is held, and after it. */
const steps = { held: ['taken', 'locked', 'changed'], free: ['written', 'released'] } as const

interface World extends Fleet {
  readonly redis: RedisServer
  /** A connection of the test's own. */
  readonly aside: Redis
  readonly first: Member
  readonly others: readonly Member[]
}

async function start(
  client: (typeof clients)[number],
  own: Partial<Orders> = {},
  addressOf: (redis: RedisServer) => Promise<RedisAddress> = async ({ socket }) => ({ path: socket }),
): Promise<World> {
  const redis = await startRedisServer()
  onTestFinished(() => redis.close())
  const aside = new Redis(redis.socket)
  aside.on('error', () => undefined)
  onTestFinished(() => aside.disconnect())
  const fleet = await startFleet(
    { kind: 'redis', client, at: await addressOf(redis) },
    { processes: 3, callers: CALLERS, orders: own },
  )
  const [first, ...others] = fleet.members
  if (first === undefined) throw new Error('no members')
  await fleet.round()
  return { ...fleet, redis, aside, first, others }
}

/** Resolves when so many wait to hear that the lock is free. */
async function waiting(aside: Redis, count: number): Promise<void> {
  await until(async () => Number((await aside.pubsub('NUMSUB', 'llm-refresh:freed'))[1]) === count)
}

const disruptions: Readonly<Record<string, (world: World) => Promise<unknown>>> = {
  'is killed and restarted': async ({ redis }) => {
    await redis.kill()
    await redis.start()
  },
  'cuts all connections': async ({ aside }) => {
    await aside.call('CLIENT', 'KILL', 'TYPE', 'normal')
    await aside.call('CLIENT', 'KILL', 'TYPE', 'pubsub')
  },
}

test.each(
  clients
    .flatMap((client) => Object.entries(disruptions).map(([does, disrupt]) => ({ client, does, disrupt })))
    .filter((_, n) => isTrial || n === 0 || n === 3),
)(
  '[S1, S7] given a Redis that $does at each step of a refresh, by $client, then one redemption is made, and no caller fails',
  async ({ client, disrupt }) => {
    const world = await start(client)
    const { server, arriving, leaving, login, first, others, aside, round } = world
    const all = [first, ...others].map(() => ok)
    /** The first one refreshes, the others wait for it, and then it happens. */
    const disturb = async (reached: Promise<unknown>, wait: number, letOn: () => unknown): Promise<void> => {
      server.expireAccessTokens()
      const before = login.redemptions()
      const rounds = [first.tell({ do: 'round' })]
      await reached
      rounds.push(...others.map((member) => member.tell({ do: 'round' })))
      await waiting(aside, wait)
      await disrupt(world)
      await letOn()
      expect(await Promise.all(rounds)).toEqual(all)
      expect(login.redemptions()).toBe(before + 1)
      // Those who heard have hung up.
      await waiting(aside, 0)
    }
    const letOn = (): Promise<unknown> => first.tell({ do: 'let on' })
    for (const at of steps.held) await disturb(first.tell({ do: 'stop', at }), others.length, letOn)
    for (const at of steps.free) await disturb(first.tell({ do: 'stop', at }), 0, letOn)
    for (const gate of [arriving, leaving]) {
      gate.hold(1)
      await disturb(gate.holding(1), others.length, () => gate.release())
    }
    expect(await round()).toEqual(all)
    expect([login.redemptions(), login.refused(), login.revoked()]).toEqual([7, 0, false])
  },
  180_000,
)

test.each(isTrial ? clients : clients.slice(0, 1))(
  '[S1] given 200 ms of latency between Redis and all processes, by %s, then one redemption is made, and no caller fails',
  async (client) => {
    const { server, login, members, round } = await start(client, {}, async ({ socket }) => {
      const relay = await startRelay({ host: '127.0.0.1', port: 0 }, { path: socket }, { latency: 100 })
      onTestFinished(() => relay.close())
      return { host: '127.0.0.1', port: relay.port }
    })
    for (let expiry = 1; expiry <= 2; expiry++) {
      server.expireAccessTokens()
      expect(await round()).toEqual(members.map(() => ok))
      expect(login.redemptions()).toBe(expiry)
    }
    expect(login.revoked()).toBe(false)
  },
  180_000,
)

test.each(isTrial ? clients : clients.slice(1))(
  '[S7, K4] given a Redis that goes down during a refresh, by %s, then the received token is used and kept, no other process redeems, and all recover by themselves',
  async (client) => {
    const own = { lease: 2_000, timeout: 2_000, cooldown: 1 }
    const { server, leaving, login, redis, first, others, aside } = await start(client, own)
    server.expireAccessTokens()
    leaving.hold(1)
    const refreshing = first.tell({ do: 'round' })
    await leaving.holding(1)
    const hopeless = others.map((member) => member.tell({ do: 'round' }))
    await waiting(aside, others.length)
    await redis.kill()
    for (const told of await Promise.all(hopeless))
      expect(told).toMatchObject({ served: 0, status: { failure: { code: 'store_failed' } } })
    leaving.release()
    expect(await refreshing).toMatchObject({ served: CALLERS, status: { isUnsaved: true } })
    expect(await first.tell({ do: 'round' })).toEqual(ok)
    expect(server.tokenRequests()).toBe(1)
    const persisted = first.tell({ do: 'watch', for: 'persisted' })
    await redis.start()
    await persisted
    // A client takes its own time to connect again.
    for (const member of others)
      await until(async () => (await member.tell({ do: 'round' })).served === CALLERS)
    expect([server.tokenRequests(), login.redemptions(), login.revoked()]).toEqual([1, 1, false])
  },
  180_000,
)
