import { inspect } from 'node:util'
import { Cluster, Redis } from 'ioredis'
import { createClient, createCluster } from 'redis'
import { afterAll, beforeAll, beforeEach, describe, expect, expectTypeOf, onTestFinished, test } from 'vitest'
import type { Store } from '../../src/index.ts'
import { fileStore, inspectFileStore, type StoreEntry } from '../../src/stores/file/index.ts'
import type { StoreEntry as PostgresEntry } from '../../src/stores/postgres/index.ts'
import {
  inspectRedisStore,
  type OtherRedisClient,
  type RedisClient,
  redisStore,
  type StoreEntry as RedisEntry,
} from '../../src/stores/redis/index.ts'
import { has } from '../support/binaries.ts'
import { temporaryFolder } from '../support/folder.ts'
import { type RedisCluster, startRedisCluster } from '../support/redis-cluster.ts'
import { type RedisServer, startRedisServer } from '../support/redis-server.ts'

const token = (name: string): { accessToken: string; refreshToken: string } => ({
  accessToken: `canary-access-${name}`,
  refreshToken: `canary-refresh-${name}`,
})
const CANARY = /canary/u

/** Accounts in every state; what they hold ends with the test. */
async function fill(store: Store): Promise<void> {
  await store.update('d', async () => ({ token: { ...token('1'), expiresAt: 1_893_456_000_000 } }))
  await store.update('c', async () => ({ token: { accessToken: 'canary-access-2' } }))
  await store.delete('c')
  await store.update('b', async () => undefined)
  let held = (): void => undefined
  let release = (): void => undefined
  const holding = new Promise<void>((resolve) => (held = resolve))
  const released = new Promise<void>((resolve) => (release = resolve))
  const update = store.update('a', async () => {
    held()
    await released
    return undefined
  })
  await holding
  onTestFinished(async () => {
    release()
    await update
  })
}

function seen(entries: readonly StoreEntry[]): unknown[] {
  return entries
    .toSorted(({ key: one = '' }, { key: other = '' }) => (one < other ? -1 : 1))
    .map(({ key, state, canRefresh, isAbandoned, holder }) => [
      key,
      state,
      canRefresh,
      isAbandoned,
      holder?.isGone,
    ])
}

const EXPECTED = [
  ['a', 'empty', false, false, false],
  ['b', 'empty', false, false, undefined],
  ['c', 'logged_out', false, false, undefined],
  ['d', 'stored', true, false, undefined],
]

test('given the entries of all three stores, then they have one type', () => {
  expectTypeOf<RedisEntry>().toEqualTypeOf<StoreEntry>()
  expectTypeOf<PostgresEntry>().toEqualTypeOf<StoreEntry>()
})

test('[Z1] given accounts in every state in files, when they are inspected, then each entry shows its state', async () => {
  const path = await temporaryFolder()
  await fill(fileStore({ path }))
  const entries = await inspectFileStore({ path })
  // Of what was never written a file store knows no key.
  expect(seen(entries).map((row) => (row as unknown[]).slice(1))).toEqual(EXPECTED.map((row) => row.slice(1)))
  const held = entries.find(({ holder }) => holder !== undefined)
  expect(held).toMatchObject({
    key: undefined,
    place: expect.stringContaining(path),
    holder: { pid: process.pid, host: expect.any(String), until: undefined },
  })
})

