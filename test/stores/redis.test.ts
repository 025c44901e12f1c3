import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { type AddressInfo, connect as connectTo, createServer, type Socket } from 'node:net'
import { inspect } from 'node:util'
import { Redis } from 'ioredis'
import { createClient, createClientPool } from 'redis'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import type { RecordContent } from '../../src/credential/store.ts'
import type { Store, StoreChange } from '../../src/index.ts'
import { connectionOf } from '../../src/stores/redis/client.ts'
import { redisStore, type RedisClient, type RedisStoreOptions } from '../../src/stores/redis/index.ts'
import { RedisTable } from '../../src/stores/redis/table.ts'
import { ExclusiveStore } from '../../src/stores/shared/exclusive-store.ts'
import { LeasedBackend } from '../../src/stores/shared/leased-backend.ts'
import { storeContract } from '../../src/testing/index.ts'
import { has } from '../support/binaries.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { type RedisServer, startRedisServer } from '../support/redis-server.ts'
import { refusesAll } from './poisoned.ts'

const token = (name: string): { accessToken: string; refreshToken: string } => ({
  accessToken: `canary-access-${name}`,
  refreshToken: `canary-refresh-${name}`,
})
const record = (name: string): RecordContent => ({ token: token(name) })
const code = (expected: string, message = /./u): unknown =>
  expect.objectContaining({ code: expected, message: expect.stringMatching(message) })

/** ms: far more than a slow machine takes. */
const SOME_TIME = 120_000

const isThere = await has('redis-server', 'redis-server')
beforeEach(({ skip }) => skip(!isThere))

let server: RedisServer
let redis: Redis
beforeAll(async () => {
  if (!isThere) return
  server = await startRedisServer({ isDurable: false })
  redis = new Redis(server.socket)
})
afterAll(async () => {
  redis?.disconnect()
  await server?.close()
})

/** A client that goes when the test is over. */
function ioredis(socket: string, options: object = {}): Redis {
  const client = new Redis(socket, options)
  client.on('error', () => undefined)
  onTestFinished(() => client.disconnect())
  return client
}

async function nodeRedis(socket: string, RESP: 2 | 3 = 3, credentials = {}): Promise<RedisClient> {
  const client = createClient({ socket: { path: socket, tls: false }, RESP, ...credentials })
  client.on('error', () => undefined)
  await client.connect()
  onTestFinished(() => client.destroy())
  return client
}

const clients: [string, (socket: string) => RedisClient | Promise<RedisClient>][] = [
  ['ioredis', (socket) => ioredis(socket)],
  ['ioredis with a prefix of its own', (socket) => ioredis(socket, { keyPrefix: 'app:' })],
  ['node-redis', (socket) => nodeRedis(socket)],
  ['node-redis with the older protocol', (socket) => nodeRedis(socket, 2)],
  ['a pool of node-redis', (socket) => poolOf(socket)],
  ['another client', (socket) => other(ioredis(socket))],
]

async function poolOf(socket: string): Promise<RedisClient> {
  const pool = createClientPool({ socket: { path: socket, tls: false } })
  pool.on('error', () => undefined)
  await pool.connect()
  onTestFinished(() => pool.destroy())
  return pool
}

/** A client that knows how to run a script, and nothing else. */
function other(client: Redis): {
  eval: (script: string, keys: string[], args: string[]) => Promise<unknown>
} {
  return { eval: (script, keys, args) => client.eval(script, keys.length, ...keys, ...args) }
}

describe.each(clients)('by %s, a store', (_, connect) => {
  for (const { name, run } of storeContract(async () => redisStore(await connect(server.socket))))
    test(`[S2] ${name}`, () => expect(run()).resolves.toBeUndefined())
})

/** A server of the test's own, and a store of each client over it. */
async function storesOver(
  options: RedisStoreOptions,
): Promise<{ own: RedisServer; stores: readonly (readonly [key: string, store: Store])[] }> {
  const own = await startRedisServer()
  onTestFinished(() => own.close())
  const opened = clients.map(
    async ([name, connect]) => [name, redisStore(await connect(own.socket), options)] as const,
  )
  return { own, stores: await Promise.all(opened) }
}

