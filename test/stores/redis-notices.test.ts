import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { connectionOf } from '../../src/stores/redis/client.ts'
import { has } from '../support/binaries.ts'
import { startRedisServer } from '../support/redis-server.ts'

const isThere = await has('redis-server', 'redis-server')
beforeEach(({ skip }) => skip(!isThere))

test('[S7] given a notification connection of node-redis that opens just when the last waiter leaves, then it is closed', async () => {
  const server = await startRedisServer({ isDurable: false })
  onTestFinished(() => server.close())
  const aside = new Redis(server.socket)
  onTestFinished(() => aside.disconnect())
  const client = createClient({ socket: { path: server.socket, tls: false } })
  client.on('error', () => undefined)
  await client.connect()
  onTestFinished(() => client.destroy())
  const subscriber = client.duplicate()
  const over = new AbortController()
  const { subscribe } = connectionOf(Object.assign(client, { duplicate: () => subscriber }))
  await subscribe?.('channel', () => undefined, over.signal)

  const connected = new Promise((resolve) => subscriber.once('connect', resolve))
  subscriber.once('reconnecting', () => queueMicrotask(() => over.abort()))
  await aside.call('CLIENT', 'KILL', 'TYPE', 'pubsub')
  await connected
  const connections = async (): Promise<number> =>
    String(await aside.client('LIST'))
      .trim()
      .split('\n').length
  while ((await connections()) > 2);
  expect(await aside.pubsub('NUMSUB', 'channel')).toEqual(['channel', 0])
})
