import { inspect } from 'node:util'
import type pg from 'pg'
import { expect, onTestFinished, test, vi } from 'vitest'
import { createCredential, RefreshError } from '../../../src/index.ts'
import { postgresStore } from '../../../src/stores/postgres/index.ts'
import { Account, numbered, storeWith } from '../../credential/account.ts'
import { GUARDED } from '../../support/postgres-server.ts'
import {
  clientOf,
  clients,
  ending,
  eventually,
  hold,
  newTable,
  poolOf,
  sqlOf,
  storeOver,
  tableOf,
  withOwnPostgres,
} from './world.ts'

const code = (expected: string, message = /./): unknown =>
  expect.objectContaining({ code: expected, message: expect.stringMatching(message) })

/** Breaks all connections but the one that says so. */
async function terminateAll(admin: pg.Pool): Promise<void> {
  await admin.query(
    `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
     WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`,
  )
}

await withOwnPostgres(
  (server) => {
    test('[S4, S7] given a server that is killed during a refresh and starts again, then nothing is lost', async () => {
      const table = await newTable(server)
      const store = postgresStore(poolOf(server), { table, lease: 60_000 })
      await storeWith(store, numbered(1), 'me')
      const { token } = await store.update('me', async () => {
        await server.kill()
        await server.restart()
        return { token: numbered(2) }
      })
      expect(token).toMatchObject(numbered(2))
      const other = postgresStore(sqlOf(server), { table })
      await other.update('me', async (current, { abandoned }) => {
        expect([current?.token?.accessToken, abandoned]).toEqual(['access-2', false])
        return undefined
      })
    })

    // A client of pg does not connect again.
    const lasting = clients.filter(([name]) => name !== 'a client of pg')
    test.each(lasting)(
      '[S4, S7] given connections that break at any step of an update over %s, then other connections replace them',
      async (_, open) => {
        const [table, admin, client] = [await newTable(server), poolOf(server), ending(await open(server))]
        const steps: string[] = []
        const terminate = async (step: string): Promise<void> => {
          steps.push(step)
          await terminateAll(admin)
        }
        const store = storeOver(tableOf(client, table), { onStep: terminate })
        for (const n of [1, 2]) await storeWith(store, numbered(n), 'me')
        await store.update('me', async () => undefined)
        await store.delete('me')
        expect(new Set(steps)).toEqual(new Set(['wanted', 'locked', 'changed', 'released']))
        expect(await store.read('me')).toMatchObject({ token: undefined })
      },
    )

    test.each([
      ['a connection that breaks', terminateAll],
      ['a server that is killed', () => server.kill().then(() => server.restart())],
    ])(
      '[S4, S7] given %s in the middle of a statement, then the statement is sent again',
      async (_, breakAll) => {
        for (const client of [poolOf(server), sqlOf(server)]) {
          const [table, admin] = [await newTable(server), poolOf(server)]
          // A statement that waits for the blocker counts as under way, however slow the machine is.
          const store = postgresStore(client, { table, timeout: 60_000, lease: 60_000 })
          await storeWith(store, numbered(1), 'me')
          const blocker = await clientOf(server)
          await blocker.query(`BEGIN; SELECT FROM ${table} FOR UPDATE`)
          const updated = store.update('me', async () => ({ token: numbered(2) }))
          const waiting = `SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'`
          await eventually(async () => expect((await admin.query(waiting)).rows).toHaveLength(1))
          await breakAll(admin)
          expect((await updated).token).toMatchObject(numbered(2))
        }
      },
    )

    test('given a waiter whose connections break, then it waits on', async () => {
      const [table, admin, pool] = [await newTable(server), poolOf(server), poolOf(server)]
      const release = await hold(postgresStore(admin, { table }), 'me', numbered(1))
      const waiting = postgresStore(pool, { table }).update('me', async () => ({ token: numbered(2) }))
      for (let round = 0; round < 3; round++) await terminateAll(admin)
      await release()
      expect((await waiting).token).toMatchObject(numbered(2))
    })

    test('given a Client of pg whose connection broke, then the error is clear', async () => {
      const [table, admin] = [await newTable(server), poolOf(server)]
      const client = await clientOf(server)
      const store = postgresStore(client, { table, timeout: 100 })
      const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
      await admin.query('SELECT pg_terminate_backend($1, 5000)', [rows[0]?.pid])
      await store.read('me').catch(() => undefined)
      await expect(store.read('me')).rejects.toEqual(code('store_failed', /use a Pool/))
    })

    test.each([
      ['a pool', (database: string) => poolOf(server, { database })],
      ['postgres.js', (database: string) => sqlOf(server, { database })],
    ])(
      'given a failure that only a person can mend, over %s, then the error comes at once and says what to do',
      async (_, open) => {
        const table = await newTable(server)
        const [began, timeout] = [performance.now(), 120_000]
        const missing = postgresStore(open('postgres'), { table: 'missing', timeout })
        await expect(missing.read('me')).rejects.toEqual(
          code('store_failed', /there is no such table: create it/),
        )
        const nowhere = postgresStore(open('nowhere'), { table, timeout })
        await expect(nowhere.update('me', async () => ({ token: numbered(1) }))).rejects.toEqual(
          code('store_failed', /no such database/),
        )
        expect(performance.now() - began).toBeLessThan(60_000)
      },
      180_000,
    )

    test('[Z1] given a wrong password, then the error says so, and does not show it', async () => {
      const [table, admin] = [await newTable(server), poolOf(server)]
      await admin.query(`CREATE ROLE ${GUARDED} LOGIN PASSWORD 'right'`)
      const wrong = { user: GUARDED, password: 'canary-password' }
      for (const client of [poolOf(server, wrong), sqlOf(server, wrong)]) {
        const error: unknown = await postgresStore(client, { table, timeout: 60_000 })
          .update('me', async () => ({ token: { accessToken: 'canary-token' } }))
          .catch((reason: unknown) => reason)
        expect(error).toEqual(code('store_failed', /refuses this role or its password/))
        expect(inspect(error, { depth: 9, showHidden: true })).not.toMatch(/canary/)
      }
    })

    test('[S7] given a read-only server, over pg and postgres.js, then reads succeed, and locks fail', async () => {
      const table = await newTable(server)
      await storeWith(postgresStore(poolOf(server), { table }), numbered(1), 'me')
      const readers = [
        poolOf(server, { options: '-c default_transaction_read_only=on' }),
        sqlOf(server, { connection: { default_transaction_read_only: true } }),
      ]
      const asked = readers.map(async (client) => {
        expect((await postgresStore(client, { table }).read('me'))?.token).toMatchObject(numbered(1))
        const standby = postgresStore(client, { table, timeout: 2_000 })
        const update = standby.update('me', async () => ({ token: numbered(2) }))
        await expect(update).rejects.toEqual(code('store_failed', /only reads: it is a standby/))
      })
      await Promise.all(asked)
    })

    test('[S7] given a standby that takes over, then it is asked again within the timeout', async () => {
      const [table, admin, pool] = [await newTable(server), poolOf(server), poolOf(server)]
      const store = postgresStore(pool, { table })
      const set = async (how: string): Promise<void> => {
        await admin.query(`ALTER SYSTEM ${how}`)
        await admin.query('SELECT pg_reload_conf()')
      }
      onTestFinished(() => set('RESET default_transaction_read_only'))
      await set('SET default_transaction_read_only = on')
      const shown = `SELECT current_setting('default_transaction_read_only') AS shown`
      await eventually(async () => expect((await pool.query(shown)).rows).toEqual([{ shown: 'on' }]))
      // Each statement checks out a client of its own.
      const connect = vi.spyOn(pool, 'connect')
      const updated = store.update('me', async () => ({ token: numbered(1) }))
      await eventually(() => expect(connect.mock.results.length).toBeGreaterThan(1))
      await set('RESET default_transaction_read_only')
      expect((await updated).token).toMatchObject(numbered(1))
    })

    test('[S7] given a server that is down, over pg and postgres.js, then no rotating token is refreshed without its lock, and a valid one is used', async () => {
      const worlds = [poolOf(server), sqlOf(server)].map(async (client) => {
        const store = postgresStore(client, { table: await newTable(server), timeout: 500 })
        await storeWith(store, numbered(1))
        const account = new Account()
        const token = createCredential({ source: account, store, cooldown: 0 })
        return { account, token, held: await token.snapshot() }
      })
      const opened = await Promise.all(worlds)
      for (const down of [() => server.stop(), () => server.kill()]) {
        await down()
        const refused = opened.map(async ({ account, token, held }) => {
          const error: unknown = await token.refresh(held).catch((reason: unknown) => reason)
          expect(error).toEqual(code('store_failed', /cannot be reached|did not respond within 500 ms/))
          expect(error).toBeInstanceOf(RefreshError)
          expect(account.redemptions).toBe(0)
          expect(await token.snapshot()).toEqual(held)
        })
        await Promise.all(refused)
        await server.restart()
      }
      const refreshed = opened.map(async ({ account, token, held }) => {
        await eventually(async () => expect((await token.refresh(held)).value).toMatchObject(numbered(2)))
        expect(account.redemptions).toBe(1)
      })
      await Promise.all(refreshed)
    })
  },
  { durable: true },
)
