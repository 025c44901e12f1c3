// What clients a store takes, as a compiler sees it: these hold when `tsc` passes; nothing happens at run time.
import type { Cluster, Redis } from 'ioredis'
import type { createClient, createClientPool, createCluster, createSentinel } from 'redis'
import { expectTypeOf, test } from 'vitest'
import type { RedisClient } from '../../src/stores/redis/index.ts'

test('given every kind of client, then redisStore() takes it, by its types too', () => {
  expectTypeOf<Redis>().toExtend<RedisClient>()
  expectTypeOf<Cluster>().toExtend<RedisClient>()
  expectTypeOf<ReturnType<typeof createClient>>().toExtend<RedisClient>()
  expectTypeOf<ReturnType<typeof createCluster>>().toExtend<RedisClient>()
  expectTypeOf<ReturnType<typeof createSentinel>>().toExtend<RedisClient>()
  expectTypeOf<ReturnType<typeof createClientPool>>().toExtend<RedisClient>()
  expectTypeOf<{ get: () => Promise<string> }>().not.toExtend<RedisClient>()
})
