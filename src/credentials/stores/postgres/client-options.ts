// What can be seen of the options of somebody else's client.
import type { Finding } from '../../../core/events.ts'
import { isSession, isSql, type PostgresClient } from './client.ts'
import { isPool } from './pool.ts'

/**
 * What a client lacks so that a connection that hangs does not cost a lock.
 *
 * @param lease ms
 */
export function findingsOf(client: PostgresClient, lease: number): readonly Finding[] {
  if (isSql(client)) return ofSql(Reflect.get(client, 'options'))
  if (isPool(client)) return ofPool(client.options, lease)
  return isSession(client) ? [ofSession()] : []
}

/** A connection that is being made is the pool's: nobody else can give it up. */
function ofPool(options: object, lease: number): readonly Finding[] {
  const limit: unknown = Reflect.get(options, 'connectionTimeoutMillis')
  if (typeof limit === 'number' && limit > 0 && limit < lease) return []
  const stands = typeof limit === 'number' && limit > 0 ? `is ${limit} ms` : 'is not set'
  return [
    {
      code: 'client_without_timeout',
      level: 'warning',
      message: `The pool of pg may wait too long for a new connection that hangs: its connectionTimeoutMillis ${stands}, and the lease is ${lease} ms. The lock of a refresh that is under way is lost then.`,
      fix: `Set connectionTimeoutMillis to at most ${Math.floor((lease * 2) / 5)} (two fifths of the lease).`,
    },
  ]
}

function ofSession(): Finding {
  return {
    code: 'client_without_reconnect',
    level: 'warning',
    message:
      'The store uses a single Client of pg: when its connection breaks or hangs, it does not connect again.',
    fix: 'Give the store a Pool of pg.',
  }
}

function ofSql(options: unknown): readonly Finding[] {
  const message =
    'postgres.js has no time limit for a response: a connection that hangs costs the lock of a refresh that is under way.'
  const hanging: Finding = {
    code: 'client_without_timeout',
    level: 'warning',
    message,
    fix: 'Use a Pool of pg where a lost login is worse than a second driver.',
  }
  if (Reflect.get(Object(options), 'fetch_types') === false) return [hanging]
  const fetching: Finding = {
    code: 'client_fetches_types',
    level: 'warning',
    message:
      'postgres.js asks for types when it connects: where that connection breaks, it rejects a promise of its own, which ends the process.',
    fix: 'Set fetch_types: false.',
  }
  return [hanging, fetching]
}
