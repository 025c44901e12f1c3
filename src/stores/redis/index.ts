import type { Store } from '../../credential/store.ts'
import { checkedOptions, from, type OptionTable } from '../../lib/options.ts'
import { MAX_LOCKS } from '../../lib/slots.ts'
import type { StoreEntry } from '../shared/entry.ts'
import { ExclusiveStore } from '../shared/exclusive-store.ts'
import { LeasedBackend } from '../shared/leased-backend.ts'
import { connectionOf, type RedisClient } from './client.ts'
import { inspectHashes } from './inspect.ts'
import { PREFIX } from './name.ts'
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

/** Options of a Redis store. */
export interface RedisStoreOptions {
  /**
   * The beginning of the names under which the store keeps accounts in Redis: `llm-refresh:{me@example.com}`.
   * @default 'llm-refresh'
   */
  prefix?: string | undefined
  /**
   * How long a lock outlives its holder's last sign of life, in ms. A holder gives five signs per lease. If a holder vanishes, waiters wait
   * that long. If a holder is stopped for longer while it redeems a refresh token, another process may redeem that token too.
   * @default 2_500
   */
  lease?: number | undefined
  /**
   * How long Redis may take to respond, in ms. After a failed connection the store tries again for half of that time.
   * @default 5_000
   */
  timeout?: number | undefined
  /**
   * The number of locks that the store holds or waits for at a time, for all accounts together. The other accounts wait for their turn.
   * @default 64
   */
  maxLocks?: number | undefined
}

const OPTIONS = {
  prefix: PREFIX,
  lease: [from(100), 2_500],
  timeout: [from(1), 5_000],
  maxLocks: MAX_LOCKS,
} satisfies OptionTable<RedisStoreOptions>

/**
 * A store in Redis 6 or later, or a compatible server, for all hosts that reach the server. The store uses your client, and neither
 * configures nor closes it. While a caller waits for a lock, a second connection (`duplicate()`) receives the lock's release.
 *
 * Configure Redis so that it loses no data: `appendonly yes`, with `appendfsync always` to survive a crash, and `maxmemory-policy
 * noeviction`. A failover may lose a lock, or a token: the page on stores explains the consequences.
 *
 * @throws RefreshError `invalid_option`; later `store_failed`, and `store_invalid` if a record is damaged or of another program
 * @example
 * const redis = new Redis(url)
 * const token = createCredential({ source: oauth({ issuer, clientId }), store: redisStore(redis), key: 'me@example.com' })
 */
export function redisStore(client: RedisClient, options: RedisStoreOptions = {}): Store {
  const { prefix, ...locking } = checkedOptions(options, OPTIONS)
  const table = new RedisTable(connectionOf(client), prefix, locking.lease)
  return new ExclusiveStore(new LeasedBackend(table, locking), locking)
}

/**
 * The state of each account in a Redis store, without secrets, in the order of their keys. It scans the names of all keys on the server,
 * some at a time, and blocks no other client. In a cluster it scans every primary.
 *
 * @throws RefreshError `invalid_option`, `store_failed`
 * @example
 * for (const { key, state, holder } of await inspectRedisStore(redis)) console.log(key, state, holder)
 */
export async function inspectRedisStore(
  client: RedisClient,
  options: Pick<RedisStoreOptions, 'prefix'> = {},
): Promise<StoreEntry[]> {
  const { prefix } = checkedOptions(options, { prefix: PREFIX })
  return inspectHashes(connectionOf(client), prefix)
}
