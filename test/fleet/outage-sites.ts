import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { Redis } from 'ioredis'
import pg from 'pg'
import { migratePostgres } from '../../src/stores/postgres/index.ts'
import { whenGone } from '../support/leash.ts'
import { startPostgres } from '../support/postgres-server.ts'
import { startRedisServer } from '../support/redis-server.ts'
import { type Relay, startRelay } from '../support/relay.ts'
import type { Opening } from './outage-opening.ts'

const run = promisify(execFile)

/** What a store is asked for, and a piece of text that only this request has. */
export type Statement = 'take' | 'extend' | 'write' | 'swap' | 'free' | 'read'

/** A store that can be taken away from everyone, and comes back. */
export interface Site {
  readonly name: string
  readonly opening: Opening
  /** Over a relay of its own. */
  relayed?(): Promise<{ readonly relay: Relay; readonly opening: Opening }>
  readonly statements?: Readonly<Record<Statement, string>>
  begin(): Promise<void>
  end(): Promise<void>
  close(): Promise<void>
}

/** As Redis' scripts have them. */
const scripts: Readonly<Record<Statement, string>> = {
  read: `return redis.call('HMGET', KEYS[1], 'revision', 'record', 'fence')`,
  take: 'mayTakeOver',
  extend: `{ 'extended' }`,
  write: `{ 'written'`,
  swap: `{ 'swapped'`,
  free: 'isForgotten',
}

const sql: Readonly<Record<Statement, string>> = {
  read: 'SELECT revision::text, record, fence::text',
  take: 'WITH taken',
  extend: 'WITH extended',
  write: 'WITH before',
  swap: 'WITH clock',
  free: 'WITH freed',
}

/** @param how it is away: stopped, out of memory, or started again without its data */
export async function redisSite(
  client: 'ioredis' | 'node-redis',
  how: 'stopped' | 'out of memory' | 'restarted empty',
): Promise<Site> {
  const server = await startRedisServer({ hasPort: true })
  const { port, folder } = server
  const aside = new Redis(server.socket)
  aside.on('error', () => undefined)
  const opening: Opening = { kind: 'redis', client, port }
  const ways: Readonly<Record<typeof how, Pick<Site, 'begin' | 'end'>>> = {
    stopped: { begin: server.kill, end: server.start },
    'out of memory': {
      begin: async () => void (await aside.config('SET', 'maxmemory', '1')),
      end: async () => void (await aside.config('SET', 'maxmemory', '0')),
    },
    'restarted empty': {
      begin: async () => {
        await server.kill()
        await rm(join(folder, 'appendonlydir'), { recursive: true, force: true })
      },
      end: server.start,
    },
  }
  return {
    name: `Redis ${how}, by ${client}`,
    opening,
    statements: scripts,
    relayed: async () => {
      const relay = await startRelay({ host: '127.0.0.1', port: 0 }, { host: '127.0.0.1', port })
      return { relay, opening: { ...opening, port: relay.port } }
    },
    ...ways[how],
    close: async () => {
      aside.disconnect()
      await server.close()
    },
  }
}

/**
 * @param max connections
 * @param durable what was acknowledged outlives a kill, so that each write waits for the disk
 */
export async function postgresSite(client: 'pg' | 'postgres.js', max: number, durable = true): Promise<Site> {
  const server = await startPostgres({ durable, settings: { max_connections: 300 } })
  const { port } = server.connection
  const pool = new pg.Pool(server.connection)
  await migratePostgres(pool)
  await pool.end()
  const opening: Opening = { kind: 'postgres', client, max, port }
  return {
    name: `PostgreSQL stopped, by ${client} with ${max} connection${max === 1 ? '' : 's'}`,
    opening,
    statements: sql,
    relayed: async () => {
      const relay = await startRelay({ host: '127.0.0.1', port: 0 }, { host: '127.0.0.1', port })
      return { relay, opening: { ...opening, port: relay.port } }
    },
    begin: server.stop,
    end: server.restart,
    close: server.close,
  }
}

/** A file system of its own. It takes root. */
export async function filesSite(how: 'full' | 'read-only' | 'emptied'): Promise<Site> {
  const path = await mkdtemp(join(tmpdir(), 'llm-refresh-trial-'))
  await run('mount', ['-t', 'tmpfs', '-o', 'size=16m,mode=0700', 'tmpfs', path])
  const isOver = whenGone('umount -l "$0" && rm -rf "$0"', path)
  const store = join(path, 'store')
  const ways: Readonly<Record<typeof how, Pick<Site, 'begin' | 'end'>>> = {
    full: {
      begin: async () => {
        for (const size of [1_048_576, 4_096, 1]) {
          for (let n = 0; await fits(join(path, `fill-${size}-${n}`), 'x'.repeat(size)); n++);
        }
      },
      end: async () => {
        for (const name of await readdir(path)) if (name.startsWith('fill')) await rm(join(path, name))
      },
    },
    'read-only': { begin: () => remount(path, 'ro'), end: () => remount(path, 'rw') },
    emptied: {
      begin: async () => {
        await rm(store, { recursive: true, force: true, maxRetries: 20 })
        await remount(path, 'ro')
      },
      end: () => remount(path, 'rw'),
    },
  }
  return {
    name: `files, ${how}`,
    opening: { kind: 'files', path: store },
    ...ways[how],
    close: async () => {
      isOver()
      await run('umount', ['-l', path])
      await rm(path, { recursive: true, force: true })
    },
  }
}

function fits(path: string, text: string): Promise<boolean> {
  return writeFile(path, text).then(
    () => true,
    () => false,
  )
}

/** A file system that is being written to is busy for a moment. */
async function remount(path: string, how: 'ro' | 'rw'): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      await run('mount', ['-o', `remount,${how}`, path])
      return
    } catch (error) {
      if (tries === 200) throw error
      await sleep(10)
    }
  }
}
