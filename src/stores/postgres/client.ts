import { KeyedMutex } from '../../lib/keyed-mutex.ts'
import { describe, optionError } from '../../lib/options.ts'
import { isPool, onPool } from './pool.ts'
import { heard } from './silence.ts'
import type { Ask, AskOptions, Cells, PostgresClient, Session, PostgresJsClient } from './types.ts'

/** Limits for work outside of a refresh, such as making the table, which may wait for other transactions. */
const PATIENT: AskOptions = { silence: 60_000, timeout: 60_000 }

/** @throws RefreshError `invalid_option` if the argument is no client */
export function asking(client: PostgresClient, options: AskOptions = PATIENT): Ask {
  if (isSql(client)) {
    return async (statement, ...values) => {
      const query = client.unsafe(statement, values)
      // postgres.js cannot replace a connection that hangs, but the next try gets another one.
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
  // Run one statement at a time: future versions of pg will not queue statements of a busy session.
  const mutex = new KeyedMutex()
  return (statement, ...values) => mutex.take('', () => ask(statement, ...values))
}

export function isSql(client: PostgresClient): client is PostgresJsClient {
  return has(client, 'unsafe')
}

/** True for a client that is a single session, which a pool is not. */
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
