// What drivers of Redis do differently: what they make of answers and errors, and how a second connection is made and closed.
import { Cluster, Redis } from 'ioredis'
import { createClient, RESP_TYPES } from 'redis'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import type { StoreChange } from '../../src/index.ts'
import { connectionOf } from '../../src/stores/redis/client.ts'
import { failure, isPassing } from '../../src/stores/redis/failure.ts'
import { redisStore, type RedisClient } from '../../src/stores/redis/index.ts'
import { RedisTable } from '../../src/stores/redis/table.ts'
import { ExclusiveStore } from '../../src/stores/shared/exclusive-store.ts'
import { LeasedBackend } from '../../src/stores/shared/leased-backend.ts'
import { storeContract } from '../../src/testing/index.ts'
import { has } from '../support/binaries.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { startRedisCluster } from '../support/redis-cluster.ts'
import { type RedisServer, startRedisServer } from '../support/redis-server.ts'

/** ms: far more than a slow machine takes. */
const SOME_TIME = 120_000

const isThere = await has('redis-server', 'redis-server')
beforeEach(({ skip }) => skip(!isThere))

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

/** Clients that do not give texts. */
const others: [string, () => Promise<RedisClient>][] = [
  [
    'node-redis that gives bytes',
    async () => {
      const typeMapping = { [RESP_TYPES.BLOB_STRING]: Buffer }
      const client = createClient({
        socket: { path: server.socket, tls: false },
        commandOptions: { typeMapping },
      })
      await client.connect()
      onTestFinished(() => client.destroy())
      return client
    },
  ],
  [
    'another client that gives bytes',
    async () => ({
      eval: (script: string, keys: string[], args: string[]) =>
        aside.callBuffer('EVAL', script, keys.length, ...keys, ...args),
    }),
  ],
  [
    'a client that reads what looks like JSON',
    async () => ({
      eval: async (script: string, keys: string[], args: string[]) => {
        const reply = await aside.eval(script, keys.length, ...keys, ...args)
        return Array.isArray(reply) ? reply.map(parsed) : reply
      },
    }),
  ],
]

function parsed(text: unknown): unknown {
  try {
    return JSON.parse(String(text))
  } catch {
    return text
  }
}

describe.each(others)('by %s, a store', (_, connect) => {
  for (const { name, run } of storeContract(async () => redisStore(await connect())))
    test(`[S2] ${name}`, () => expect(run()).resolves.toBeUndefined())
})

test.each([[['?']], [[]], ['OK'], [[null, '1']]])(
  '[S1, S6] given the reply %j, which no script returns, then the update fails, and there is no lock',
  async (reply) => {
    const change = vi.fn<StoreChange>()
    const store = redisStore({ eval: async () => reply })
    await expect(store.update('me', change)).rejects.toMatchObject({ code: 'store_invalid' })
    expect(change).not.toHaveBeenCalled()
  },
)

const ran = 'ERR Error running script (call to f_dad4086273cf0e30d04d7e6d543cb9cd73e895c7):'
const denied = "The user executing the script can't run this command or subcommand"

// As Redis 6 has it, and 7 before 7.2.
test.each([
  [
    `${ran} @user_script:4: WRONGTYPE Operation against a key holding the wrong kind of value`,
    /prefix/u,
    false,
  ],
  [
    `${ran} @user_script:15: @user_script: 15: -READONLY You can't write against a read only replica.`,
    /replica/u,
    true,
  ],
  [
    `${ran} @user_script:15: @user_script: 15: -OOM command not allowed when used memory > 'maxmemory'.`,
    /memory/u,
    false,
  ],
  [`${ran} @user_script:15: @user_script: 15: ${denied}`, /allow it EVAL/u, false],
  [
    `ERR ${denied} script: dad4086273cf0e30d04d7e6d543cb9cd73e895c7, on @user_script:15.`,
    /allow it EVAL/u,
    false,
  ],
])('[S7] given the error of a script, then its meaning is recognized: %s', (message, meaning, mayPass) => {
  expect(failure(new Error(message)).message).toMatch(meaning)
  expect(isPassing(new Error(message))).toBe(mayPass)
})

/** A store for which time stands still: who is not woken waits for ever. */
function stillStore(client: RedisClient): ExclusiveStore {
  const locking = { lease: 60_000, timeout: 60_000, clock: new ManualClock() }
  const table = new RedisTable(connectionOf(client), 'llm-refresh', locking.lease)
  return new ExclusiveStore(new LeasedBackend(table, locking), locking)
}

const listeners = async (redis: Redis): Promise<number> =>
  Number((await redis.pubsub('NUMSUB', 'llm-refresh:freed'))[1])

/** Two want a lock, and the one that has to wait hears when it is free; its connection goes. Gives what each of them wrote. */
async function wrote(client: RedisClient, nodes: readonly Redis[]): Promise<(string | undefined)[]> {
  const count = async (): Promise<number> =>
    (await Promise.all(nodes.map(listeners))).reduce((sum, each) => sum + each, 0)
  let [isIn, letOn] = [(): void => undefined, (): void => undefined]
  const inside = new Promise<void>((resolve) => (isIn = resolve))
  const on = new Promise<void>((resolve) => (letOn = resolve))
  const first = stillStore(client).update('woken', async () => {
    isIn()
    await on
    return { token: { accessToken: 'access-1' } }
  })
  await inside
  const second = stillStore(client).update('woken', async () => ({ token: { accessToken: 'access-2' } }))
  await vi.waitFor(async () => expect(await count()).toBe(1), SOME_TIME)
  letOn()
  const written = await Promise.all([first, second])
  await vi.waitFor(async () => expect(await count()).toBe(0), SOME_TIME)
  return written.map((stored) => stored.token?.accessToken)
}

test('[S2] given an ioredis that queues no commands while it connects, then a waiter still wakes', async () => {
  const client = new Redis(server.socket, { enableOfflineQueue: false })
  onTestFinished(() => client.disconnect())
  await new Promise((resolve) => client.once('ready', resolve))
  expect(await wrote(client, [aside])).toEqual(['access-1', 'access-2'])
})

test('[S2] given a cluster of ioredis that queues no commands while it connects, then a waiter still wakes', async () => {
  const servers = await startRedisCluster()
  onTestFinished(() => servers.close())
  const nodes = servers.ports.map((port) => new Redis(port))
  const client = new Cluster([{ host: '127.0.0.1', port: servers.ports[0] ?? 0 }], {
    enableOfflineQueue: false,
  })
  onTestFinished(() => {
    for (const one of [client, ...nodes]) one.disconnect()
  })
  await new Promise((resolve) => client.once('ready', resolve))
  expect(await wrote(client, nodes)).toEqual(['access-1', 'access-2'])
})

test('[S2] given a client of node-redis 4, whose destroy() has an older name, then a waiter’s connection is closed', async () => {
  const client = createClient({ socket: { path: server.socket, tls: false } })
  await client.connect()
  onTestFinished(() => client.destroy())
  const older = {
    isOpen: true,
    eval: client.eval.bind(client),
    duplicate: () => {
      const second = client.duplicate()
      return {
        on: second.on.bind(second),
        connect: second.connect.bind(second),
        subscribe: second.subscribe.bind(second),
        disconnect: async () => second.destroy(),
      }
    },
  }
  expect(await wrote(older, [aside])).toEqual(['access-1', 'access-2'])
})
