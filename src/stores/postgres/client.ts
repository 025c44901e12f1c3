import { describe, optionError } from '../../core/options.ts'
import { Turns } from '../../lib/keyed-mutex.ts'
import { isPool, onPool } from './pool.ts'
import { heard } from './silence.ts'

/** A pool or client of node-postgres (`pg`), or what has the same `query`. */
export interface QueryClient {
  query(text: string, values: (string | null)[]): PromiseLike<{ readonly rows: readonly object[] }>
}

/** What `postgres()` of postgres.js gives. */
export interface SqlClient {
  unsafe(text: string, values: (string | null)[]): PromiseLike<readonly object[]>
  listen(channel: string, onNotify: (payload: string) => void): PromiseLike<unknown>
}

/**
 * A client for PostgreSQL: a `Pool` or a `Client` of `pg`, a driver with the same `query(text, values)`, or what `postgres()` of
 * postgres.js gives.
 */
export type PostgresClient = QueryClient | SqlClient

/** A session of node-postgres. */
export interface Session extends QueryClient {
  on(event: string, listener: (said: unknown) => void): unknown
  removeListener(event: string, listener: (said: unknown) => void): unknown
}

/** What a row holds, in the order of the statement: how a driver names columns is its user's choice. */
export type Cells = readonly (string | undefined)[]

/** Runs a statement whose columns are all text. */
export type Ask = (statement: string, ...values: (string | null)[]) => Promise<Cells[]>

/** How long something may take. */
export interface AskOptions {
  /** ms: so long a statement may stay without a response, from when it is sent. Then a pool destroys its connection. */
  readonly silence: number
  /** ms: so long a free connection of a pool is waited for. */
  readonly timeout: number
}

/** For what is done once, by hand: a table that is made may wait for others. */
const PATIENT: AskOptions = { silence: 60_000, timeout: 60_000 }

/** @throws RefreshError `invalid_option` for what is no client */
export function asking(client: PostgresClient, options: AskOptions = PATIENT): Ask {
  if (isSql(client)) {
    return async (statement, ...values) => {
      const query = client.unsafe(statement, values)
      // The connection that hangs is lost to the client, but a further try gets another one.
      const isSent = (): boolean => Reflect.get(query, 'active') !== false
      return read(await heard(query, { ...options, isSent }))
    }
  }
  if (!has(client, 'query')) {
    const problem = `must be a client of pg or postgres.js, not ${describe(client)}`
    throw optionError('client', problem)
  }
  if (isPool(client)) {
    return async (statement, ...values) =>
      read((await onPool(client, (session) => session.query(statement, values), options)).rows)
  }
  const ask: Ask = async (statement, ...values) => read((await client.query(statement, values)).rows)
  if (!isSession(client)) return ask
  // pg will no longer queue what is asked of a session that is busy.
  const turns = new Turns()
  return (statement, ...values) => turns.take('', () => ask(statement, ...values))
}

export function isSql(client: PostgresClient): client is SqlClient {
  return has(client, 'unsafe')
}

/** Not a pool, which has many. */
export function isSession(client: unknown): client is Session {
  return has(client, 'on') && has(client, 'removeListener') && 'processID' in Object(client)
}

function has(client: unknown, method: string): boolean {
  return typeof Reflect.get(Object(client), method) === 'function'
}

function read(rows: readonly object[]): Cells[] {
  return rows.map((row) =>
    Object.values(row).map((cell: unknown) => (typeof cell === 'string' ? cell : undefined)),
  )
}
