import type { Store } from '../../credential/store.ts'
import { checkOptions, milliseconds } from '../../lib/options.ts'
import { readMaxLocks } from '../../lib/slots.ts'
import type { StoreEntry } from '../shared/entry.ts'
import { ExclusiveStore } from '../shared/exclusive-store.ts'
import { LeasedBackend } from '../shared/leased-backend.ts'
import { connectionOf, type RedisClient } from './client.ts'
import { inspectHashes } from './inspect.ts'
import { readPrefix } from './name.ts'
import { RedisTable } from './table.ts'

export type {
  IoRedisClient,
  IoRedisSubscriber,
  NodeRedisClient,
  NodeRedisSubscriber,
  OtherRedisClient,
  RedisClient,
} from './client.ts'

export type { StoreEntry, StoreEntryHolder } from '../shared/entry.ts'

/** Where in Redis a store is, and how it locks. */
export interface RedisStoreOptions {
  /**
   * What the names of its keys begin with: `llm-refresh:{me@example.com}`.
   * @default 'llm-refresh'
   */
  prefix?: string | undefined
  /**
   * How long a lock outlives the last sign of life of its holder, in ms: so long others wait for one that vanished. A holder gives a
   * sign of life five times in that time; where it is stopped for longer while it redeems a refresh token, another may redeem it, too.
   * @default 2_500
   */
  lease?: number | undefined
  /**
   * How long Redis may take to answer, in ms. For half of that, what fails for want of a connection is tried again.
   * @default 5_000
   */
  timeout?: number | undefined
  /**
   * How many locks the store takes at a time, for all accounts together; the others wait for their turn, in the order of asking.
   * @default 64
   */
  maxLocks?: number | undefined
}

/**
 * A store in Redis 6 or later, or in what speaks its language, for all hosts that reach it. The client is yours: it is used, and neither
 * configured nor closed. While somebody waits for a lock, a second connection (`duplicate()`) hears when it is given back.
 *
 * Redis has to keep what it is told: `appendonly yes`, with `appendfsync always` even in a crash, and `maxmemory-policy noeviction`.
 * A failover may forget a lock, or a token: the page on stores tells what that means.
 *
 * @throws RefreshError `invalid_option`; later `store_failed`, and `store_invalid` where a record is damaged or another program's
 * @example
 * const redis = new Redis(url)
 * const token = createCredential({ source: oauth({ issuer, clientId }), store: redisStore(redis), key: 'me@example.com' })
 */
export function redisStore(client: RedisClient, options: RedisStoreOptions = {}): Store {
  checkOptions(options, ['prefix', 'lease', 'timeout', 'maxLocks'])
  const { lease = 2_500, timeout = 5_000 } = options
  const prefix = readPrefix(options.prefix)
  const locking = {
    lease: milliseconds('lease', lease, 100),
    timeout: milliseconds('timeout', timeout, 1),
    maxLocks: readMaxLocks(options.maxLocks),
  }
  const table = new RedisTable(connectionOf(client), prefix, locking.lease)
  return new ExclusiveStore(new LeasedBackend(table, locking), locking)
}

/**
 * How the accounts of a Redis store stand, without secrets, in the order of their keys. It looks through the names of all keys that the
 * server has, some at a time, and holds nobody up; of a cluster, through those of every primary.
 *
 * @throws RefreshError `invalid_option`, `store_failed`
 * @example
 * for (const { key, state, holder } of await inspectRedisStore(redis)) console.log(key, state, holder)
 */
export async function inspectRedisStore(
  client: RedisClient,
  options: Pick<RedisStoreOptions, 'prefix'> = {},
): Promise<StoreEntry[]> {
  checkOptions(options, ['prefix'])
  return inspectHashes(connectionOf(client), readPrefix(options.prefix))
}
