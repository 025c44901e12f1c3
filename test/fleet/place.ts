import type { Store } from '../../src/index.ts'
import { FileBackend } from '../../src/stores/file/backend.ts'
import { thisMachine } from '../../src/stores/file/machine.ts'
import { readName } from '../../src/stores/postgres/name.ts'
import { PostgresTable } from '../../src/stores/postgres/table.ts'
import type { PostgresClient } from '../../src/stores/postgres/types.ts'
import { connectionOf, type RedisClient } from '../../src/stores/redis/client.ts'
import { RedisTable } from '../../src/stores/redis/table.ts'
// What the processes of a fleet share, told in a way that one process can tell another.
import { ExclusiveStore } from '../../src/stores/shared/exclusive-store.ts'
import type { LeaseTable } from '../../src/stores/shared/lease-table.ts'
import { LeasedBackend } from '../../src/stores/shared/leased-backend.ts'
import type { Backend, OnStep } from '../../src/stores/shared/lock.ts'

/** Where the tokens are. */
export type Place =
  | { readonly kind: 'files'; readonly path: string }
  | {
      readonly kind: 'redis'
      readonly client: 'ioredis' | 'node-redis'
      readonly at: RedisAddress
    }
  | { readonly kind: 'postgres'; readonly client: 'pg' | 'postgres.js'; readonly at: string }

/** A socket of the file system, a port, or who is asked for it. */
export type RedisAddress =
  | { readonly path: string }
  | { readonly host: string; readonly port: number }
  | { readonly name: string; readonly sentinels: readonly { readonly host: string; readonly port: number }[] }

/** How it is opened. */
export interface Opening {
  /** ms */
  readonly lease?: number
  readonly timeout?: number
  readonly onStep?: OnStep
  /** Something between a store and its locks. */
  readonly through?: (backend: Backend) => Backend
  /** Something between a store and its server. */
  readonly behind?: (table: LeaseTable) => LeaseTable
}

/** A store, and what closes its connections. */
export interface Opened {
  readonly store: Store
  readonly close: () => Promise<void>
}

export async function open(place: Place, opening: Opening = {}): Promise<Opened> {
  const { onStep, through = (backend) => backend } = opening
  const { lease, timeout } = { lease: place.kind === 'files' ? 10_000 : 2_500, timeout: 60_000, ...opening }
  const { backend, close } = await backendOf(place, lease, timeout, opening)
  return { store: new ExclusiveStore(through(backend), { lease, timeout, onStep }), close }
}

async function backendOf(
  place: Place,
  lease: number,
  timeout: number,
  { onStep, behind = (table) => table }: Opening,
): Promise<{ backend: Backend; close: () => Promise<void> }> {
  if (place.kind === 'files') {
    const backend = new FileBackend({ path: place.path, lease, machine: thisMachine, onStep })
    return { backend, close: async () => undefined }
  }
  const { table, close } = await openTable(place, lease)
  return { backend: new LeasedBackend(behind(stepping(table, onStep)), { lease, timeout }), close }
}

/** The locks and records of a server. */
export async function openTable(
  place: Exclude<Place, { kind: 'files' }>,
  lease: number,
): Promise<{ table: LeaseTable; close: () => Promise<void> }> {
  if (place.kind === 'postgres') {
    const { client, close } = await connectPostgres(place)
    return { table: new PostgresTable(client, { name: readName('llm_refresh'), lease }), close }
  }
  const { client, close } = await connectRedis(place)
  return { table: new RedisTable(connectionOf(client), 'llm-refresh', lease), close }
}

async function connectPostgres({ client, at }: Place & { kind: 'postgres' }): Promise<{
  client: PostgresClient
  close: () => Promise<void>
}> {
  if (client === 'pg') {
    const { default: pg } = await import('pg')
    const pool = new pg.Pool({ connectionString: at })
    pool.on('error', () => undefined)
    return { client: pool, close: () => pool.end() }
  }
  const { default: postgres } = await import('postgres')
  const sql = postgres(at)
  return { client: sql, close: () => sql.end() }
}

async function connectRedis({ client, at }: Place & { kind: 'redis' }): Promise<{
  client: RedisClient
  close: () => Promise<void>
}> {
  if (client === 'ioredis') {
    // A CommonJS package that is a file of a program has its names there only.
    const { Redis } = (await import('ioredis')).default
    const redis = 'name' in at ? new Redis({ ...at, sentinels: [...at.sentinels] }) : new Redis(at)
    redis.on('error', () => undefined)
    return { client: redis, close: async () => redis.disconnect() }
  }
  const loaded = await import('redis')
  // Bundled it has a default export alone, and under tsx it has none.
  const { createClient } = 'createClient' in loaded ? loaded : loaded['default']
  if ('name' in at) throw new Error('node-redis asks no sentinels here')
  const socket = 'path' in at ? { path: at.path } : { host: at.host, port: at.port }
  const redis = createClient({ socket })
  redis.on('error', () => undefined)
  await redis.connect()
  return { client: redis, close: async () => redis.destroy() }
}

/** A table of which some operations are others. */
export function changed(table: LeaseTable, changes: Partial<LeaseTable>): LeaseTable {
  return {
    subscribe: table.subscribe,
    topic: table.topic && ((key) => table.topic?.(key) ?? key),
    read: (key) => table.read(key),
    take: (key, owner, known, mayTakeOver) => table.take(key, owner, known, mayTakeOver),
    extend: (key, owner, number) => table.extend(key, owner, number),
    write: (key, owner, row) => table.write(key, owner, row),
    swap: (key, seen, text) => table.swap(key, seen, text),
    free: (key, owner, abandoned, number) => table.free(key, owner, abandoned, number),
    place: (key) => table.place(key),
    isPassing: (error) => table.isPassing(error),
    isRefusal: (error) => table.isRefusal(error),
    explain: (error) => table.explain(error),
    ...changes,
  }
}

/** Announces what the server has done, and whose answer is not yet heard of. */
function stepping(table: LeaseTable, onStep: OnStep | undefined): LeaseTable {
  return changed(table, {
    take: async (key, owner, known, mayTakeOver) => {
      const taken = await table.take(key, owner, known, mayTakeOver)
      if (taken.type === 'lock') await onStep?.('taken')
      return taken
    },
    write: async (key, owner, row) => {
      const inForce = await table.write(key, owner, row)
      await onStep?.('written')
      return inForce
    },
  })
}