describe('in Redis', () => {
  let server: RedisServer
  let redis: Redis
  let isThere = false
  beforeAll(async () => {
    isThere = await has('redis-server', 'redis-server')
    if (!isThere) return
    server = await startRedisServer({ isDurable: false })
    redis = new Redis(server.socket)
  })
  afterAll(async () => {
    redis?.disconnect()
    await server?.close()
  })
  beforeEach(async ({ skip }) => {
    skip(!isThere)
    await redis.flushall()
  })

  const clients: readonly [string, () => Promise<RedisClient>][] = [
    ['ioredis', async () => open({})],
    ['ioredis with a prefix of its own', async () => open({ keyPrefix: 'app[1]:' })],
    [
      'node-redis',
      async () => {
        const client = createClient({ socket: { path: server.socket, tls: false } })
        await client.connect()
        onTestFinished(() => client.destroy())
        return client
      },
    ],
    ['another client', async () => other],
  ]

  const other: OtherRedisClient = {
    eval: (script, keys, args) => redis.eval(script, keys.length, ...keys, ...args),
  }

  function open(options: object): Redis {
    const client = new Redis(server.socket, options)
    onTestFinished(() => client.disconnect())
    return client
  }

  test.each(clients)(
    '[Z1] by %s: given accounts in every state, when they are inspected, then each entry shows its state, without secrets',
    async (_, connect) => {
      const client = await connect()
      const store = redisStore(client, { prefix: 'mine?', lease: 60_000 })
      await fill(store)
      // What others keep beside it: another prefix, one that a pattern would match, and hashes that are no account.
      await redisStore(client, { prefix: 'mineX' }).update('z', async () => ({ token: token('3') }))
      await redis.hset('mine?:{bad\\escape}', 'record', 'x')
      await redis.hset('mine?:{"}', 'record', 'x')
      const began = Date.now()
      const entries = await inspectRedisStore(client, { prefix: 'mine?' })
      expect(seen(entries)).toEqual(EXPECTED)
      expect(entries.map(({ key }) => key)).toEqual(['a', 'b', 'c', 'd'])
      const [held, , , stored] = entries
      expect(held?.holder?.until).toBeGreaterThan(began)
      expect(held?.place).toBe('mine?:{a}')
      expect(stored).toMatchObject({ expiresAt: 1_893_456_000_000, writtenAt: undefined, problem: undefined })
      expect(stored?.revision).toBe((await store.read('d'))?.revision)
      expect(inspect(entries, { depth: 9, showHidden: true })).not.toMatch(CANARY)
    },
  )

  test('[S4] given a holder whose lease is over, when its account is inspected, then it is gone and abandoned, until the next process writes', async () => {
    const key = 'llm-refresh:{me}'
    await redis.hset(key, { fence: '7', owner: 'vanished', until: '1' })
    expect(await inspectRedisStore(redis)).toMatchObject([
      { key: 'me', isAbandoned: true, revision: 0, holder: { until: 1, isGone: true } },
    ])
    await redis.hdel(key, 'owner', 'until')
    await redis.hset(key, { abandoned: '1' })
    expect(await inspectRedisStore(redis)).toMatchObject([{ isAbandoned: true, holder: undefined }])
    await redisStore(redis).update('me', async () => ({ token: token('1') }))
    expect(await inspectRedisStore(redis)).toMatchObject([{ isAbandoned: false, holder: undefined }])
  })

  test('[S6] given damaged records, when all accounts are inspected, then these are unreadable with a reason, and the others are not affected', async () => {
    await redisStore(redis).update('good', async () => ({ token: token('1') }))
    await redis.hset('llm-refresh:{foreign}', { fence: '7', revision: '6', record: 'canary' })
    await redis.hset('llm-refresh:{number}', { fence: '7', revision: '9007199254740993', record: '{}' })
    await redis.set('llm-refresh:{text}', 'canary')
    await redis.hset('llm-refresh:{half}', { fence: '7', revision: '6' })
    await redis.hset('llm-refresh:{time}', { fence: '7', owner: 'x', until: 'never' })
    const entries = await inspectRedisStore(redis)
    expect(entries.map(({ key, state, problem }) => [key, state, problem?.code])).toEqual([
      ['foreign', 'unreadable', 'store_invalid'],
      ['good', 'stored', undefined],
      ['half', 'unreadable', 'store_invalid'],
      ['number', 'unreadable', 'store_invalid'],
      ['text', 'unreadable', 'store_failed'],
      ['time', 'empty', undefined],
    ])
    expect(entries[4]?.problem?.message).toMatch(/another program uses the same key/u)
    expect(entries[5]?.holder).toMatchObject({ until: undefined, isGone: true })
    expect(inspect(entries, { depth: 9, showHidden: true })).not.toMatch(CANARY)
  })

  test('[S2] given a hundred accounts among ten thousand keys, when they are inspected, then each account is listed once', async () => {
    const pipeline = redis.pipeline()
    for (let n = 0; n < 10_000; n++) {
      if (n % 100 === 0) pipeline.hset(`llm-refresh:{many-${n}}`, { fence: '1' })
      else pipeline.hset(`else:{many-${n}}`, { fence: '1' })
    }
    await pipeline.exec()
    const entries = await inspectRedisStore(redis)
    expect(entries).toHaveLength(100)
    expect(new Set(entries.map(({ key }) => key)).size).toBe(100)
  })

  test('[E1] given a user without permission, a closed client, or an invalid option, when accounts are inspected, then the error says what to do', async () => {
    await redis.call(
      'ACL',
      'SETUSER',
      'small',
      'on',
      '>secret',
      '~*',
      '&*',
      '+eval',
      '+hmget',
      '+time',
      '+hello',
      '+info',
    )
    const small = new Redis(server.socket, { username: 'small', password: 'secret' })
    onTestFinished(() => small.disconnect())
    await expect(inspectRedisStore(small)).rejects.toMatchObject({
      code: 'store_failed',
      message: expect.stringMatching(/allow it EVAL.* SCAN to inspect it/u),
    })
    const closed = new Redis(server.socket)
    closed.disconnect()
    await expect(inspectRedisStore(closed)).rejects.toMatchObject({
      code: 'store_failed',
      message: expect.stringMatching(/its client is closed/u),
    })
    await expect(inspectRedisStore(redis, { prefix: '' })).rejects.toMatchObject({ code: 'invalid_option' })
    await expect(inspectRedisStore(redis, { lease: 1 } as never)).rejects.toMatchObject({
      code: 'invalid_option',
      message: expect.stringMatching(/'lease' does not exist; there is prefix|'lease'/u),
    })
  })
})

describe('in a cluster of Redis', () => {
  let cluster: RedisCluster
  let isThere = false
  beforeAll(async () => {
    isThere = await has('redis-server', 'redis-server')
    if (isThere) cluster = await startRedisCluster()
  })
  afterAll(() => cluster?.close())
  beforeEach(({ skip }) => skip(!isThere))

  test('[S2] by ioredis and by node-redis: given accounts on every server, when they are inspected, then all are listed', async () => {
    const keys = Array.from({ length: 30 }, (_, n) => `spread-${String(n).padStart(2, '0')}`)
    const ioredis = new Cluster(
      cluster.ports.map((port) => ({ host: '127.0.0.1', port })),
      { keyPrefix: 'app:' },
    )
    onTestFinished(() => ioredis.disconnect())
    const rootNodes = cluster.ports.map((port) => ({ url: `redis://127.0.0.1:${port}` }))
    const nodeRedis = createCluster({ rootNodes })
    await nodeRedis.connect()
    onTestFinished(() => nodeRedis.destroy())
    for (const client of [ioredis, nodeRedis]) {
      const store = redisStore(client)
      for (const key of keys) await store.update(key, async () => ({ token: token(key) }))
      const entries = await inspectRedisStore(client)
      expect(entries.map(({ key, state }) => [key, state])).toEqual(keys.map((key) => [key, 'stored']))
    }
  })
})
