import { Redis } from 'ioredis'
import pg from 'pg'
import postgres from 'postgres'
import { createClient } from 'redis'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { RefreshError } from '../../src/errors.ts'
import { driverCause } from '../../src/lib/harmless.ts'
import { migratePostgres, type PostgresClient } from '../../src/stores/postgres/index.ts'
import { readName } from '../../src/stores/postgres/name.ts'
import { PostgresTable } from '../../src/stores/postgres/table.ts'
import { connectionOf } from '../../src/stores/redis/client.ts'
import type { RedisClient } from '../../src/stores/redis/index.ts'
import { RedisTable } from '../../src/stores/redis/table.ts'
import { LeasedBackend } from '../../src/stores/shared/leased-backend.ts'
import { lockOf } from '../stores/hanging.ts'
import { has } from '../support/binaries.ts'
import { hasPostgres, sharedPostgres } from '../support/postgres-server.ts'
import { startRedisServer } from '../support/redis-server.ts'
import { type Relay, startRelay } from '../support/relay.ts'
import { everythingIn } from './everything.ts'

const SECRET = { token: { accessToken: 'CANARY-access', refreshToken: 'CANARY-refresh' } }
const [LEASE, TIMEOUT] = [5_000, 1_000]

/**
 * Writes a record, and replaces one, in trouble.
 *
 * @param trouble begins when the lock is there
 * @returns what the driver threw, and what is made of it
 */
async function failures(
  backend: LeasedBackend,
  trouble: () => unknown,
): Promise<{ readonly thrown: unknown[]; readonly explained: RefreshError[] }> {
  const lock = await lockOf(backend, 'me')
  await trouble()
  const thrown = [
    await lock.write(SECRET).catch((error: unknown) => error),
    await backend.replace('you', () => SECRET).catch((error: unknown) => error),
  ].filter((error) => error instanceof Error)
  expect(thrown.length).toBeGreaterThan(0)
  return { thrown, explained: thrown.map((error) => backend.explain(error)) }
}

/** What is wrong with what is made of errors. */
function leaksOf(explained: readonly RefreshError[]): unknown[] {
  return explained.filter(
    (error) =>
      !(error instanceof RefreshError) ||
      !/^store_(?:failed|invalid)$/.test(error.code) ||
      `${everythingIn(error)}${everythingIn(error.cause)}`.includes('CANARY'),
  )
}

/**
 * Gets a client into every trouble, side by side.
 *
 * @returns what is wrong, by trouble
 */
async function leaksIn<T>(
  troubles: Readonly<Record<string, T>>,
  leaks: (trouble: T) => Promise<unknown[]>,
): Promise<Record<string, unknown>> {
  const found = Object.entries(troubles).map(
    async ([what, trouble]) => [what, await leaks(trouble).catch(String)] as const,
  )
  return Object.fromEntries((await Promise.all(found)).filter(([, wrong]) => wrong.length > 0))
}

/** What drivers threw that held the record: what is tested here is not idle. */
const leaking = new Set<string>()
function note(driver: string, thrown: readonly unknown[]): void {
  if (thrown.some((error) => everythingIn(error).includes('CANARY'))) leaking.add(driver)
}

const isRedisThere = await has('redis-server', 'redis-server')

