import pg from 'pg'
import { onTestFinished } from 'vitest'
import { migratePostgres } from '../../src/stores/postgres/index.ts'
import { has } from '../support/binaries.ts'
import { temporaryFolder } from '../support/folder.ts'
import { hasPostgres, startPostgres } from '../support/postgres-server.ts'
import { startRedisServer } from '../support/redis-server.ts'
import { open, type Opened, type Opening, type Place } from './place.ts'

/** What processes can share, each made anew for a test, and removed afterwards. */
export const places: Readonly<Record<string, () => Promise<Place>>> = {
  files: async () => ({ kind: 'files', path: await temporaryFolder() }),
  ...((await has('redis-server', 'redis-server')) && {
    'Redis, by ioredis': async () => redis('ioredis'),
    'Redis, by node-redis': async () => redis('node-redis'),
  }),
  ...(hasPostgres && {
    'PostgreSQL, by pg': async () => postgres('pg'),
    'PostgreSQL, by postgres.js': async () => postgres('postgres.js'),
  }),
}

async function redis(client: 'ioredis' | 'node-redis'): Promise<Place> {
  const server = await startRedisServer()
  onTestFinished(() => server.close())
  return { kind: 'redis', client, at: { path: server.socket } }
}

async function postgres(client: 'pg' | 'postgres.js'): Promise<Place> {
  const server = await startPostgres()
  onTestFinished(() => server.close())
  const place = { kind: 'postgres', client, at: server.url() } as const
  const pool = new pg.Pool(server.connection)
  await migratePostgres(pool)
  await pool.end()
  return place
}

/** A store that is closed when the test is over. */
export async function opened(place: Place, opening?: Opening): Promise<Opened['store']> {
  const { store, close } = await open(place, opening)
  onTestFinished(close)
  return store
}
