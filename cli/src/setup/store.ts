import type { Store } from 'llm-refresh'
import type { StoreEntry } from 'llm-refresh/stores/file'
import type { Config } from '../config/read.ts'
import type { StoreDefinition } from '../config/schema.ts'
import { pathIn, secretReader } from '../config/secret.ts'
import { EXIT, Fault, isRefreshError, wrongInput } from '../lib/fault.ts'

/** A store that is open. */
export interface OpenStore {
  readonly name: string
  readonly definition: StoreDefinition
  readonly store: Store
  /** Finds an account's folder in a file store. undefined if the records of this store are no plain files. */
  readonly folderOf?: ((account: string) => string | undefined) | undefined
  /** The states of the store's accounts, without secrets. */
  readonly inspect: () => Promise<StoreEntry[]>
  /** Creates what the store needs before its first write. */
  readonly prepare: () => Promise<void>
  readonly close: () => Promise<void>
}

/** The longest wait, in ms, for a response on a connection. A connection that hangs must not outlast the lease of a lock. */
const SOCKET_TIMEOUT = 1_000

function storeDefinition({ stores }: Config, name: string): StoreDefinition {
  return stores?.[name] ?? { type: 'file' }
}

/** Opens a store of the configuration. The store's driver loads here. */
export async function openStore(config: Config, name: string): Promise<OpenStore> {
  const definition = storeDefinition(config, name)
  const opened = await open(definition, config, name).catch(async (error: unknown) => {
    // The library's message names the field, but not the store. Add the store's name.
    if (!isRefreshError(error) || error.message.startsWith(`stores.${name}`)) throw error
    const { RefreshError } = await import('../lib/library.ts')
    throw new RefreshError(error.code, `stores.${name}: ${error.message}`, { cause: error })
  })
  const { sealedWith } = definition
  if (sealedWith === undefined) return { ...opened, name, definition }
  const { sealedStore } = await import('llm-refresh/stores/sealed')
  const readers = sealedWith.map(({ id, secret }, at) => ({
    id,
    read: secretReader(secret, config.folder, `stores.${name}.sealedWith[${at}].secret`),
  }))
  const store = sealedStore(opened.store, async () => {
    const [first, ...others] = await Promise.all(
      readers.map(async ({ id, read }) => ({ id, secret: await read() })),
    )
    if (first === undefined) throw wrongInput(`stores.${name}.sealedWith must hold a key.`)
    return [first, ...others]
  })
  return { ...opened, folderOf: undefined, name, definition, store }
}

/** The longest wait for a lock, in ms. It is longer than a refresh takes. */
export const LOCKED = 8_000

/**
 * Acquires and releases the lock of an account. This shows that the user may write, and that the file system supports the locks.
 *
 * @returns false if another process did not release the lock in time
 */
export async function canLock({ store }: OpenStore, account: string): Promise<boolean> {
  const signal = AbortSignal.timeout(LOCKED)
  try {
    await store.update(account, () => Promise.resolve(undefined), { signal })
    return true
  } catch (error) {
    if (signal.aborted) return false
    throw error
  }
}

/** A store in memory for one command, if the credential's own store cannot be used. */
export async function inMemory(config: Config, credential: string): Promise<OpenStore> {
  const { memoryStore } = await import('../lib/library.ts')
  const name = config.credentials?.[credential]?.store ?? 'default'
  const nothing = async (): Promise<void> => undefined
  return {
    name,
    definition: storeDefinition(config, name),
    store: memoryStore(),
    inspect: async () => [],
    prepare: nothing,
    close: nothing,
  }
}

/** True if the driver can decode the user and the password of a URL. */
function isReadable(text: string): boolean {
  try {
    const { username, password } = new URL(text)
    decodeURIComponent(username + password)
    return true
  } catch {
    return false
  }
}

/** An account's folder in a file store. The library tells it only to this command, and does not document it. */
function placeOf(store: Store, account: string): string | undefined {
  const find: unknown = Reflect.get(store, 'placeOf')
  const place: unknown = typeof find === 'function' ? Reflect.apply(find, store, [account]) : undefined
  return typeof place === 'string' ? place : undefined
}

type Opened = Omit<OpenStore, 'name' | 'definition'>

async function open(definition: StoreDefinition, config: Config, name: string): Promise<Opened> {
  const nothing = async (): Promise<void> => undefined
  switch (definition.type) {
    case 'file': {
      const { fileStore, inspectFileStore } = await import('../lib/library.ts')
      const { type: _type, sealedWith: _sealedWith, path: given, ...locking } = definition
      const path = given === undefined ? undefined : pathIn(config.folder, given)
      const { trustParent } = locking
      const store = fileStore({ path, ...locking })
      return {
        store,
        folderOf: (account) => placeOf(store, account),
        inspect: () => inspectFileStore({ path, trustParent }),
        prepare: nothing,
        close: nothing,
      }
    }
    case 'redis': {
      const url = await secretReader(definition.url, config.folder, `stores.${name}.url`)()
      if (!/^rediss?:\/\//.test(url))
        throw wrongInput(`stores.${name}.url leads to no redis:// or rediss:// URL.`)
      if (!isReadable(url))
        throw wrongInput(
          `stores.${name}.url leads to a URL that cannot be read.`,
          'Encode its password: % is %25, @ is %40, / is %2F.',
        )
      const [{ Redis }, { redisStore, inspectRedisStore }] = await Promise.all([
        import('ioredis'),
        import('llm-refresh/stores/redis'),
      ])
      const redis = new Redis(url, {
        connectTimeout: 5_000,
        maxRetriesPerRequest: 2,
        retryStrategy: (times) => Math.min(times * 50, 500),
        socketTimeout: Math.min(SOCKET_TIMEOUT, ((definition.lease ?? 2_500) * 2) / 5),
      })
      // Ignore these errors: each command reports its own failure, and without a listener the driver would print them, too.
      redis.on('error', () => undefined)
      const { prefix, lease, timeout } = definition
      return {
        store: redisStore(redis, { prefix, lease, timeout }),
        inspect: () => inspectRedisStore(redis, { prefix }),
        prepare: nothing,
        close: async () => redis.disconnect(),
      }
    }
    case 'postgres': {
      const url = await secretReader(definition.url, config.folder, `stores.${name}.url`)()
      if (!/^postgres(?:ql)?:\/\//.test(url))
        throw wrongInput(`stores.${name}.url leads to no postgres:// URL.`)
      const [{ default: pg }, postgres] = await Promise.all([
        import('pg'),
        import('llm-refresh/stores/postgres'),
      ])
      const pool = new pg.Pool({ connectionString: url, connectionTimeoutMillis: 5_000, max: 4 })
      pool.on('error', () => undefined)
      const { table, lease, timeout } = definition
      return {
        store: postgres.postgresStore(pool, { table, lease, timeout }),
        inspect: () => postgres.inspectPostgresStore(pool, { table }),
        // Ignore a failure: a role may be allowed to use the table without being allowed to create it.
        prepare: () => postgres.migratePostgres(pool, { table }).catch(() => undefined),
        close: () => pool.end(),
      }
    }
    default:
      throw new Fault(EXIT.failed, 'This kind of store is not built in.')
  }
}
