import pg from 'pg'
import { afterAll, expect, onTestFinished, test } from 'vitest'
import { hasPostgres, type PostgresServer, startPostgres } from '../support/postgres-server.ts'
import { startRelay } from '../support/relay.ts'
import { until } from '../support/until.ts'
import { type Fleet, startFleet } from './fleet.ts'
import { newDatabase } from './places.ts'

const clients = ['pg', 'postgres.js'] as const
/** The trial: each with both clients. */
const isTrial = process.env['PARTITIONS'] !== undefined
const CALLERS = 10
const ok: unknown = expect.objectContaining({ served: CALLERS, failures: [] })

interface World extends Fleet {
  readonly postgres: PostgresServer
  /** A connection of the test's own. */
  readonly aside: pg.Pool
}

/** One for all tests, a database for each. */
let ofFile: Promise<PostgresServer> | undefined
let databases = 0
afterAll(async () => {
  await (await ofFile)?.close()
})

/** @param latency ms, each way */
async function start(client: (typeof clients)[number], latency: number): Promise<World> {
  const postgres = await (ofFile ??= startPostgres({ durable: true }))
  const database = `fleet_${++databases}`
  await newDatabase(postgres, database)
  const aside = new pg.Pool({ ...postgres.connection, database })
  aside.on('error', () => undefined)
  onTestFinished(() => aside.end())
  const relay = await startRelay({ host: '127.0.0.1', port: 0 }, postgres.connection, { latency })
  onTestFinished(() => relay.close())
  const at = `postgres://postgres@127.0.0.1:${relay.port}/${database}`
  const fleet = await startFleet({ kind: 'postgres', client, at }, { processes: 3, callers: CALLERS })
  await fleet.round()
  return { ...fleet, postgres, aside }
}

/** Resolves when so many listen for notices. */
async function listening(aside: pg.Pool, count: number): Promise<void> {
  const statement = `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query ILIKE 'listen%'`
  await until(async () => (await aside.query(statement)).rows.length >= count)
}

const disruptions: Readonly<Record<string, (world: World) => Promise<unknown>>> = {
  'is killed and restarted': async ({ postgres }) => {
    await postgres.kill()
    await postgres.restart()
  },
  'cuts all connections': ({ aside }) =>
    aside.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`,
    ),
}

test
  .skipIf(!hasPostgres)
  .each(
    clients
      .flatMap((client) => Object.entries(disruptions).map(([does, disrupt]) => ({ client, does, disrupt })))
      .filter((_, n) => isTrial || n === 0 || n === 3),
  )(
  '[S1, S7] given a PostgreSQL that $does during a refresh, by $client, then one redemption is made, and no caller fails',
  async ({ client, disrupt }) => {
    const world = await start(client, 0)
    const { server, arriving, leaving, login, members, aside, round } = world
    const [first, ...others] = members
    if (first === undefined) throw new Error('no members')
    for (const gate of [arriving, leaving]) {
      server.expireAccessTokens()
      const before = login.redemptions()
      gate.hold(1)
      const rounds = [first.tell({ do: 'round' })]
      await gate.holding(1)
      rounds.push(...others.map((member) => member.tell({ do: 'round' })))
      await listening(aside, others.length)
      await disrupt(world)
      gate.release()
      expect(await Promise.all(rounds)).toEqual(members.map(() => ok))
      expect(login.redemptions()).toBe(before + 1)
    }
    expect(await round()).toEqual(members.map(() => ok))
    expect([login.redemptions(), login.refused(), login.revoked()]).toEqual([2, 0, false])
  },
  180_000,
)

test.skipIf(!hasPostgres).each(isTrial ? clients : clients.slice(0, 1))(
  '[S1] given 200 ms of latency between PostgreSQL and all processes, by %s, then one redemption is made, and no caller fails',
  async (client) => {
    const { server, login, members, round } = await start(client, 100)
    for (let expiry = 1; expiry <= 2; expiry++) {
      server.expireAccessTokens()
      expect(await round()).toEqual(members.map(() => ok))
      expect(login.redemptions()).toBe(expiry)
    }
    expect(login.revoked()).toBe(false)
  },
  180_000,
)
