import type { Store } from '../../credential/store.ts'
import { anything, checkedOptions, from, type OptionTable } from '../../lib/options.ts'
import { MAX_LOCKS } from '../../lib/slots.ts'
import type { StoreEntry } from '../shared/entry.ts'
import { ExclusiveStore } from '../shared/exclusive-store.ts'
import { LeasedBackend } from '../shared/leased-backend.ts'
import { asking } from './client.ts'
import { codeOf, failure } from './failure.ts'
import { inspectTable } from './inspect.ts'
import { readName, type TableName } from './name.ts'
import { statementsOn } from './statements.ts'
import { PostgresTable } from './table.ts'
import type { PostgresClient } from './types.ts'

export type { PostgresClient, PgClient, PostgresJsClient } from './types.ts'
export type { StoreEntry, StoreEntryHolder } from '../shared/entry.ts'

/** Options that name the table. */
export interface PostgresTableOptions {
  /**
   * The name of the table, or `schema.name`: letters, digits and `_`; upper and lower case differ. Without a schema, the server looks for
   * the table along the `search_path`.
   * @default 'llm_refresh'
   */
  table?: string | undefined
}

/** Options of a PostgreSQL store. */
export interface PostgresStoreOptions extends PostgresTableOptions {
  /**
   * How long a lock outlives its holder's last sign of life, in ms. A holder gives five signs per lease. If a holder vanishes, waiters wait
   * that long. A lease that is longer than a usual failover, or pause of a process, is safer. Use the same value in all processes that share
   * the table.
   * @default 2_500
   */
  lease?: number | undefined
  /**
   * How long the server may take to respond, in ms. After a broken connection the store tries again for half of that time.
   * @default 5_000
   */
  timeout?: number | undefined
  /**
   * The number of locks that the store holds or waits for at a time, for all accounts together. The other accounts wait for their turn.
   * @default 64
   */
  maxLocks?: number | undefined
}

const TABLE = { table: [anything, 'llm_refresh'] } satisfies OptionTable<PostgresTableOptions>
const OPTIONS = {
  ...TABLE,
  lease: [from(100), 2_500],
  timeout: [from(1), 5_000],
  maxLocks: MAX_LOCKS,
} satisfies OptionTable<PostgresStoreOptions>

/**
 * A store in a table of PostgreSQL: for all processes and hosts that reach the server.
 *
 * The lock is a lease in the row, by the server's clock. The store holds no connection and no transaction while the source issues a token, so
 * a pool of one connection is enough, and a pooler in transaction mode works. The table must exist: see {@link migratePostgres}.
 *
 * @param client best a pool, which replaces a connection that breaks or hangs. A single `Client` of `pg` does not connect again. The client
 *   must not be in a transaction
 * @throws RefreshError `invalid_option`; later `store_failed`, and `store_invalid` if a record is damaged or of another program
 * @example
 * const pool = new pg.Pool({ connectionString, connectionTimeoutMillis: 1_000 })
 * pool.on('error', () => undefined) // an idle connection that breaks is replaced
 * await migratePostgres(pool)
 * const credential = createCredential({ source: oauth({ issuer, clientId }), store: postgresStore(pool), key: 'me@example.com' })
 */
export function postgresStore(client: PostgresClient, options: PostgresStoreOptions = {}): Store {
  const { table, ...locking } = checkedOptions(options, OPTIONS)
  const leases = new PostgresTable(client, { name: readName(table), ...locking })
  return new ExclusiveStore(new LeasedBackend(leases, locking), locking)
}

/**
 * The statement that makes the table, for users who keep the schema of the database in files.
 *
 * The store's role needs only SELECT, INSERT and UPDATE on the table.
 *
 * @throws RefreshError `invalid_option`
 */
export function postgresSchema(options: PostgresTableOptions = {}): string {
  const { table } = checkedOptions(options, TABLE)
  return `${statementsOn(readName(table).quoted).create};`
}

/**
 * Makes the table, unless it exists. Any number of processes may call this at once.
 *
 * @throws RefreshError `invalid_option`, `store_failed`
 */
export async function migratePostgres(
  client: PostgresClient,
  options: PostgresTableOptions = {},
): Promise<void> {
  const { table } = checkedOptions(options, TABLE)
  await migrate(client, readName(table))
}

/**
 * The state of each account in a PostgreSQL store, without secrets, in the order of their keys.
 *
 * @throws RefreshError `invalid_option`, `store_failed`
 */
export async function inspectPostgresStore(
  client: PostgresClient,
  options: PostgresTableOptions = {},
): Promise<StoreEntry[]> {
  const { table } = checkedOptions(options, TABLE)
  return inspectTable(client, readName(table))
}

/** The errors of `CREATE TABLE IF NOT EXISTS` if another process makes the table at the same time. */
const RACED: readonly unknown[] = ['23505', '42P07', '42710']

/** @throws RefreshError `store_failed` */
async function migrate(client: PostgresClient, { quoted, shown }: TableName): Promise<void> {
  const ask = asking(client)
  const { create, exists } = statementsOn(quoted)
  try {
    // Look first, because a role without CREATE may call this for a table that exists.
    const [[found] = []] = await ask(exists, quoted)
    if (found === undefined) await ask(create)
  } catch (error) {
    if (!RACED.includes(codeOf(error))) throw failure(error, shown)
  }
}
