import { Cluster, Redis } from 'ioredis'
import { createCluster } from 'redis'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { redisStore, type RedisClient } from '../../src/stores/redis/index.ts'
import { storeContract } from '../../src/testing/index.ts'
import { has } from '../support/binaries.ts'
import { type RedisCluster, startRedisCluster } from '../support/redis-cluster.ts'

const isThere = await has('redis-server', 'redis-server')
beforeEach(({ skip }) => skip(!isThere))

let cluster: RedisCluster
const clients: Record<string, RedisClient> = {}
const closing: (() => unknown)[] = []

beforeAll(async () => {
  if (!isThere) return
  cluster = await startRedisCluster()
  const byIoredis = new Cluster(cluster.ports.map((port) => ({ host: '127.0.0.1', port })))
  closing.push(() => byIoredis.disconnect())
  const rootNodes = cluster.ports.map((port) => ({ url: `redis://127.0.0.1:${port}` }))
  const byNodeRedis = createCluster({ rootNodes })
  await byNodeRedis.connect()
  closing.push(() => byNodeRedis.destroy())
  Object.assign(clients, { ioredis: byIoredis, 'node-redis': byNodeRedis })
})

afterAll(async () => {
  for (const close of closing) close()
  await cluster?.close()
})

const store = (name: string): ReturnType<typeof redisStore> =>
  redisStore(clients[name] ?? { eval: undefined as never })

describe.each(['ioredis', 'node-redis'])('in a cluster, by %s, a store', (client) => {
  for (const { name, run } of storeContract(() => store(client)))
    test(`[S2] ${name}`, () => expect(run()).resolves.toBeUndefined())
})

test('[S2] given a cluster, then each account is on one of its servers, and the accounts are spread over all', async () => {
  const keys = Array.from({ length: 30 }, (_, n) => `spread-${n}`)
  for (const key of keys) await store('ioredis').update(key, async () => ({ token: { accessToken: key } }))
  const counts = await Promise.all(
    cluster.ports.map(async (port) => {
      const node = new Redis(port)
      onTestFinished(() => node.disconnect())
      return (await node.keys('llm-refresh:{spread-*')).length
    }),
  )
  expect(counts.reduce((sum, count) => sum + count)).toBe(keys.length)
  expect(Math.min(...counts)).toBeGreaterThan(0)
  for (const key of keys) expect((await store('node-redis').read(key))?.token?.accessToken).toBe(key)
})

test('[S7] given a client that does not support clusters, then the error says so', async () => {
  const one = new Redis(cluster.ports[0] ?? 0)
  onTestFinished(() => one.disconnect())
  const updates = Array.from({ length: 10 }, (_, n) =>
    redisStore(one).update(`plain-${n}`, async () => ({ token: { accessToken: 'a' } })),
  )
  const failed = (await Promise.allSettled(updates)).flatMap((outcome) =>
    outcome.status === 'rejected' ? [outcome.reason as unknown] : [],
  )
  expect(failed.length).toBeGreaterThan(0)
  for (const error of failed)
    expect(error).toMatchObject({
      code: 'store_failed',
      message: expect.stringMatching(/client for clusters/u),
    })
})
