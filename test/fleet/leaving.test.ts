import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { Redis } from 'ioredis'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { has } from '../support/binaries.ts'
import { programOf } from '../support/programs.ts'
import { type RedisServer, startRedisServer } from '../support/redis-server.ts'
import { startRelay } from '../support/relay.ts'
import { until } from '../support/until.ts'
import type { Place } from './place.ts'
import { opened } from './places.ts'

const program = programOf('leaver')
const isThere = await has('redis-server', 'redis-server')
beforeEach(({ skip }) => skip(!isThere))

const clients = ['ioredis', 'node-redis'] as const
type Client = (typeof clients)[number]

/** A Redis, of which somebody holds a lock. */
async function locked(client: Client): Promise<{ redis: RedisServer; place: Place }> {
  const redis = await startRedisServer()
  onTestFinished(() => redis.close())
  const place: Place = { kind: 'redis', client, at: { path: redis.socket } }
  const store = await opened(place)
  let letOn = (): void => undefined
  const isOn = new Promise<void>((resolve) => (letOn = resolve))
  onTestFinished(letOn)
  await new Promise<void>((held) => {
    const update = store.update('me', async () => {
      held()
      await isOn
      return undefined
    })
    update.catch(() => undefined)
  })
  return { redis, place }
}

/** A process that waits for the lock closes its client when that has happened. What it says, and how it ends. */
async function leave(
  place: Place,
  happened: () => Promise<unknown>,
): Promise<[said: unknown, exit: unknown]> {
  const child = spawn(process.execPath, [program, JSON.stringify({ place, timeout: 1_000 })], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const lines = createInterface(child.stdout)
  expect(await once(lines, 'line')).toEqual(['waiting'])
  await happened()
  const [said, exit] = [once(lines, 'line'), once(child, 'exit')]
  child.stdin.write('go\n')
  return [await said, await exit]
}

async function subscribed(redis: RedisServer): Promise<void> {
  const aside = new Redis(redis.socket)
  aside.on('error', () => undefined)
  onTestFinished(() => aside.disconnect())
  await until(async () => Number((await aside.pubsub('NUMSUB', 'llm-refresh:freed'))[1]) > 0)
}

const ended = [['store_failed'], [0, null]]

test.each(clients)(
  '[S7] given a process that waits for a lock, when its client is closed, then the process ends by itself, by %s',
  async (client) => {
    const { redis, place } = await locked(client)
    expect(await leave(place, () => subscribed(redis))).toEqual(ended)
  },
  180_000,
)

test.each(clients)(
  '[S7] given a process that waits for a lock of a Redis that is gone, when its client is closed, then the process ends by itself, by %s',
  async (client) => {
    const { redis, place } = await locked(client)
    const gone = (): Promise<void> => subscribed(redis).then(() => redis.kill())
    expect(await leave(place, gone)).toEqual(ended)
  },
  180_000,
)

test.each(clients)(
  '[S7] given a process that gets no second connection for notifications, when its client is closed, then the process ends by itself, by %s',
  async (client) => {
    const { redis } = await locked(client)
    const relay = await startRelay({ host: '127.0.0.1', port: 0 }, { path: redis.socket }, { most: 1 })
    onTestFinished(() => relay.close())
    const at = { host: '127.0.0.1', port: relay.port }
    expect(await leave({ kind: 'redis', client, at }, () => relay.refused)).toEqual(ended)
  },
  180_000,
)
