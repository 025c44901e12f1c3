// Stores as their pages say that they are opened, told in a way that one process can tell another.
import { memoryStore, type Store } from '../../src/index.ts'
import { fileStore } from '../../src/stores/file/index.ts'
import { type PostgresClient, postgresStore } from '../../src/stores/postgres/index.ts'
import { type RedisClient, redisStore } from '../../src/stores/redis/index.ts'

/** What is the same for all stores. */
interface Locking {
  /** ms */
  readonly lease?: number | undefined
  /** ms */
  readonly timeout?: number
  readonly maxLocks?: number
}

/** A store, and its client. */
export type Opening = Locking &
  (
    | { readonly kind: 'memory' }
    | { readonly kind: 'files'; readonly path: string }
    | { readonly kind: 'redis'; readonly client: 'ioredis' | 'node-redis'; readonly port: number }
    | {
        readonly kind: 'postgres'
        readonly client: 'pg' | 'postgres.js'
        /** Connections. */
        readonly max: number
        readonly port: number
      }
  )

/** A store, and what closes its connections. */
export interface Opened {
  readonly store: Store
  readonly close: () => Promise<void>
}

export async function openAs(opening: Opening): Promise<Opened> {
  const { lease, timeout, maxLocks } = opening
  const locking = { lease, timeout, maxLocks }
  // Two fifths of a lease, which is what a client may take to notice a connection that hangs.
  const silence = ((lease ?? 2_500) * 2) / 5
  switch (opening.kind) {
    case 'memory':
      return { store: memoryStore(), close: async () => undefined }
    case 'files':
      return { store: fileStore({ path: opening.path, ...locking }), close: async () => undefined }
    case 'redis': {
      const { client, close } = await connectRedis(opening, silence)
      return { store: redisStore(client, locking), close }
    }
    case 'postgres': {
      const { client, close } = await connectPostgres(opening, silence)
      return { store: postgresStore(client, locking), close }
    }
    default:
      return opening satisfies never
  }
}

async function connectRedis(
  { client, port }: Opening & { kind: 'redis' },
  silence: number,
): Promise<{ client: RedisClient; close: () => Promise<void> }> {
  if (client === 'ioredis') {
    // A CommonJS package that is a file of a program has its names there only.
    const { Redis } = (await import('ioredis')).default
    const redis = new Redis(port, '127.0.0.1', {
      socketTimeout: silence,
      retryStrategy: (times) => Math.min(times * 50, 500),
    })
    redis.on('error', () => undefined)
    return { client: redis, close: async () => redis.disconnect() }
  }
  const loaded = await import('redis')
  // Bundled it has a default export alone, and under tsx it has none.
  const { createClient } = 'createClient' in loaded ? loaded : loaded['default']
  const redis = createClient({
    socket: {
      host: '127.0.0.1',
      port,
      socketTimeout: silence,
      reconnectStrategy: (retries) => Math.min(retries * 50, 500),
    },
    pingInterval: silence / 2,
  })
  redis.on('error', () => undefined)
  await redis.connect()
  return { client: redis, close: async () => redis.destroy() }
}

async function connectPostgres(
  { client, max, port }: Opening & { kind: 'postgres' },
  silence: number,
): Promise<{ client: PostgresClient; close: () => Promise<void> }> {
  const connection = { host: '127.0.0.1', port, user: 'postgres', database: 'postgres', max }
  if (client === 'pg') {
    const { default: pg } = await import('pg')
    const pool = new pg.Pool({ ...connection, connectionTimeoutMillis: silence })
    pool.on('error', () => undefined)
    return { client: pool, close: () => pool.end() }
  }
  const { default: postgres } = await import('postgres')
  const sql = postgres({
    ...connection,
    fetch_types: false,
    connect_timeout: silence / 1_000,
    backoff: (tries) => Math.min(tries / 20, 0.5),
    onnotice: () => undefined,
  })
  return { client: sql, close: () => sql.end({ timeout: 0 }) }
}
