import pg from 'pg'
import postgres from 'postgres'
import { afterAll, describe, onTestFinished, vi } from 'vitest'
import type { AccessToken, Clock, Store } from '../../../src/index.ts'
import { migratePostgres, type PostgresClient, type PgClient } from '../../../src/stores/postgres/index.ts'
import { readName } from '../../../src/stores/postgres/name.ts'
import { PostgresTable } from '../../../src/stores/postgres/table.ts'
import { ExclusiveStore } from '../../../src/stores/shared/exclusive-store.ts'
import { LeasedBackend } from '../../../src/stores/shared/leased-backend.ts'
import type { OnStep } from '../../../src/stores/shared/lock.ts'
import {
  hasPostgres,
  type PostgresDatabase,
  type PostgresServer,
  type PostgresServerOptions,
  sharedPostgres,
  startPostgres,
} from '../../support/postgres-server.ts'

/** Tests on a database of their own. */
export async function withPostgres(define: (server: PostgresDatabase) => void): Promise<void> {
  // What is passed over needs none.
  const server = hasPostgres ? await sharedPostgres() : ({} as PostgresDatabase)
  describe.runIf(hasPostgres)('with PostgreSQL', () => {
    define(server)
  })
}

/** Tests on a server of their own, which they may stop. */
export async function withOwnPostgres(
  define: (server: PostgresServer) => void,
  options?: PostgresServerOptions,
): Promise<void> {
  const server = hasPostgres ? await startPostgres(options) : ({} as PostgresServer)
  describe.runIf(hasPostgres)('with PostgreSQL', () => {
    afterAll(() => server.close())
    define(server)
  })
}

type SqlOptions = postgres.Options<Record<string, postgres.PostgresType>>

/** What sessions are set to. */
type Settings = Readonly<Record<string, string>>

/** A client, and what ends its connections. */
export interface Opened<C extends PostgresClient = PostgresClient> {
  readonly client: C
  readonly end: () => Promise<void>
}

type Open = (server: PostgresDatabase, settings?: Settings) => Promise<Opened>

const optionsOf = (settings: Settings): string =>
  Object.entries(settings)
    .map(([name, value]) => `-c ${name}=${value.replaceAll(' ', '\\ ')}`)
    .join(' ')

export function openPool(server: PostgresDatabase, more: pg.PoolConfig = {}): Opened<pg.Pool> {
  const client = new pg.Pool({ ...server.connection, ...more })
  // What a user has to do, too.
  client.on('error', () => undefined)
  return { client, end: () => client.end() }
}

function openSql(server: PostgresDatabase, more: SqlOptions = {}): Opened<postgres.Sql> {
  const client = postgres({ ...server.connection, onnotice: () => undefined, ...more })
  // It would wait for connections that it never had.
  return { client, end: () => client.end({ timeout: 0 }) }
}

async function openClient(server: PostgresDatabase, more: pg.ClientConfig = {}): Promise<Opened<pg.Client>> {
  const client = new pg.Client({ ...server.connection, ...more })
  client.on('error', () => undefined)
  await client.connect()
  return { client, end: () => client.end() }
}

/** Every kind of client. */
export const clients: readonly [name: string, open: Open][] = [
  ['a pool of pg', async (server, set = {}) => openPool(server, { options: optionsOf(set) })],
  ['a pool of one', async (server, set = {}) => openPool(server, { max: 1, options: optionsOf(set) })],
  ['a client of pg', (server, set = {}) => openClient(server, { options: optionsOf(set) })],
  ['postgres.js', async (server, set = {}) => openSql(server, { connection: set })],
  [
    'postgres.js with one connection',
    async (server, set = {}) => openSql(server, { max: 1, connection: set }),
  ],
  [
    'whatever has a query()',
    async (server, set = {}) => {
      const { client, end } = openPool(server, { options: optionsOf(set) })
      return { client: only(client), end }
    },
  ],
]

/** A pool that ends with the test. */
export function poolOf(server: PostgresDatabase, more: pg.PoolConfig = {}): pg.Pool {
  return ending(openPool(server, more))
}

/** postgres.js, ending with the test. */
export function sqlOf(server: PostgresDatabase, more: SqlOptions = {}): postgres.Sql {
  return ending(openSql(server, more))
}

/** A client that ends with the test. */
export async function clientOf(server: PostgresDatabase, more: pg.ClientConfig = {}): Promise<pg.Client> {
  return ending(await openClient(server, more))
}

export function ending<C extends PostgresClient>({ client, end }: Opened<C>): C {
  onTestFinished(end)
  return client
}

/** What a driver of another make would have. */
export function only(client: PostgresClient): PgClient {
  const { query } = client as PgClient
  return { query: (text, values) => query.call(client, text, values) }
}

let made = 0

/** A table that nobody else uses. */
export async function newTable(server: PostgresDatabase): Promise<string> {
  const table = `accounts_${(made += 1)}`
  const client = new pg.Client(server.connection)
  await client.connect()
  await migratePostgres(client, { table })
  await client.end()
  return table
}

/** The statements on a table. */
export function tableOf(
  client: PostgresClient,
  table: string,
  lease = 2_500,
  timeout = 5_000,
): PostgresTable {
  return new PostgresTable(client, { name: readName(table), lease, timeout })
}

interface How {
  readonly timeout?: number
  readonly lease?: number
  readonly clock?: Clock
  readonly onStep?: OnStep
}

/** A store as `postgresStore()` makes it, over a table that a test has its hands on. */
export function storeOver(
  table: PostgresTable,
  { timeout = 5_000, lease = 2_500, ...more }: How = {},
): ExclusiveStore {
  return new ExclusiveStore(new LeasedBackend(table, { lease, timeout }), { lease, timeout, ...more })
}

/** Takes a lock. Returns what gives it back. */
export async function hold(
  store: Store,
  key: string,
  written?: AccessToken,
): Promise<() => Promise<unknown>> {
  let [begin, finish] = [(): void => undefined, (): void => undefined]
  const begun = new Promise<void>((resolve) => (begin = resolve))
  const finished = new Promise<void>((resolve) => (finish = resolve))
  const updated = store.update(key, async () => {
    begin()
    await finished
    return written && { token: written }
  })
  await Promise.race([begun, updated])
  return () => {
    finish()
    return updated
  }
}

/** Looks until it holds: for what the server does, which tells nobody. */
export function eventually(check: () => unknown): Promise<unknown> {
  return vi.waitFor(check, { interval: 20, timeout: 120_000 })
}
