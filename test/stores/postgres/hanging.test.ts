import pg from 'pg'
import postgres from 'postgres'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { PostgresClient } from '../../../src/stores/postgres/index.ts'
import { LeasedBackend } from '../../../src/stores/shared/leased-backend.ts'
import { type Relay, startRelay } from '../../support/relay.ts'
import { lockOf, outlives, type Requests, TOKEN, troublesOf } from '../hanging.ts'
import { clientOf, newTable, poolOf, sqlOf, storeOver, tableOf, withPostgres } from './world.ts'

/** A statement hangs for two fifths of the lease: far more than a slow machine takes to respond. */
const [LEASE, TIMEOUT] = [3_000, 60_000]

const requests: Requests = {
  read: 'SELECT revision::text, record, fence::text',
  take: 'WITH taken',
  extend: 'WITH extended',
  write: 'WITH before',
  swap: 'WITH clock',
  free: 'WITH freed',
}

await withPostgres((server) => {
  async function relayed(): Promise<Relay> {
    const { host, port } = server.connection
    const relay = await startRelay({ host: '127.0.0.1', port: 0 }, { host, port })
    onTestFinished(() => relay.close())
    return relay
  }

  function poolOver(relay: Relay, more: pg.PoolConfig = {}): pg.Pool {
    const pool = new pg.Pool({
      ...server.connection,
      port: relay.port,
      connectionTimeoutMillis: 1_200,
      ...more,
    })
    pool.on('error', () => undefined)
    onTestFinished(() => pool.end())
    return pool
  }

  function sqlOver(relay: Relay): postgres.Sql {
    const options = { ...server.connection, port: relay.port, fetch_types: false, connect_timeout: 1.2 }
    const sql = postgres({ ...options, onnotice: () => undefined })
    onTestFinished(() => sql.end({ timeout: 0 }))
    return sql
  }

  const backendOf = (client: PostgresClient, table: string, timeout = TIMEOUT): LeasedBackend =>
    new LeasedBackend(tableOf(client, table, LEASE), { lease: LEASE, timeout })

  const clients: [string, (relay: Relay) => PostgresClient][] = [
    ['a pool', (relay) => poolOver(relay)],
    ['a pool of one', (relay) => poolOver(relay, { max: 1 })],
    ['postgres.js', sqlOver],
  ]

  test('[S7, S9] given a connection of any client that hangs or is cut, while the request or the response is lost, when a statement is sent on it, then another connection carries it out once', async () => {
    const faults = await troublesOf(clients, async (open, trouble) => {
      const [relay, table] = [await relayed(), await newTable(server)]
      const backends = [backendOf(open(relay), table), backendOf(poolOf(server), table)] as const
      await outlives(relay, backends, requests, trouble)
    })
    expect(faults).toEqual([])
  })

  test('[S9] given a pool of one whose connection hangs while its holder refreshes, when another process wants the lock, then the holder keeps it', async () => {
    const [relay, table] = [await relayed(), await newTable(server)]
    const pool = poolOver(relay, { max: 1 })
    // After a statement has hung for two fifths of the lease, a tenth of it is left for a new connection.
    const lease = 12_000
    const [store, other] = [
      storeOver(tableOf(pool, table, lease, TIMEOUT), { lease, timeout: TIMEOUT }),
      storeOver(tableOf(poolOf(server), table, lease, TIMEOUT), { lease, timeout: TIMEOUT }),
    ]
    let next: Promise<unknown> = Promise.resolve()
    const { token } = await store.update('me', async (_, { signal, confirm }) => {
      next = other.update('me', async (current, { abandoned }) => {
        expect([current?.token, abandoned]).toEqual([TOKEN, false])
        return undefined
      })
      for (let renewals = 0; renewals < 3; renewals++) {
        await relay.hangAt('WITH extended', 'request')
        await confirm?.()
      }
      expect(signal.aborted).toBe(false)
      return { token: TOKEN }
    })
    expect(token).toEqual(TOKEN)
    await next
  })

  test('[S7] given a server that does not respond to any connection, when it returns, then a pool of one works again', async () => {
    const [relay, table] = [await relayed(), await newTable(server)]
    const backend = backendOf(poolOver(relay, { max: 1 }), table, 1_000)
    await backend.replace('me', () => ({ token: TOKEN }))
    relay.mode = 'silent'
    await expect(backend.read('me')).rejects.toThrow(/^(?:The server did not respond|Connection terminated)/)
    relay.mode = 'open'
    expect(await backend.read('me')).toMatchObject({ token: TOKEN })
  })

  test('[S7] given a process that is stopped while a response waits in its socket, when it goes on, then it reads the response before it judges the connection', async () => {
    const [relay, table] = [await relayed(), await newTable(server)]
    const pool = poolOver(relay, { max: 1 })
    const backend = backendOf(pool, table)
    await backend.read('me')
    const removed = vi.fn<() => void>()
    pool.on('remove', removed)
    const reading = backend.read('me')
    // The statement is sent in a later turn of the event loop.
    await new Promise((resolve) => setImmediate(resolve))
    await new Promise((resolve) => setImmediate(resolve))
    const until = performance.now() + LEASE
    while (performance.now() < until) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50)
    await reading
    expect(removed).not.toHaveBeenCalled()
  })

  test('[S7] given a pool whose connections are all in use, when a statement is sent, then it fails at its timeout, and a connection that arrives late goes back', async () => {
    const [relay, table] = [await relayed(), await newTable(server)]
    const pool = poolOver(relay, { max: 1, connectionTimeoutMillis: 0 })
    const taken = await pool.connect()
    const leases = tableOf(pool, table, LEASE, 100)
    await expect(leases.read('me')).rejects.toThrow('No connection of the pool became free within 100 ms.')
    taken.release()
    expect(await leases.read('me')).toBeUndefined()
    expect(pool.idleCount).toBe(1)
  })

  test('[S7] given a statement that the server refuses, then its connection stays in the pool', async () => {
    const pool = poolOver(await relayed(), { max: 1 })
    const removed = vi.fn<() => void>()
    pool.on('remove', removed)
    await expect(tableOf(pool, 'missing').read('me')).rejects.toMatchObject({ code: '42P01' })
    expect([removed.mock.calls.length, pool.idleCount]).toEqual([0, 1])
  })

  test('[S9] given a lock that the server has forgotten, when it is renewed, then its holder has it again; after a release it stays free', async () => {
    const [table, pool] = [await newTable(server), poolOf(server)]
    const backend = backendOf(pool, table)
    const lock = await lockOf(backend, 'me')
    await pool.query(`TRUNCATE ${table}`)
    expect(await lock.renew()).toBe(true)
    await pool.query(`TRUNCATE ${table}`)
    const releasing = lock.release(true)
    expect(await lock.renew()).toBe(false)
    await releasing
    const next = await lockOf(backend, 'me')
    expect(next.abandoned).toBe(true)
    // The lock is the next one's by now.
    expect(await lock.renew()).toBe(false)
    await next.release(false)
  })

  test('[S10] given a client that its user has ended, when a lock is renewed or written under, then that fails for good, and the error says so', async () => {
    const table = await newTable(server)
    const pool = new pg.Pool(server.connection)
    const sql = postgres({ ...server.connection, onnotice: () => undefined })
    const client = new pg.Client(server.connection)
    await client.connect()
    const closing: [PostgresClient, () => Promise<unknown>][] = [
      [pool, () => pool.end()],
      [sql, () => sql.end({ timeout: 0 })],
      [client, () => client.end()],
    ]
    for (const [number, [each, end]] of closing.entries()) {
      const backend = backendOf(each, table)
      const lock = await lockOf(backend, `closed ${number}`)
      await end()
      for (const ask of [() => lock.renew(), () => lock.write({ token: TOKEN })]) {
        const thrown: unknown = await ask().catch((error: unknown) => error)
        expect(backend.isFinal(thrown)).toBe(true)
        expect(backend.explain(thrown).message).toMatch(/was ended|does not connect again/)
      }
    }
  })

  test('[E1] given the settings of a client, then findings name the missing ones', async () => {
    const table = await newTable(server)
    const codes = (client: PostgresClient): string[] =>
      backendOf(client, table)
        .findings()
        .map(({ code }) => code)
    expect(codes(poolOf(server))).toEqual(['client_without_timeout'])
    expect(codes(poolOf(server, { connectionTimeoutMillis: 200 }))).toEqual([])
    expect(codes(await clientOf(server))).toEqual(['client_without_reconnect'])
    expect(codes(sqlOf(server, { max: 1 }))).toEqual([
      'client_with_one_connection',
      'client_without_timeout',
      'client_fetches_types',
      'client_reconnects_late',
    ])
    const fetching = { fetch_types: false, connect_timeout: 0.2 }
    expect(codes(sqlOf(server, fetching))).toEqual(['client_reconnects_late'])
    expect(codes(sqlOf(server, { ...fetching, backoff: (tries) => Math.min(tries / 20, 0.4) }))).toEqual([])
  })
})