test('[S4] given a store of each client, when the server is killed during a refresh and starts again, then the store works again', async () => {
  const { own, stores } = await storesOver({ timeout: 60_000 })
  const before = await Promise.all(stores.map(([key, store]) => store.update(key, async () => record('1'))))
  const inside: (() => void)[] = []
  const updates = stores.map(async ([key, store], at) => {
    const after = await store.update(key, async (current) => {
      expect(current).toEqual(before[at])
      await new Promise<void>((resolve) => {
        if (inside.push(resolve) === stores.length) tellAll()
      })
      return record('2')
    })
    expect(after.token).toEqual(token('2'))
    expect(after.revision).toBeGreaterThan(before[at]?.revision ?? Infinity)
    expect(await store.read(key)).toEqual(after)
    // It was given back, too.
    await store.update(key, async (_current, { abandoned }) => {
      expect(abandoned).toBe(false)
      return undefined
    })
  })
  let tellAll = (): void => undefined
  const allInside = new Promise<void>((resolve) => (tellAll = resolve))
  await Promise.race([allInside, Promise.all(updates)])
  await own.kill()
  await own.start()
  for (const letOn of inside) letOn()
  await Promise.all(updates)
})

test('[S7] given a store of each client, when there is no server, then the error says what is wrong, and the store works once there is one', async () => {
  const { own, stores } = await storesOver({ timeout: 400 })
  const written = await Promise.all(stores.map(([key, store]) => store.update(key, async () => record('1'))))
  await own.kill()
  const change = vi.fn<StoreChange>(async () => record('2'))
  const failing = stores.flatMap(([key, store]) => [
    store.update(key, change),
    store.read(key),
    store.delete(key),
  ])
  const failed = await Promise.allSettled(failing)
  expect(failed).toEqual(failing.map(() => ({ status: 'rejected', reason: code('store_failed') })))
  expect(change).not.toHaveBeenCalled()
  await own.start()
  for (const [at, [key, store]] of stores.entries()) {
    await vi.waitFor(
      async () => expect(await store.read(key)).toMatchObject({ token: token('1') }),
      SOME_TIME,
    )
    // What was asked for while nobody heard it may be done when somebody does: a delete that failed was not heard of.
    expect((await store.read(key))?.revision).toBe(written[at]?.revision)
  }
})

test('[S7] given a lost response, when the command is sent again, then it counts once', async () => {
  let isLosing = false
  let asked = 0
  const inner = other(redis)
  const losing = {
    eval: async (script: string, keys: string[], args: string[]) => {
      const answer = await inner.eval(script, keys, args)
      asked++
      if (isLosing && asked % 2 === 1) throw new Error('Socket closed unexpectedly')
      return answer
    },
  }
  const store = redisStore(losing)
  const before = await store.update('lost', async () => record('1'))
  isLosing = true
  asked = 0
  const change = vi.fn<StoreChange>(async (current, { abandoned }) => {
    expect([current, abandoned]).toEqual([before, false])
    return record('2')
  })
  const after = await store.update('lost', change)
  expect([change.mock.calls.length, asked]).toEqual([1, 4])
  expect(after.token).toEqual(token('2'))
  expect(await store.read('lost')).toEqual(after)
  await store.update('lost', async () => undefined)
  await store.delete('lost')
  expect((await store.read('lost'))?.token).toBeUndefined()
})

/** A store for which time stands still: who is not woken waits for ever. */
function stillStore(client: RedisClient, clock: ManualClock): ExclusiveStore {
  const table = new RedisTable(connectionOf(client), 'llm-refresh', 60_000)
  const locking = { lease: 60_000, timeout: 60_000 }
  return new ExclusiveStore(new LeasedBackend(table, locking), { ...locking, clock })
}

