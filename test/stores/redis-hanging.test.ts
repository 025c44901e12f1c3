import { Redis } from 'ioredis'
import { createClient, createClientPool } from 'redis'
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import { connectionOf } from '../../src/stores/redis/client.ts'
import type { RedisClient } from '../../src/stores/redis/index.ts'
import { RedisTable } from '../../src/stores/redis/table.ts'
import { LeasedBackend } from '../../src/stores/shared/leased-backend.ts'
import { has } from '../support/binaries.ts'
import { type RedisServer, startRedisServer } from '../support/redis-server.ts'
import { type Relay, startRelay } from '../support/relay.ts'
import { lockOf, outlives, type Requests, TOKEN, troublesOf } from './hanging.ts'

const isThere = await has('redis-server', 'redis-server')
beforeEach(({ skip }) => skip(!isThere))

/** The limit is two fifths of the lease: far more than a slow machine takes to respond. */
const [LEASE, TIMEOUT, LIMIT] = [1_500, 60_000, 600]

/** As a script has it. */
const requests: Requests = {
  read: `return redis.call('HMGET', KEYS[1], 'revision', 'record', 'fence')`,
  take: 'mayTakeOver',
  extend: `{ 'extended' }`,
  write: `{ 'written'`,
  swap: `{ 'swapped'`,
  free: 'isForgotten',
}

let server: RedisServer
let aside: Redis
beforeAll(async () => {
  if (!isThere) return
  server = await startRedisServer({ isDurable: false })
  aside = new Redis(server.socket)
})
afterAll(async () => {
  aside?.disconnect()
  await server?.close()
})

function backendOf(client: RedisClient): LeasedBackend {
  const table = new RedisTable(connectionOf(client), 'llm-refresh', LEASE)
  return new LeasedBackend(table, { lease: LEASE, timeout: TIMEOUT })
}

const socketOf = (relay: Relay) => ({
  host: '127.0.0.1',
  port: relay.port,
  socketTimeout: LIMIT,
  // Without it, node-redis ends for good when the limit has passed.
  reconnectStrategy: () => 10,
})

/** With the settings that the page names. */
const clients: [string, (relay: Relay) => RedisClient | Promise<RedisClient>][] = [
  [
    'ioredis',
    (relay) => {
      const client = new Redis(relay.port, '127.0.0.1', { socketTimeout: LIMIT })
      client.on('error', () => undefined)
      onTestFinished(() => client.disconnect())
      return client
    },
  ],
  [
    'node-redis',
    async (relay) => {
      const client = createClient({ socket: socketOf(relay) })
      client.on('error', () => undefined)
      await client.connect()
      onTestFinished(() => client.destroy())
      return client
    },
  ],
  [
    'a pool of node-redis',
    async (relay) => {
      const pool = createClientPool({ socket: socketOf(relay) })
      pool.on('error', () => undefined)
      await pool.connect()
      onTestFinished(() => pool.destroy())
      return pool
    },
  ],
]

test('[S7, S9] given a connection of any client that hangs or is cut, while the request or the response is lost, when a command is sent on it, then another connection carries it out once', async () => {
  const faults = await troublesOf(clients, async (open, trouble) => {
    const relay = await startRelay({ host: '127.0.0.1', port: 0 }, { path: server.socket })
    onTestFinished(() => relay.close())
    await outlives(relay, [backendOf(await open(relay)), backendOf(aside)], requests, trouble)
  })
  expect(faults).toEqual([])
})

const codes = (client: RedisClient): string[] =>
  backendOf(client)
    .findings()
    .map(({ code }) => code)

test.each([
  ['nothing', {}, ['client_without_timeout', 'client_reconnects_late']],
  [
    'a limit as long as the lease',
    { socketTimeout: LEASE },
    ['client_without_timeout', 'client_reconnects_late'],
  ],
  ['a limit below the lease', { socketTimeout: LIMIT }, ['client_reconnects_late']],
  ['both', { socketTimeout: LIMIT, retryStrategy: () => 10 }, []],
])('[E1] given ioredis with %s, then findings name the missing settings', (_, options, expected) => {
  const client = new Redis({ lazyConnect: true, ...options })
  expect(codes(client)).toEqual(expected)
})

