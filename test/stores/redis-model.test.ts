import { Redis } from 'ioredis'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { connectionOf } from '../../src/stores/redis/client.ts'
import { RedisTable } from '../../src/stores/redis/table.ts'
import { has } from '../support/binaries.ts'
import { startRedisServer } from '../support/redis-server.ts'
import { type Events, followsModel, LONGEST } from './lease-contestants.ts'

const isThere = await has('redis-server', 'redis-server')
beforeEach(({ skip }) => skip(!isThere))

test(
  '[S2, S4] given any steps of three processes, and leases that end at any time, then locks and records are the same as the model’s',
  async () => {
    const server = await startRedisServer({ isDurable: false })
    const redis = new Redis(server.socket)
    onTestFinished(async () => {
      redis.disconnect()
      await server.close()
    })
    const table = new RedisTable(connectionOf(redis), 'model', 3_600_000)
    const hash = (key: string): string => `model:{${key}}`
    const events: Events = {
      expire: async (key) => {
        if (await redis.hexists(hash(key), 'owner')) await redis.hset(hash(key), 'until', 0)
      },
      forget: (key) => redis.del(hash(key)),
      copy: async (key) => {
        const copy = await redis.hgetall(hash(key))
        return Object.keys(copy).length === 0 ? undefined : copy
      },
      restore: (key, copy) => redis.hset(hash(key), copy as Record<string, string>),
    }
    await expect(followsModel(table, events, 200)).resolves.toBeUndefined()
  },
  LONGEST,
)