describe('Redis', () => {
  beforeEach(({ skip }) => skip(!isRedisThere))

  const clients: [string, (port: number) => Promise<RedisClient>][] = [
    [
      'ioredis',
      async (port) => {
        const client = new Redis(port, '127.0.0.1', { maxRetriesPerRequest: 0, socketTimeout: 3_000 })
        client.on('error', () => undefined)
        onTestFinished(() => client.disconnect())
        return client
      },
    ],
    [
      'ioredis with a limit for commands',
      async (port) => {
        const client = new Redis(port, '127.0.0.1', { commandTimeout: 3_000 })
        client.on('error', () => undefined)
        onTestFinished(() => client.disconnect())
        return client
      },
    ],
    [
      'node-redis',
      async (port) => {
        const socket = { host: '127.0.0.1', port, socketTimeout: 3_000, reconnectStrategy: () => 10 }
        const client = createClient({ socket, disableOfflineQueue: true })
        client.on('error', () => undefined)
        await client.connect()
        onTestFinished(() => client.destroy())
        return client
      },
    ],
  ]

  type Trouble = (relay: Relay, aside: Redis) => unknown
  const troubles: Readonly<Record<string, Trouble>> = {
    'a connection that is cut in the middle of a write, and a server that refuses then': (relay) => {
      void relay.cutAt("{ 'written'", 'request').then(() => (relay.mode = 'refusing'))
    },
    'a server that is silent': (relay) => (relay.mode = 'silent'),
    'a full memory': (_, aside) => aside.config('SET', 'maxmemory', '1'),
    'no permission': (_, aside) => aside.acl('SETUSER', 'default', '-hset'),
    'no scripts': (_, aside) => aside.acl('SETUSER', 'default', '-eval'),
    'another type': (_, aside) =>
      aside.multi().del('x:{me}', 'x:{you}').set('x:{me}', '1').set('x:{you}', '1').exec(),
    'a replica': (_, aside) => aside.replicaof('127.0.0.1', 1),
    'numbers that are none': (_, aside) =>
      aside.multi().hset('x:{me}', 'fence', '-1').hset('x:{you}', 'revision', '1e3').exec(),
  }

  test.each(clients)(
    '[E2, Z1] given %s and any trouble, when a write fails, then the error and its cause contain no part of the record',
    async (name, open) => {
      const leaks = await leaksIn(troubles, async (begin) => {
        const server = await startRedisServer({ isDurable: false, hasPort: true })
        onTestFinished(() => server.close())
        const relay = await startRelay({ host: '127.0.0.1', port: 0 }, { path: server.socket })
        onTestFinished(() => relay.close())
        const aside = new Redis(server.socket)
        onTestFinished(() => aside.disconnect())
        const table = new RedisTable(connectionOf(await open(relay.port)), 'x', LEASE)
        const backend = new LeasedBackend(table, { lease: LEASE, timeout: TIMEOUT })
        const { thrown, explained } = await failures(backend, () => begin(relay, aside))
        note(name.split(' ')[0] ?? '', thrown)
        return leaksOf(explained)
      })
      expect(leaks).toEqual({})
    },
  )

  test('[E2] given ioredis, when a write fails, then the driver’s own error contains the record', () => {
    expect(leaking).toContain('ioredis')
  })

  test('[E1] given a Redis that cannot be reached, when a command is sent, then the error names that Redis', async () => {
    const client = new Redis(1, 'localhost', { maxRetriesPerRequest: 0 })
    client.on('error', () => undefined)
    onTestFinished(() => client.disconnect())
    const table = new RedisTable(connectionOf(client), 'x', LEASE)
    const backend = new LeasedBackend(table, { lease: LEASE, timeout: TIMEOUT })
    const error: unknown = await backend.read('me').catch((thrown: unknown) => thrown)
    expect(backend.explain(error).message).toMatch(
      /^Redis at localhost:1 cannot be used: the connection is lost/,
    )
  })
})

const database = hasPostgres ? await sharedPostgres() : undefined

