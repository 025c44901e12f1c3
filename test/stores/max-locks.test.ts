import { Redis } from 'ioredis'
import pg from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import type { Store, UpdateNews } from '../../src/index.ts'
import { fileStore } from '../../src/stores/file/index.ts'
import { migratePostgres, postgresStore } from '../../src/stores/postgres/index.ts'
import { redisStore } from '../../src/stores/redis/index.ts'
import { has } from '../support/binaries.ts'
import { temporaryFolder } from '../support/folder.ts'
import { hasPostgres, sharedPostgres } from '../support/postgres-server.ts'
import { startRedisServer } from '../support/redis-server.ts'

const hasRedis = await has('redis-server', 'redis-server')

interface Options {
  readonly maxLocks: number
}

async function overFiles(options: Options): Promise<Store> {
  return fileStore({ path: await temporaryFolder(), ...options })
}

async function overRedis(options: Options): Promise<Store> {
  const server = await startRedisServer({ isDurable: false })
  const client = new Redis(server.socket)
  onTestFinished(async () => {
    client.disconnect()
    await server.close()
  })
  return redisStore(client, options)
}

async function overPostgres(options: Options): Promise<Store> {
  const pool = new pg.Pool({ connectionString: (await sharedPostgres()).url(), max: 2 })
  onTestFinished(() => pool.end())
  await migratePostgres(pool)
  return postgresStore(pool, options)
}

const stores = [
  ['files', true, overFiles],
  ['Redis', hasRedis, overRedis],
  ['PostgreSQL', hasPostgres, overPostgres],
] as const

for (const [name, isThere, open] of stores) {
  test.skipIf(!isThere)(
    `[S11] given maxLocks: 1 over ${name}, when an account holds its lock, then the next account waits for its turn`,
    async () => {
      const store = await open({ maxLocks: 1 })
      const order: string[] = []
      let end = (): void => undefined
      const ended = new Promise<void>((resolve) => (end = resolve))
      await new Promise<void>((resolve) => {
        void store.update('one', async () => {
          resolve()
          await ended
          order.push('one')
          return undefined
        })
      })
      const onNews = (news: UpdateNews): unknown => order.push(news)
      const other = store.update('other', async () => undefined, { onNews })
      // A login takes no lock.
      await store.replace('third', () => ({ token: { accessToken: 'a' }, session: 1 }))
      order.push('login')
      end()
      await other
      expect(order.toSorted()).toEqual(['admitted', 'login', 'one', 'queued'])
      expect(order.indexOf('admitted')).toBeGreaterThan(order.indexOf('one'))
    },
  )
}

test.each([0, 1.5, Number.NaN])('[E1] given maxLocks: %s, then every store throws', (maxLocks) => {
  const refused = expect.objectContaining({
    code: 'invalid_option',
    message: `'maxLocks' must be a whole number from 1, not ${maxLocks}.`,
  })
  expect(() => redisStore({ eval: async () => null }, { maxLocks })).toThrow(refused)
  expect(() => postgresStore({ query: async () => ({ rows: [] }) }, { maxLocks })).toThrow(refused)
  expect(() => fileStore({ maxLocks })).toThrow(refused)
})
