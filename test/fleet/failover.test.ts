import { Redis } from 'ioredis'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import type { Store } from '../../src/index.ts'
import { has } from '../support/binaries.ts'
import { startRedisSentinel } from '../support/redis-sentinel.ts'
import { type RedisServer, startRedisServer } from '../support/redis-server.ts'
import { until } from '../support/until.ts'
import { asToken, type Fleet, startFleet } from './fleet.ts'
import { type Member, untilServed } from './members.ts'
import { opened } from './places.ts'

const isThere = await has('redis-server', 'redis-server')
beforeEach(({ skip }) => skip(!isThere))
const [NAME, CALLERS] = ['main', 10]
const served: unknown = expect.objectContaining({ served: CALLERS })
const loopback = '127.0.0.1'

interface World extends Fleet {
  readonly primary: RedisServer
  readonly replica: RedisServer
  readonly members: readonly [a: Member, b: Member, c: Member]
  readonly store: Store
}

function connected(server: RedisServer): Redis {
  const redis = new Redis(server.socket)
  redis.on('error', () => undefined)
  onTestFinished(() => redis.disconnect())
  return redis
}

/** Resolves when a server says so of its replication. */
async function replication(redis: Redis, says: string): Promise<void> {
  await until(async () => (await redis.info('replication')).includes(says))
}

/** A primary, its replica, and a sentinel; three processes that ask it, and have a token that expires. */
async function start(): Promise<World> {
  const primary = await startRedisServer({ hasPort: true })
  onTestFinished(() => primary.close())
  const replica = await startRedisServer({
    hasPort: true,
    settings: [['replicaof', `${loopback} ${primary.port}`]],
  })
  onTestFinished(() => replica.close())
  await replication(connected(replica), 'master_link_status:up')
  const sentinel = await startRedisSentinel(NAME, primary.port, primary.folder)
  onTestFinished(() => sentinel.close())
  const asked = new Redis({ host: loopback, port: sentinel.port })
  onTestFinished(() => asked.disconnect())
  const known = async (): Promise<unknown> => asked.call('SENTINEL', 'REPLICAS', NAME)
  await until(async () => JSON.stringify(await known()).includes('"master-link-status","ok"'))

  const at = { name: NAME, sentinels: [{ host: loopback, port: sentinel.port }] }
  const place = { kind: 'redis', client: 'ioredis', at } as const
  const orders = { cooldown: 1 }
  const fleet = await startFleet(place, { processes: 3, callers: CALLERS, orders })
  const [a, b, c] = fleet.members
  if (a === undefined || b === undefined || c === undefined) throw new Error('no members')
  await fleet.round()
  fleet.server.expireAccessTokens()
  return { ...fleet, members: [a, b, c], primary, replica, store: await opened(place) }
}

test('[S1, S7] given a primary that fails during a refresh, when its replica takes over, then one redemption is made, all callers get the token, and no revision falls', async () => {
  const { server, leaving, login, members, round, primary, replica, store } = await start()
  const before = await store.read('default')
  const [a, b, c] = members
  leaving.hold(1)
  const refreshing = a.tell({ do: 'round' })
  await leaving.holding(1)
  const others = [b.tell({ do: 'round' }), c.tell({ do: 'round' })]
  // The replica knows of the lock.
  const standby = connected(replica)
  await until(async () => (await standby.hget('llm-refresh:{default}', 'owner')) !== null)
  await primary.kill()
  // By then its lease is over, and it is still waiting for the answer.
  await replication(standby, 'role:master')
  leaving.release()
  expect(await Promise.all([refreshing, ...others])).toEqual(members.map(() => served))
  const after = await store.read('default')
  expect(after?.revision).toBeGreaterThan(before?.revision ?? Infinity)
  server.expireAccessTokens()
  expect(await round()).toEqual(members.map(() => served))
  expect((await store.read('default'))?.revision).toBeGreaterThan(after?.revision ?? Infinity)
  expect([login.redemptions(), login.refused(), login.revoked()]).toEqual([2, 0, false])
}, 180_000)

test('[S7, S3] given a replica that never got the lock, when it takes over, then the holder gets the lock again and all callers get the token, or the family is revoked, all processes say so, and a login serves all', async () => {
  const { server, arriving, login, members, primary, replica, store } = await start()
  const before = await store.read('default')
  const standby = connected(replica)
  // It is turned away by its primary from now on.
  await standby.config('SET', 'masteruser', 'nobody')
  await standby.config('SET', 'masterauth', 'nothing')
  await connected(primary).call('CLIENT', 'KILL', 'TYPE', 'replica')
  await replication(standby, 'master_link_status:down')

  const [a, b, c] = members
  arriving.hold(1)
  const refreshing = a.tell({ do: 'round' })
  await arriving.holding(1)
  await primary.kill()
  // Both hold a lock: one the dead server's, one the new one's.
  const told = await Promise.all([b.tell({ do: 'round' }), c.tell({ do: 'round' })])
  if (told.every((each) => each.served === 0)) {
    // The holder's sign of life came first, so the new server gave it the lock again, and the others waited.
    arriving.release()
    await refreshing
    await Promise.all(members.map(untilServed))
    expect([login.redemptions(), login.refused(), login.revoked()]).toEqual([1, 0, false])
    return
  }
  expect(told).toEqual([served, served])
  expect(told.map(({ abandoned }) => abandoned)).toEqual([0, 0])
  const newer = await store.read('default')
  expect(newer?.revision).toBeGreaterThan(before?.revision ?? Infinity)
  expect([login.redemptions(), login.revoked()]).toEqual([1, false])
  arriving.release()
  await refreshing
  expect([login.redemptions(), login.refused(), login.revoked()]).toEqual([1, 1, true])
  expect(await store.read('default')).toEqual(newer)
  // One of them adopts first what the other has received: that is dead, too.
  for (const member of members)
    await until(async () => (await member.tell({ do: 'round' })).status.state === 'reauthentication_required')

  const next = await server.login()
  await b.tell({ do: 'login', token: asToken(next) })
  await Promise.all(members.map(untilServed))
  const last = await store.read('default')
  expect(last?.token).toEqual(asToken(next))
  expect(last?.revision).toBeGreaterThan(newer?.revision ?? Infinity)
}, 180_000)