test('[S2] given a waiter, when the lock is released, then a notification wakes it, on a connection that exists only while a caller waits', async () => {
  const clock = new ManualClock()
  const client = ioredis(server.socket)
  const connections = async (): Promise<number> =>
    String(await redis.client('LIST')).match(/sub=1/gu)?.length ?? 0
  let [isIn, letOn] = [(): void => undefined, (): void => undefined]
  const inside = new Promise<void>((resolve) => (isIn = resolve))
  const on = new Promise<void>((resolve) => (letOn = resolve))
  const first = stillStore(client, clock).update('woken', async () => {
    isIn()
    await on
    return record('1')
  })
  await inside
  const waiting = ['2', '3'].map(async (name) =>
    stillStore(client, clock).update('woken', async (current) => {
      expect(current?.token?.accessToken).toMatch(/^canary-access-[123]$/u)
      return record(name)
    }),
  )
  await vi.waitFor(async () => expect(await connections()).toBe(2), SOME_TIME)
  letOn()
  expect((await first).token).toMatchObject(token('1'))
  expect((await Promise.all(waiting)).map((stored) => stored.token?.accessToken)).toEqual(
    ['2', '3'].map((name) => token(name).accessToken),
  )
  await vi.waitFor(async () => expect(await connections()).toBe(0), SOME_TIME)
})

test('[S7] given a notification connection that is closed while it subscribes again, then nothing else ends', async () => {
  const unhandled = vi.fn<() => void>()
  process.on('unhandledRejection', unhandled)
  onTestFinished(() => void process.off('unhandledRejection', unhandled))
  // Between it and Redis, what the second connection subscribes to is not passed on.
  const accepted: Socket[] = []
  let heard = (): void => undefined
  const isHeard = new Promise<void>((resolve) => (heard = resolve))
  const between = createServer((socket) => {
    accepted.push(socket)
    socket.on('error', () => undefined)
    const isFirst = accepted.length === 1
    const behind = connectTo(server.socket).on('error', () => undefined)
    behind.pipe(socket)
    socket.on('data', (sent) => {
      const subscribes = String(sent).includes('subscribe')
      if (isFirst || !subscribes) behind.write(sent)
      else heard()
    })
  }).listen(0, '127.0.0.1')
  onTestFinished(() => void between.close())
  await once(between, 'listening')
  const { port } = between.address() as AddressInfo
  const client = Object.assign(ioredis(server.socket), {
    duplicate: (own: object): Redis => {
      const subscriber = new Redis(port, '127.0.0.1', { ...own, enableReadyCheck: false })
      onTestFinished(() => subscriber.disconnect())
      return subscriber
    },
  })
  const clock = new ManualClock()
  let [isIn, letOn] = [(): void => undefined, (): void => undefined]
  const inside = new Promise<void>((resolve) => (isIn = resolve))
  const on = new Promise<void>((resolve) => (letOn = resolve))
  const held = redisStore(redis).update('anew', async () => {
    isIn()
    await on
    return record('1')
  })
  await inside
  const waiting = stillStore(client, clock).update('anew', async () => record('2'))
  await vi.waitFor(async () => expect(String(await redis.client('LIST'))).toMatch(/sub=1/u), SOME_TIME)
  accepted[0]?.destroy()
  await isHeard
  letOn()
  await held
  await clock.advance(60_000)
  expect((await waiting).token).toMatchObject(token('2'))
  await vi.waitFor(() => expect(accepted.at(-1)?.closed).toBe(true), SOME_TIME)
  await new Promise((resolve) => setImmediate(resolve))
  expect(unhandled).not.toHaveBeenCalled()
})

test('[S4] given a server that has forgotten everything, then numbers go on rising', async () => {
  const own = await startRedisServer()
  onTestFinished(() => own.close())
  const client = ioredis(own.socket)
  const store = redisStore(client)
  const before = await store.update('me', async () => record('1'))
  await store.update('me', async () => {
    await client.flushall()
    const { revision } = await redisStore(client).update('me', async () => record('2'))
    expect(revision).toBeGreaterThan(before.revision)
    return record('late')
  })
  expect((await store.read('me'))?.token).toEqual(token('2'))
})

