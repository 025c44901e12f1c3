// Reads the options of a user's client.
import type { Finding } from '../../core/events.ts'
import { lateReconnect } from '../shared/late-reconnect.ts'
import { isSession, isSql } from './client.ts'
import { isPool } from './pool.ts'
import type { PostgresClient } from './types.ts'

/**
 * Finds settings of a user's client with which a connection that hangs would cost a lock.
 *
 * @param lease ms
 */
export function findingsOf(client: PostgresClient, lease: number): readonly Finding[] {
  if (isSql(client)) return ofSql(Reflect.get(client, 'options'), lease)
  if (isPool(client)) return ofPool(client.options, lease)
  return isSession(client) ? [ofSession()] : []
}

/** A pool makes its own connections, so only the pool's limit can end one that hangs while it connects. */
function ofPool(options: object, lease: number): readonly Finding[] {
  const limit: unknown = Reflect.get(options, 'connectionTimeoutMillis')
  if (typeof limit === 'number' && limit > 0 && limit < lease) return []
  const stands = typeof limit === 'number' && limit > 0 ? `is ${limit} ms` : 'is not set'
  return [
    {
      code: 'client_without_timeout',
      level: 'warning',
      message: `The pool of pg may wait too long for a new connection that hangs: its connectionTimeoutMillis ${stands}, and the lease is ${lease} ms. The lock of a refresh that is under way is lost then.`,
      fix: `Set connectionTimeoutMillis to at most ${Math.floor((lease * 2) / 5)} (ms: two fifths of the lease).`,
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

function ofSql(options: unknown, lease: number): readonly Finding[] {
  const option = (name: string): unknown => Reflect.get(Object(options), name) as unknown
  const findings: Finding[] = []
  if (option('max') === 1) {
    findings.push({
      code: 'client_with_one_connection',
      level: 'warning',
      message:
        'postgres.js may open one connection only (max: 1), and does not replace one that hangs: the lock of a refresh that is under way is lost then.',
      fix: 'Set max to 2 or more.',
    })
  }
  const limit = option('connect_timeout')
  if (!(typeof limit === 'number' && limit > 0 && limit * 1_000 < lease)) {
    findings.push({
      code: 'client_without_timeout',
      level: 'warning',
      message: `postgres.js may wait too long for a new connection that hangs: its connect_timeout is ${String(limit)} s, and the lease is ${lease} ms. The lock of a refresh that is under way is lost then.`,
      fix: `Set connect_timeout to at most ${(lease * 2) / 5_000} (s: two fifths of the lease).`,
    })
  }
  if (option('fetch_types') !== false) {
    findings.push({
      code: 'client_fetches_types',
      level: 'warning',
      message:
        'postgres.js asks for types when it connects. Where that connection breaks, a promise of its own is rejected that nobody handles, which ends the process.',
      fix: 'Set fetch_types: false.',
    })
  }
  const [strategy, example] = [option('backoff'), '(tries) => Math.min(tries / 20, 0.5)']
  const reconnecting = { driver: 'postgres.js', option: 'backoff', strategy, unit: 1_000, example }
  return [...findings, ...lateReconnect(reconnecting, lease)]
}
