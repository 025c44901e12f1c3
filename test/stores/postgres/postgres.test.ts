import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inspect } from 'node:util'
import type postgres from 'postgres'
import { expect, expectTypeOf, test } from 'vitest'
import type { RecordContent } from '../../../src/credential/store.ts'
import type { AccessToken, Store } from '../../../src/index.ts'
import {
  inspectPostgresStore,
  migratePostgres,
  type PostgresClient,
  postgresSchema,
  postgresStore,
} from '../../../src/stores/postgres/index.ts'
import { clientOf, hold, newTable, poolOf, sqlOf, withPostgres } from './world.ts'

const code = (expected: string, message = /./): unknown =>
  expect.objectContaining({ code: expected, message: expect.stringMatching(message) })
const token = (name: string): AccessToken => ({
  accessToken: `access-${name}`,
  refreshToken: `refresh-${name}`,
})

const record = (name: string): RecordContent => ({ token: token(name) })

/** Takes the lock, and is never heard of again. */
async function vanish(store: Store, key: string): Promise<void> {
  await new Promise<void>((resolve) => {
    const never = store.update(key, () => {
      resolve()
      return new Promise(() => undefined)
    })
    never.catch(() => undefined)
  })
}

await withPostgres((server) => {
  test('given every client of pg and postgres.js, then the store takes it, by its types too', async () => {
    const table = await newTable(server)
    const [pool, sql] = [poolOf(server), sqlOf(server)]
    const client = await clientOf(server)
    const [pooled, reserved] = [await pool.connect(), await sql.reserve()]
    const stores = [
      postgresStore(pool, { table }),
      postgresStore(client, { table }),
      postgresStore(pooled, { table }),
      postgresStore(sql, { table }),
      postgresStore(reserved, { table }),
    ]
    for (const [n, store] of stores.entries()) {
      const { token: written } = await store.update('me', async () => record(String(n)))
      expect(written).toMatchObject(token(String(n)))
    }
    pooled.release()
    reserved.release()
    // The lock would be there for nobody else until it commits.
    expectTypeOf<postgres.TransactionSql>().not.toExtend<PostgresClient>()
  })

  test('given a client that changes rows and columns, then the store works', async () => {
    const table = await newTable(server)
    const shout = { from: (name: string) => name.toUpperCase() }
    const int8 = { to: 20, from: [20], serialize: String, parse: BigInt }
    const sql = sqlOf(server, { transform: { column: shout, undefined: null }, types: { bigint: int8 } })
    const { revision } = await postgresStore(sql, { table }).update('me', async () => record('1'))
    expect(await postgresStore(poolOf(server), { table }).read('me')).toMatchObject({
      revision,
      token: token('1'),
    })
    expect(await inspectPostgresStore(sql, { table })).toMatchObject([
      { key: 'me', revision, state: 'stored' },
    ])
  })

  test('given keys that the server cannot store unchanged, then each has its own row, and ordinary keys are stored unchanged', async () => {
    const table = await newTable(server)
    const pool = poolOf(server)
    const store = postgresStore(pool, { table })
    const keys = [
      'me@example.com',
      'a\0b',
      'ab',
      '\uD800',
      '\uDC00',
      '\uFFFD',
      'json:"a\\u0000b"',
      'json:',
      '\\',
      'é',
      'e\u0301',
    ]
    for (const key of keys) await store.update(key, async () => record(key))
    for (const key of keys) expect((await store.read(key))?.token?.accessToken).toBe(`access-${key}`)
    const entries = await inspectPostgresStore(pool, { table })
    expect(entries.map(({ key }) => key ?? '').toSorted()).toEqual(keys.toSorted())
    const { rows } = await pool.query(`SELECT FROM ${table} WHERE key = 'me@example.com'`)
    expect(rows).toHaveLength(1)
    const long = store.read('x'.repeat(100_000))
    await expect(long).resolves.toBeUndefined()
    const random = Array.from({ length: 3_000 }, (_, n) => ((n * 7_919) % 1_000).toString(36)).join('')
    await expect(store.update(random, async () => record('1'))).rejects.toEqual(
      code('store_failed', /the key is longer than an index takes/),
    )
  })

  test('given many processes that make the table at once, then it is made once', async () => {
    const [pool, sql] = [poolOf(server), sqlOf(server)]
    for (let round = 0; round < 5; round++) {
      const table = `Made_${round}`
      const made = Array.from({ length: 8 }, (_, n) => migratePostgres(n % 2 === 0 ? pool : sql, { table }))
      expect(await Promise.all(made)).toHaveLength(8)
      await postgresStore(pool, { table }).update('me', async () => record('1'))
      await migratePostgres(pool, { table })
      expect((await postgresStore(sql, { table }).read('me'))?.token).toMatchObject(token('1'))
    }
  })

  test('given the statement of postgresSchema(), then it makes the table in any schema', async () => {
    const pool = poolOf(server)
    await pool.query('CREATE SCHEMA auth')
    const table = 'auth.tokens'
    await pool.query(postgresSchema({ table }))
    await pool.query(postgresSchema({ table }))
    await postgresStore(pool, { table }).update('me', async () => record('1'))
    const elsewhere = poolOf(server, { options: '-c search_path=auth' })
    expect((await postgresStore(elsewhere, { table: 'tokens' }).read('me'))?.token).toMatchObject(token('1'))
    expect(await postgresStore(pool, { table: 'auth.tokens' }).read('me')).toBeDefined()
  })

  test('given the page on PostgreSQL, then it shows the statement of postgresSchema()', async () => {
    const page = await readFile(join(import.meta.dirname, '../../../docs/stores/postgres.md'), 'utf8')
    expect(page).toContain(`\`\`\`sql\n${postgresSchema()}\n\`\`\``)
  })

  test('given a role with SELECT, INSERT and UPDATE on the table, then the store works', async () => {
    const [table, pool] = [await newTable(server), poolOf(server)]
    await pool.query('CREATE ROLE app LOGIN')
    const app = poolOf(server, { user: 'app' })
    const store = postgresStore(app, { table })
    await expect(store.read('me')).rejects.toEqual(
      code('store_failed', /grant it SELECT, INSERT and UPDATE on it/),
    )
    await pool.query(`GRANT SELECT, INSERT, UPDATE ON ${table} TO app`)
    await migratePostgres(app, { table })
    await store.update('me', async () => record('1'))
    await store.update('me', async () => undefined)
    await store.delete('me')
    expect(await inspectPostgresStore(app, { table })).toMatchObject([{ key: 'me', state: 'logged_out' }])
    await pool.query('REVOKE CREATE ON SCHEMA public FROM public')
    const made = migratePostgres(app, { table: 'another' })
    await expect(made).rejects.toEqual(code('store_failed', /CREATE on its schema/))
  })

  test.each([
    ['is damaged', (text: string) => text.slice(0, 40)],
    ['is empty', () => ''],
    ['is of another program', () => '{"access_token":"x"}'],
    ['is of a later version', (text: string) => text.replace('"version":1', '"version":2')],
    ['is of another account', (text: string) => text.replace('"key":"me"', '"key":"you"')],
    ['holds no token', (text: string) => text.replaceAll('accessToken', 'nothing')],
  ])('[S6] given a record that %s, then the error is clear, and the record stays', async (_, damage) => {
    const [table, pool] = [await newTable(server), poolOf(server)]
    const store = postgresStore(pool, { table })
    await store.update('me', async () => record('1'))
    const recordOf = async (): Promise<string> =>
      String((await pool.query<{ record: string }>(`SELECT record FROM ${table}`)).rows[0]?.record)
    const foreign = damage(await recordOf())
    await pool.query(`UPDATE ${table} SET record = $1`, [foreign])
    let isAsked = false
    const change = async (): Promise<RecordContent> => {
      isAsked = true
      return record('2')
    }
    const invalid = code(
      'store_invalid',
      /^The record of "me" in the table \w+ .* move it away, and log in again/,
    )
    await expect(store.read('me')).rejects.toEqual(invalid)
    await expect(store.update('me', change)).rejects.toEqual(invalid)
    expect([isAsked, await recordOf()]).toEqual([false, foreign])
    expect(await inspectPostgresStore(pool, { table })).toMatchObject([
      { state: 'unreadable', problem: invalid },
    ])

    await pool.query(`UPDATE ${table} SET record = NULL`)
    expect((await store.update('me', change)).token).toMatchObject(token('2'))
  })

  test.each([
    ['replaces no newer one', token('newer')],
    ['is kept if nothing is newer', undefined],
  ])('[S4] given a holder that writes after its lease, then its record %s', async (_, written) => {
    const [table, pool] = [await newTable(server), poolOf(server)]
    const [paused, other] = [
      postgresStore(pool, { table, lease: 60_000 }),
      postgresStore(sqlOf(server), { table }),
    ]
    const finish = await hold(paused, 'me', token('late'))
    await pool.query(`UPDATE ${table} SET until = clock_timestamp()`)
    await other.update('me', async (current, { abandoned }) => {
      expect([current, abandoned]).toEqual([undefined, true])
      return written && { token: written }
    })
    const inForce = written ?? token('late')
    expect(await finish()).toMatchObject({ token: inForce })
    expect((await other.read('me'))?.token).toMatchObject(inForce)
  })

  test('[Z1] given accounts in any state, then their inspection shows no secret', async () => {
    const [table, pool] = [await newTable(server), poolOf(server, { password: 'canary' })]
    const store = postgresStore(pool, { table, lease: 60_000 })
    const began = Date.now()
    await store.update('d', async () => ({ token: { ...token('1'), expiresAt: 1_893_456_000_000 } }))
    await store.update('c', async () => record('2'))
    await store.delete('c')
    await store.update('b', async () => undefined)
    await vanish(store, 'a')
    await vanish(store, 'e')
    await pool.query(`UPDATE ${table} SET until = clock_timestamp() WHERE key = 'e'`)
    const entries = await inspectPostgresStore(pool, { table })
    expect(
      entries.map(({ key, state, canRefresh, isAbandoned }) => [key, state, canRefresh, isAbandoned]),
    ).toEqual([
      ['a', 'empty', false, false],
      ['b', 'empty', false, false],
      ['c', 'logged_out', false, false],
      ['d', 'stored', true, false],
      ['e', 'empty', false, true],
    ])
    expect(entries[0]?.holder).toEqual({ until: expect.closeTo(began + 60_000, -4), isGone: false })
    expect(entries[4]?.holder).toMatchObject({ isGone: true })
    expect(entries[3]).toMatchObject({ expiresAt: 1_893_456_000_000, holder: undefined, problem: undefined })
    expect(entries[3]?.writtenAt).toBeGreaterThanOrEqual(began)
    expect(inspect([entries, store], { depth: 9, showHidden: true })).not.toMatch(
      /access-\d|refresh-\d|canary/,
    )
  })

  test.each([
    [{ table: '' }, /'table' must be a name, or schema\.name, of letters, digits and _/],
    [{ table: 'a.b.c' }, /'table' must be/],
    [{ table: 'x"; DROP TABLE y' }, /'table' must be/],
    [{ table: 'x'.repeat(64) }, /'table' must be/],
    [{ table: 7 as unknown as string }, /'table' must be .* not 7/],
    [{ lease: 1 }, /'lease' must be ms from 100, not 1/],
    [{ timeout: 0 }, /'timeout' must be ms from 1, not 0/],
    [{ schema: 'x' } as { table?: string }, /'schema' does not exist; there are table/],
  ])('given invalid options, then postgresStore() throws a clear error', (options, message) => {
    expect(() => postgresStore(poolOf(server), options)).toThrow(message)
  })

  test.each(['postgres://u:canary@h/d', undefined, {}])(
    'given an object that is no client, then postgresStore() throws a clear error',
    (client) => {
      const open = (): Store => postgresStore(client as unknown as PostgresClient)
      expect(open).toThrow(/'client' must be a client of pg or postgres\.js, not/)
      expect(open).not.toThrow(/canary/)
    },
  )
})
