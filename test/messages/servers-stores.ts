import { inspectPostgresStore, postgresStore } from '../../src/stores/postgres/index.ts'
import { redisStore } from '../../src/stores/redis/index.ts'
import type { StoreEntry } from '../../src/stores/shared/entry.ts'
import { Lease, readTime } from '../../src/stores/shared/lease.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { type Situation, situations } from './situation.ts'

/** What a server replies, or fails with. */
type Server = (...asked: unknown[]) => unknown

const rejecting =
  (message: string, more: object = {}): Server =>
  () => {
    throw Object.assign(new Error(message), more)
  }
/** What would be tried again is not, in so short a time. */
const BRIEFLY = { timeout: 1 }

const redis = (server: Server): { eval: Server } => ({ eval: async (...asked) => server(...asked) })
const readRedis = (server: Server): Promise<unknown> => redisStore(redis(server) as never, BRIEFLY).read('me')
const readRecord = (record: string): Promise<unknown> => readRedis(() => ['1', record, '1'])

const pg = (server: Server): { query: Server } => ({ query: async (...asked) => server(...asked) })
const readPostgres = (server: Server): Promise<unknown> =>
  postgresStore(pg(server) as never, BRIEFLY).read('me')
const rows =
  (row: object): Server =>
  () => ({ rows: [row] })

/** What a look into a store finds wrong. */
async function problemIn(entries: Promise<StoreEntry[]>): Promise<void> {
  for (const { problem } of await entries) if (problem !== undefined) throw problem
}

const REDIS = ['NOAUTH', 'WRONGPASS', 'NOPERM', 'OOM', 'WRONGTYPE', 'MISCONF', 'MOVED', 'READONLY']
const SQLSTATES = '42P01 42703 42P10 42501 3F000 3D000 28P01 25006 53100 53300 54000 22P05'.split(' ')
type Rows = Readonly<Record<string, Situation['bring']>>
const redisRefuses: Rows = Object.fromEntries(
  REDIS.map((code) => [`Redis refuses (${code})`, () => readRedis(rejecting(`${code} It is so.`))]),
)
const postgresRefuses: Rows = Object.fromEntries(
  SQLSTATES.map((code) => [
    `PostgreSQL refuses (${code})`,
    () => readPostgres(rejecting('It is so.', { code })),
  ]),
)

/** Redis, PostgreSQL, and what they hold. */
export const SERVER_STORE_SITUATIONS: readonly Situation[] = situations({
  'Redis is none': () => readRedis(() => 1),
  'Redis cannot be reached': () => readRedis(rejecting('connect ECONNREFUSED 127.0.0.1:6379')),
  'a client of Redis fails without a word': () => readRedis(rejecting('')),
  'Redis does not respond': () => readRedis(() => new Promise(() => undefined)),
  'the client of Redis was closed': () =>
    redisStore({ ...redis(rejecting('Connection is closed.')), status: 'end' } as never, BRIEFLY).read('me'),
  ...redisRefuses,
  'a record in Redis has a number that is none': () => readRedis(() => ['x', null, null]),
  'others change a record in Redis each time': () =>
    redisStore(redis((script) => (String(script).includes('swapped') ? ['changed'] : [])) as never, {
      timeout: 2,
    }).replace('me', () => ({ token: undefined })),

  'a record is no JSON': () => readRecord('x'),
  'a record is another program’s': () => readRecord('{"format":"x"}'),
  'a record is of a later version': () => readRecord('{"format":"llm-refresh/token","version":2}'),
  'a record is another account’s': () =>
    readRecord('{"format":"llm-refresh/token","version":1,"key":"you","token":null}'),
  'a record holds what is no token': () =>
    readRecord('{"format":"llm-refresh/token","version":1,"key":"me","token":{}}'),

  'PostgreSQL cannot be reached': () =>
    readPostgres(rejecting('connect ECONNREFUSED 127.0.0.1:5432', { code: 'ECONNREFUSED' })),
  'a driver of PostgreSQL fails without a code': () => readPostgres(rejecting('x')),
  'PostgreSQL fails with a code that is not known': () => readPostgres(rejecting('x', { code: 'XX000' })),
  'a Client of `pg` has lost its connection': () =>
    readPostgres(rejecting('Client has encountered a connection error and is not queryable')),
  'the pool of `pg` was ended': () =>
    readPostgres(rejecting('Cannot use a pool after calling end on the pool')),
  ...postgresRefuses,
  'a record in PostgreSQL has a number that is none': () =>
    readPostgres(rows({ revision: 'x', record: 'a', fence: '1' })),
  'a look into PostgreSQL finds a time that is none': () =>
    problemIn(
      inspectPostgresStore(
        pg(
          rows({
            key: 'me',
            revision: '1',
            record: 'a',
            written: '1',
            until: null,
            isOver: 'false',
            abandoned: 'false',
            isOdd: 'true',
            fence: '1',
          }),
        ) as never,
      ),
    ),

  'another process has taken the lock': async () => {
    const [{ monotonic, wall }, hour] = [readTime(), 3_600_000]
    const since = { monotonic: monotonic - hour, wall: wall - hour }
    const lease = new Lease(async () => false, 100, new ManualClock(), since)
    try {
      await lease.confirm()
    } finally {
      lease.end()
    }
  },
})