describe('given a server that refuses', () => {
  async function refusal(
    settings: [string, string][],
    options: object = {},
    storeOptions: RedisStoreOptions = { timeout: 400 },
  ): Promise<Promise<unknown>> {
    const own = await startRedisServer({ isDurable: false, settings })
    onTestFinished(() => own.close())
    const client = ioredis(own.socket, { maxRetriesPerRequest: 1, ...options })
    return redisStore(client, storeOptions).update('me', async () => record('1'))
  }

  test.each([
    ['asks for a password', [['requirepass', 'canary-password']], {}, /password/u],
    ['takes another one', [['requirepass', 'canary-password']], { password: 'canary-wrong' }, /password/u],
    ['has no room', [['maxmemory', '1']], {}, /memory is full/u],
    ['is a replica', [['replicaof', '127.0.0.1 1']], {}, /replica/u],
    [
      'lets this user do nothing',
      [['user', 'default on nopass ~* &* +@all -eval']],
      {},
      /may not: allow it EVAL/u,
    ],
  ] as [string, [string, string][], object, RegExp][])(
    '[S7, Z1] because it %s, then the error is clear, and shows no secret',
    async (_, settings, options, message) => {
      const failed: unknown = await refusal(settings, options).catch((error: unknown) => error)
      expect(failed).toEqual(code('store_failed', message))
      expect(inspect(failed, { depth: 10, showHidden: true })).not.toContain('canary')
    },
  )

  test('[S7] notifications only, then the store works', async () => {
    const settings: [string, string][] = [['user', 'default on nopass ~llm-refresh:* resetchannels +@all']]
    await expect(refusal(settings)).resolves.toMatchObject({ token: token('1') })
  })
})

describe('given a user with the permissions that the page names', async () => {
  const page = await readFile(new URL('../../docs/stores/redis.md', import.meta.url), 'utf8')
  const [, rights = ''] = /^ {4}user (llm-refresh .*)$/mu.exec(page) ?? []
  const credentials = { username: 'llm-refresh', password: 'secret' }
  const byIoredis = (socket: string): RedisClient => ioredis(socket, credentials)
  const byNodeRedis = (socket: string): Promise<RedisClient> => nodeRedis(socket, 3, credentials)

  test.each([
    ['ioredis', byIoredis],
    ['node-redis', byNodeRedis],
  ] as const)('[S2] then the store works with %s', async (_, connect) => {
    const own = await startRedisServer({ isDurable: false, settings: [['user', rights]] })
    onTestFinished(() => own.close())
    const clock = new ManualClock()
    const client = await connect(own.socket)
    for (const { run } of storeContract(() => stillStore(client, clock)))
      await expect(run()).resolves.toBeUndefined()
  })
})

test.each(
  [
    '9007199254740992',
    '9223372036854775807',
    '-1',
    '1e3',
    '1.5',
    '007',
    'inf',
    'nan',
    'abc',
    '',
    '0x10',
  ].flatMap((number) => [
    ['revision', number],
    ['fence', number],
  ]),
)(
  '[S6, K13] given a %s of %j, when any script runs, then the error says what to do, and nothing is changed',
  async (field, number) => {
    const hash = 'llm-refresh:{poisoned}'
    await redis.del(hash)
    const whole = { revision: 7, fence: 7, record: 'a record', owner: 'holder', until: 1, [field]: number }
    await redis.hset(hash, whole)
    const table = new RedisTable(connectionOf(redis), 'llm-refresh', 2_500)
    const shown =
      /^The record in Redis, llm-refresh:\{poisoned\}, .* below 2\^53.*DEL llm-refresh:\{poisoned\}/u
    const refusing = refusesAll(table, 'poisoned', () => redis.hgetall(hash), shown)
    await expect(refusing).resolves.toBeUndefined()
  },
)

test('[S6, K13] given the highest number, when a lock or a login wants the next one, then it fails, and nothing is changed', async () => {
  const hash = 'llm-refresh:{last}'
  const table = new RedisTable(connectionOf(redis), 'llm-refresh', 2_500)
  await redis.hset(hash, { revision: 1, fence: String(2 ** 53 - 1), record: 'a record' })
  const before = await redis.hgetall(hash)
  await expect(table.take('last', 'a', undefined, true)).rejects.toEqual(code('store_invalid'))
  await expect(table.swap('last', 1, 'new')).rejects.toEqual(code('store_invalid'))
  expect(await redis.hgetall(hash)).toEqual(before)
})

test.each(['inf', 'nan', '-1', 'abc', '1e300', ''])(
  '[S4] given a lease until %j, when a waiter has waited a lease, then it gets the lock',
  async (until) => {
    const hash = 'llm-refresh:{until}'
    await redis.del(hash)
    await redis.hset(hash, { fence: 7, owner: 'gone', until })
    const table = new RedisTable(connectionOf(redis), 'llm-refresh', 2_500)
    expect(await table.take('until', 'a', undefined, false)).toEqual({ type: 'held', remaining: 0 })
    expect(await table.take('until', 'a', undefined, true)).toMatchObject({ type: 'lock', abandoned: true })
  },
)