describe.runIf(database !== undefined)('PostgreSQL', () => {
  const connection = database?.connection ?? { host: '', port: 0, user: '', database: '' }
  const clients: [string, (port: number) => Promise<PostgresClient>][] = [
    [
      'pg',
      async (port) => {
        const pool = new pg.Pool({ ...connection, port, connectionTimeoutMillis: 2_000 })
        pool.on('error', () => undefined)
        onTestFinished(() => pool.end())
        return pool
      },
    ],
    [
      'a client of pg',
      async (port) => {
        const client = new pg.Client({ ...connection, port, query_timeout: 2_000 })
        client.on('error', () => undefined)
        await client.connect()
        onTestFinished(() => client.end())
        return client
      },
    ],
    [
      'postgres.js',
      async (port) => {
        const sql = postgres({
          ...connection,
          port,
          fetch_types: false,
          connect_timeout: 2,
          onnotice: () => undefined,
        })
        onTestFinished(() => sql.end({ timeout: 0 }))
        return sql
      },
    ],
  ]

  type Trouble = (relay: Relay, run: (sql: string) => Promise<unknown>, accounts: string) => unknown
  const leak = (accounts: string, how: string): string =>
    `CREATE FUNCTION ${accounts}_leak() RETURNS trigger AS $$ BEGIN ${how}; RETURN NEW; END $$ LANGUAGE plpgsql;
     CREATE TRIGGER leak BEFORE INSERT OR UPDATE ON ${accounts} FOR EACH ROW EXECUTE FUNCTION ${accounts}_leak()`
  const everywhere = `RAISE EXCEPTION USING MESSAGE = NEW.record, DETAIL = NEW.record, HINT = NEW.record, ERRCODE = 'CANAR', COLUMN = NEW.record, TABLE = NEW.record`
  const troubles: Readonly<Record<string, Trouble>> = {
    'a connection that is cut in the middle of a write, and a server that refuses then': (relay) => {
      void relay.cutAt('WITH before', 'request').then(() => (relay.mode = 'refusing'))
    },
    'a server that is silent': (relay) => (relay.mode = 'silent'),
    'no table': (_, run, accounts) => run(`ALTER TABLE ${accounts} RENAME TO ${accounts}_others`),
    'another column': (_, run, accounts) => run(`ALTER TABLE ${accounts} RENAME record TO recorded`),
    'a number for a column': (_, run, accounts) =>
      run(`ALTER TABLE ${accounts} ALTER record TYPE int USING 0`),
    'a short column': (_, run, accounts) => run(`ALTER TABLE ${accounts} ALTER record TYPE varchar(10)`),
    'a constraint': (_, run, accounts) =>
      run(`ALTER TABLE ${accounts} ADD CHECK (record NOT LIKE '%CANARY%')`),
    'a trigger that quotes': (_, run, accounts) => run(leak(accounts, `RAISE EXCEPTION 'no %', NEW.record`)),
    'a trigger that quotes everywhere': (_, run, accounts) => run(leak(accounts, everywhere)),
    'numbers that are none': (_, run, accounts) => run(`UPDATE ${accounts} SET fence = -1`),
  }
  let tables = 0

  test.each(clients)(
    '[E2, Z1] given %s and any trouble, when a write fails, then the error and its cause contain no part of the record',
    async (name, open) => {
      const admin = new pg.Pool({ ...connection, max: 3 })
      onTestFinished(() => admin.end())
      const leaks = await leaksIn(troubles, async (begin) => {
        const accounts = `accounts_${(tables += 1)}`
        await migratePostgres(admin, { table: accounts })
        const { host, port } = connection
        const relay = await startRelay({ host: '127.0.0.1', port: 0 }, { host, port })
        onTestFinished(() => relay.close())
        const table = new PostgresTable(await open(relay.port), {
          name: readName(accounts),
          lease: LEASE,
          timeout: 2_500,
        })
        const backend = new LeasedBackend(table, { lease: LEASE, timeout: TIMEOUT })
        const run = (sql: string): Promise<unknown> => admin.query(sql)
        const { thrown, explained } = await failures(backend, () => begin(relay, run, accounts))
        note(name, thrown)
        return leaksOf(explained)
      })
      expect(leaks).toEqual({})
    },
  )

  test('[E2] given pg and postgres.js, when a write fails, then the drivers’ own errors contain the record', () => {
    expect(leaking).toContain('pg')
    expect(leaking).toContain('postgres.js')
  })
})

describe('a cause', () => {
  test('[E2] given a host with several addresses, when no address can be reached, then the cause names each', () => {
    const refused = (address: string): Error =>
      Object.assign(new Error(`connect ECONNREFUSED ${address}:6379`), {
        code: 'ECONNREFUSED',
        address,
        port: 6379,
      })
    const cause = driverCause(
      Object.assign(new AggregateError([refused('::1'), refused('127.0.0.1')], 'no address answered'), {
        code: 'ECONNREFUSED',
      }),
    )
    expect(cause).toMatchObject({
      code: 'ECONNREFUSED',
      errors: [
        { message: 'connect ECONNREFUSED ::1:6379' },
        { message: 'connect ECONNREFUSED 127.0.0.1:6379' },
      ],
    })
  })

  test.each<[string, unknown]>([
    ['a text', 'CANARY'],
    ['nothing', undefined],
    [
      'a getter that throws',
      Object.defineProperty({}, 'message', {
        get: () => {
          throw new Error('CANARY')
        },
      }),
    ],
    ['a message', new Error('bad: CANARY')],
    ['several lines', new Error('read ECONNRESET\nCANARY')],
    ['a name', Object.assign(new Error('x'), { name: 'CANARY-1' })],
    ['a code', Object.assign(new Error('x'), { code: 'CANARY-1' })],
    ['an address', Object.assign(new Error('x'), { address: 'a b CANARY' })],
    ['a cause', new Error('x', { cause: new Error('y', { cause: { args: ['CANARY'] } }) })],
    ['a cause of several', new Error('x', { cause: new AggregateError([new Error('CANARY')], 'CANARY') })],
    ['a reply', new Error('OOM CANARY')],
  ])(
    '[E2, Z1] given %s that contains a record, when it becomes a cause, then the record is left out',
    (_, error) => {
      expect(everythingIn(driverCause(error))).not.toContain('CANARY')
    },
  )

  test('[E2] given an error that is its own cause, when it becomes a cause, then the chain ends', () => {
    const error = new Error('Connection terminated')
    const other = new Error('read ECONNRESET', { cause: error })
    Object.assign(error, { cause: other })
    expect(driverCause(error)).toMatchObject({
      message: 'Connection terminated',
      cause: { message: 'read ECONNRESET' },
    })
  })
})
