import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, onTestFinished } from 'vitest'
import { migratePostgres } from '../../src/stores/postgres/index.ts'
import { has } from '../support/binaries.ts'
import type { Ends } from '../support/ends.ts'
import { hasPostgres, type PostgresServer, startPostgres } from '../support/postgres-server.ts'
import { startRedisServer } from '../support/redis-server.ts'
import { open, type Opened, type Opening, type Place } from './place.ts'

/** What processes can share, each made anew, and removed when its test is over. */
export const places: Readonly<Record<string, (ends?: Ends) => Promise<Place>>> = {
  files: async (ends = onTestFinished) => {
    const path = await mkdtemp(join(tmpdir(), 'llm-refresh-test-'))
    ends(() => rm(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 }))
    return { kind: 'files', path }
  },
  ...((await has('redis-server', 'redis-server')) && {
    'Redis, by ioredis': (ends) => redis('ioredis', ends),
    'Redis, by node-redis': (ends) => redis('node-redis', ends),
  }),
  ...(hasPostgres && {
    'PostgreSQL, by pg': () => postgres('pg'),
    'PostgreSQL, by postgres.js': () => postgres('postgres.js'),
  }),
}

async function redis(client: 'ioredis' | 'node-redis', ends: Ends = onTestFinished): Promise<Place> {
  const server = await startRedisServer()
  ends(() => server.close())
  return { kind: 'redis', client, at: { path: server.socket } }
}

/** One server for all tests of a file. */
let server: Promise<PostgresServer> | undefined
let databases = 0
afterAll(async () => {
  await (await server)?.close()
})

async function postgres(client: 'pg' | 'postgres.js'): Promise<Place> {
  server ??= startPostgres({ settings: { max_connections: 300 } })
  return { kind: 'postgres', client, at: await newDatabase(await server, `place_${++databases}`) }
}

/** A database of that name, in which stores can be opened. @returns its URL */
export async function newDatabase({ connection, url }: PostgresServer, name: string): Promise<string> {
  const pool = new pg.Pool(connection)
  await pool.query(`CREATE DATABASE ${name}`)
  await pool.end()
  const own = new pg.Pool({ ...connection, database: name })
  await migratePostgres(own)
  await own.end()
  return url().replace(/postgres$/u, name)
}

/** A store that is closed when the test is over. */
export async function opened(
  place: Place,
  opening?: Opening,
  ends: Ends = onTestFinished,
): Promise<Opened['store']> {
  const { store, close } = await open(place, opening)
  ends(close)
  return store
}