test.each([
  ['was damaged', { record: '{"format":"llm-refresh/token","vers' }, /damaged/u],
  ['is of another program', { record: '"hello"' }, /another program/u],
  [
    'is of another account',
    { record: '{"format":"llm-refresh/token","version":1,"key":"you","token":null}' },
    /another account/u,
  ],
])(
  '[S6] given a record that %s, then the error is clear, and the record stays',
  async (_, fields, message) => {
    const hash = 'llm-refresh:{damaged}'
    await redis.hset(hash, { revision: 7, ...fields })
    const store = redisStore(redis)
    await expect(store.read('damaged')).rejects.toEqual(code('store_invalid', message))
    await expect(store.read('damaged')).rejects.toEqual(code('store_invalid', /llm-refresh:\{damaged\}/u))
    const change = vi.fn<StoreChange>(async () => record('1'))
    await expect(store.update('damaged', change)).rejects.toEqual(code('store_invalid'))
    await expect(store.delete('damaged')).rejects.toEqual(code('store_invalid'))
    expect(change).not.toHaveBeenCalled()
    expect(await redis.hmget(hash, 'revision', 'record', 'owner')).toEqual(['7', fields.record, null])
  },
)

test('[S6] given a key of another program, then the error is clear, and the key stays', async () => {
  await redis.set('llm-refresh:{taken}', 'theirs')
  const store = redisStore(redis)
  await expect(store.update('taken', async () => record('1'))).rejects.toEqual(
    code('store_failed', /another prefix/u),
  )
  expect(await redis.get('llm-refresh:{taken}')).toBe('theirs')
})

test('given two stores with different prefixes, then they share nothing', async () => {
  const [one, another] = [redisStore(redis, { prefix: 'one' }), redisStore(redis, { prefix: 'another' })]
  await one.update('me', async () => record('1'))
  expect(await another.read('me')).toBeUndefined()
  expect(await redis.exists('one:{me}')).toBe(1)
})

test.each([
  ['no client', () => redisStore(undefined as never), /'client' must be a client of Redis/u],
  ['what is no client', () => redisStore({} as never), /'client'/u],
  ['an empty prefix', () => redisStore(redis, { prefix: '' }), /'prefix' must be a name/u],
  ['braces in a prefix', () => redisStore(redis, { prefix: 'a{b}' }), /'prefix' must be a name/u],
  ['a lease of no length', () => redisStore(redis, { lease: 0 }), /'lease' must be ms from 100/u],
  ['no time', () => redisStore(redis, { timeout: NaN }), /'timeout' must be ms/u],
  ['a misspelt option', () => redisStore(redis, { leese: 1 } as never), /'leese' does not exist/u],
])('given %s, then it throws a clear error', (_, make, message) => {
  expect(make).toThrow(
    expect.objectContaining({ code: 'invalid_option', message: expect.stringMatching(message) }),
  )
})

test('[Z1] given a store, when it is printed, then no part of its client is shown', () => {
  const store = redisStore(new Redis('redis://me:canary-password@127.0.0.1:1', { lazyConnect: true }))
  expect(inspect(store, { depth: 10, showHidden: true }) + JSON.stringify(store)).not.toContain('canary')
})

test('[S4, S10] given a holder that vanished and a server whose clock was set back an hour, when a lease has passed, then a waiter gets its lock, but not the lock of a holder whose lease is nine times as long', async () => {
  const [hash, now] = ['llm-refresh:{set back}', Date.now()]
  const table = new RedisTable(connectionOf(redis), 'llm-refresh', 10_000)
  await table.take('set back', 'a', undefined, false)
  await redis.hset(hash, 'until', now + 3_600_000)
  expect(await table.take('set back', 'b', undefined, false)).toEqual({ type: 'held', remaining: 0 })
  expect(await table.take('set back', 'b', undefined, true)).toMatchObject({ type: 'lock', abandoned: true })
  await redis.hset(hash, 'until', now + 90_000)
  expect(await table.take('set back', 'c', undefined, true)).toMatchObject({ type: 'held' })
})