test.each([
  ['nothing', {}, ['client_without_timeout']],
  ['a limit alone', { socketTimeout: LIMIT }, ['client_without_reconnect']],
  ['a limit, and what connects again', { socketTimeout: LIMIT, reconnectStrategy: () => 10 }, []],
  [
    'a limit, and what connects again late',
    { socketTimeout: LIMIT, reconnectStrategy: (retries: number) => Math.min(retries * 50, 2_000) },
    ['client_reconnects_late'],
  ],
])('[E1] given node-redis with %s, then findings name the missing settings', (_, socket, expected) => {
  expect(codes(createClient({ socket: { host: '127.0.0.1', ...socket } }))).toEqual(expected)
})

test('[S9] given a lock that the server has forgotten, when it is renewed, then its holder has it again; after a release it stays free', async () => {
  const backend = backendOf(aside)
  const lock = await lockOf(backend, 'forgotten')
  await aside.del('llm-refresh:{forgotten}')
  expect(await lock.renew()).toBe(true)
  await aside.del('llm-refresh:{forgotten}')
  const releasing = lock.release(true)
  expect(await lock.renew()).toBe(false)
  await releasing
  const next = await lockOf(backend, 'forgotten')
  expect(next.abandoned).toBe(true)
  expect(await lock.renew()).toBe(false)
})

test('[S10] given a client that its user has closed, when a lock is renewed or written under, then that fails for good, and the error says so', async () => {
  const closing: [RedisClient, () => unknown][] = []
  const one = new Redis(server.socket)
  closing.push([one, () => one.disconnect()])
  const other = createClient({ socket: { path: server.socket, tls: false } })
  await other.connect()
  closing.push([other, () => other.destroy()])
  for (const [client, close] of closing) {
    const backend = backendOf(client)
    const lock = await lockOf(backend, `closed ${closing.length}`)
    await close()
    await new Promise((resolve) => setImmediate(resolve))
    for (const ask of [() => lock.renew(), () => lock.write({ token: { accessToken: 'access-1' } })]) {
      const thrown: unknown = await ask().catch((error: unknown) => error)
      expect(backend.isFinal(thrown)).toBe(true)
      expect(backend.explain(thrown).message).toMatch(/its client is closed/)
    }
    await aside.del(`llm-refresh:{closed ${closing.length}}`)
  }
})

test('[S9] given a Redis that is out of memory while a lock is held, when another process wants the lock, then that counts as no response, and the holder writes first', async () => {
  const holder = await lockOf(backendOf(aside), 'full')
  const contender = backendOf(aside).lockWaiter('full', undefined)
  expect(await contender.tryLock()).toBeTypeOf('number')
  await aside.config('SET', 'maxmemory', '1')
  onTestFinished(() => void aside.config('SET', 'maxmemory', '0'))
  await expect(contender.tryLock()).rejects.toThrow(/OOM|memory/u)
  await expect(holder.write({ token: TOKEN })).rejects.toThrow(/OOM|memory/u)
  await aside.config('SET', 'maxmemory', '0')
  const { record } = await holder.write({ token: TOKEN })
  expect(record.token).toEqual(TOKEN)
})

test('[S7] given a user without HSETNX, when another process holds the lock, then the user’s process waits', async () => {
  const holder = await lockOf(backendOf(aside), 'allowed')
  const rules = ['on', '>secret', '~*', '&*', '+@all', '-hsetnx']
  await aside.acl('SETUSER', 'limited', ...rules)
  const limited = new Redis(server.socket, { username: 'limited', password: 'secret' })
  onTestFinished(() => limited.disconnect())
  expect(await backendOf(limited).lockWaiter('allowed', undefined).tryLock()).toBeTypeOf('number')
  await holder.release(false)
})
