import { memoryStore, type Store } from 'llm-refresh'
import { fileStore } from 'llm-refresh/stores/file'
import { migratePostgres, postgresStore } from 'llm-refresh/stores/postgres'
import { redisStore } from 'llm-refresh/stores/redis'

/** Where a fleet keeps its token. With `none` each process keeps its own. */
export interface StorePlace {
  readonly kind: 'none' | 'files' | 'Redis' | 'PostgreSQL'
  /** A folder, a socket, or a URL. */
  readonly at: string
}

export async function openStore({ kind, at }: StorePlace): Promise<{ store: Store; close: () => unknown }> {
  switch (kind) {
    case 'none':
      return { store: memoryStore(), close: () => undefined }
    case 'files':
      return { store: fileStore({ path: at }), close: () => undefined }
    case 'Redis': {
      const { Redis } = await import('ioredis')
      const redis = new Redis(at)
      return { store: redisStore(redis), close: () => redis.disconnect() }
    }
    case 'PostgreSQL': {
      const { default: pg } = await import('pg')
      const pool = new pg.Pool({ connectionString: at })
      await migratePostgres(pool)
      return { store: postgresStore(pool), close: () => pool.end() }
    }
    default:
      return kind satisfies never
  }
}
