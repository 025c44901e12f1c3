import { EventEmitter } from 'node:events'
import type pg from 'pg'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { AccessToken } from '../../../src/index.ts'
import { postgresStore } from '../../../src/stores/postgres/index.ts'
import type { PostgresTable } from '../../../src/stores/postgres/table.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import {
  clients,
  ending,
  eventually,
  hold,
  newTable,
  only,
  poolOf,
  storeOver,
  tableOf,
  withPostgres,
} from './world.ts'

const token: AccessToken = { accessToken: 'access-1' }

/** Calls of `take` that are answered. */
function answers(table: PostgresTable): () => Promise<number> {
  const take = vi.spyOn(table, 'take')
  return async () => {
    await Promise.all(take.mock.results.map(({ value }) => value))
    return take.mock.results.length
  }
}

await withPostgres((server) => {
  const listeners = async (pool: pg.Pool): Promise<number> => {
    const statement = `SELECT pid FROM pg_stat_activity WHERE query LIKE 'LISTEN%'`
    return (await pool.query(statement)).rows.length
  }

  // Time stands still for these waiters: they never look by themselves.
  test.each(clients.slice(0, 5))(
    '[S2] given a waiter over %s, when the lock is released, then the waiter wakes',
    async (_, open) => {
      for (const written of [undefined, token]) {
        const [name, client] = [await newTable(server), ending(await open(server))]
        const release = await hold(postgresStore(poolOf(server), { table: name }), 'me', written)
        const table = tableOf(client, name)
        const answered = answers(table)
        const waiting = storeOver(table, { clock: new ManualClock() }).update('me', async (current) => {
          expect(current?.token).toEqual(written)
          return { token: { accessToken: 'access-2' } }
        })
        // It has begun to listen, and has looked once more.
        await eventually(async () => expect(await answered()).toBe(2))
        await release()
        expect((await waiting).token).toEqual({ accessToken: 'access-2' })
      }
    },
  )

  test('given a waiter that gets no notifications, then it looks again after a pause', async () => {
    const [name, clock] = [await newTable(server), new ManualClock()]
    const release = await hold(postgresStore(poolOf(server), { table: name }), 'me')
    const table = tableOf(only(poolOf(server)), name)
    const answered = answers(table)
    let isIn = false
    const waiting = storeOver(table, { clock }).update('me', async () => {
      isIn = true
      return { token }
    })
    await eventually(async () => expect(await answered()).toBe(1))
    await release()
    expect(isIn).toBe(false)
    await eventually(() => clock.advance(25).then(() => expect(isIn).toBe(true)))
    await waiting
  })

  test('given waiters, then a connection listens only while one waits', async () => {
    const [name, pool] = [await newTable(server), poolOf(server)]
    const release = await hold(postgresStore(pool, { table: name }), 'me')
    expect(await listeners(pool)).toBe(0)
    const table = tableOf(pool, name)
    const waiting = storeOver(table).update('me', async () => ({ token }))
    await eventually(async () => expect(await listeners(pool)).toBe(1))
    await release()
    await waiting
    await eventually(async () => expect(await listeners(pool)).toBe(0))
  })

  test('given a listening connection that breaks, then nothing throws, and the next waiter listens with a new one', async () => {
    const [name, pool] = [await newTable(server), poolOf(server)]
    const holder = postgresStore(pool, { table: name })
    const [one, other] = [await hold(holder, 'one'), await hold(holder, 'other')]
    const table = tableOf(pool, name)
    const answered = answers(table)
    const store = storeOver(table, { clock: new ManualClock() })
    const first = store.update('one', async () => ({ token }))
    await eventually(async () => expect(await answered()).toBe(2))
    await pool.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'`)
    await eventually(async () => expect(await listeners(pool)).toBe(0))

    const second = store.update('other', async () => ({ token }))
    await eventually(async () => expect(await answered()).toBe(4))
    expect(await listeners(pool)).toBe(1)
    await other()
    await second
    // It hears of its own lock by the new connection.
    await one()
    await first
  })

  test('given a connection that breaks while it is made, then only the notifications fail', async () => {
    class Broken extends EventEmitter {
      processID = null
      connect(): Promise<void> {
        const error = new Error('Connection terminated')
        setImmediate(() => this.emit('error', error))
        return Promise.reject(error)
      }
      end(): Promise<void> {
        return Promise.reject(new Error('It was never there.'))
      }
      query(): void {}
    }
    const [name, { query }] = [await newTable(server), only(poolOf(server))]
    const { subscribe } = tableOf(Object.assign({ query }, { options: {}, Client: Broken }), name)
    const lost = vi.fn<() => void>()
    await expect(subscribe?.(vi.fn<() => void>(), lost, new AbortController().signal)).rejects.toThrow(
      'Connection terminated',
    )
    await eventually(() => expect(lost).toHaveBeenCalled())
  })

  test('given no further connection, then a waiter still gets the lock', async () => {
    const [name, admin] = [await newTable(server), poolOf(server)]
    await admin.query('CREATE ROLE limited LOGIN CONNECTION LIMIT 1')
    await admin.query(`GRANT SELECT, INSERT, UPDATE ON ${name} TO limited`)
    const pool = poolOf(server, { max: 1, user: 'limited' })
    const release = await hold(postgresStore(pool, { table: name }), 'me')
    const refused = tableOf(pool, name).subscribe?.(
      vi.fn<() => void>(),
      vi.fn<() => void>(),
      new AbortController().signal,
    )
    await expect(refused).rejects.toMatchObject({ code: '53300' })
    const waiting = postgresStore(pool, { table: name }).update('me', async () => ({ token }))
    await release()
    expect((await waiting).token).toEqual(token)
  })

  test('[Z1] given a notification, then it does not show the account', async () => {
    const [name, pool] = [await newTable(server), poolOf(server)]
    const client = await pool.connect()
    onTestFinished(() => client.release(true))
    await client.query(`LISTEN ${name}`)
    const heard: (string | undefined)[] = []
    client.on('notification', ({ payload }) => heard.push(payload))
    const store = postgresStore(pool, { table: name })
    for (const key of ['me@example.com', 'x'.repeat(1_000)]) await store.update(key, async () => ({ token }))
    await store.update('me@example.com', async () => undefined)
    await eventually(() => expect(heard).toHaveLength(3))
    expect(heard.filter((payload) => !/^[\da-f]{8}$/.test(payload ?? ''))).toEqual([])
    expect(new Set(heard).size).toBe(2)
  })
})
