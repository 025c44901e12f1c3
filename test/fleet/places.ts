import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { onTestFinished } from 'vitest'
import { migratePostgres } from '../../src/stores/postgres/index.ts'
import { has } from '../support/binaries.ts'
import { hasPostgres, startPostgres } from '../support/postgres-server.ts'
import { startRedisServer } from '../support/redis-server.ts'
import { open, type Opened, type Opening, type Place } from './place.ts'

/** What processes share, and what removes it. */
export interface Made {
  readonly place: Place
  readonly close: () => Promise<void>
}

/** What processes can share. */
export const makers: Readonly<Record<string, () => Promise<Made>>> = {
  files: async () => {
    const path = await mkdtemp(join(tmpdir(), 'llm-refresh-test-'))
    return { place: { kind: 'files', path }, close: () => rm(path, { recursive: true, force: true }) }
  },
  ...((await has('redis-server', 'redis-server')) && {
    'Redis, by ioredis': async () => redis('ioredis'),
    'Redis, by node-redis': async () => redis('node-redis'),
  }),
  ...(hasPostgres && {
    'PostgreSQL, by pg': async () => postgres('pg'),
    'PostgreSQL, by postgres.js': async () => postgres('postgres.js'),
  }),
}

/** The same, each made anew for a test, and removed afterwards. */
export const places: Readonly<Record<string, () => Promise<Place>>> = Object.fromEntries(
  Object.entries(makers).map(([name, make]) => [
    name,
    async () => {
      const { place, close } = await make()
      onTestFinished(close)
      return place
    },
  ]),
)

async function redis(client: 'ioredis' | 'node-redis'): Promise<Made> {
  const server = await startRedisServer()
  return { place: { kind: 'redis', client, at: { path: server.socket } }, close: () => server.close() }
}

async function postgres(client: 'pg' | 'postgres.js'): Promise<Made> {
  const server = await startPostgres()
  const place = { kind: 'postgres', client, at: server.url() } as const
  const pool = new pg.Pool(server.connection)
  await migratePostgres(pool)
  await pool.end()
  return { place, close: () => server.close() }
}

/** A store that is closed when the test is over. */
export async function opened(place: Place, opening?: Opening): Promise<Opened['store']> {
  const { store, close } = await open(place, opening)
  onTestFinished(close)
  return store
}
