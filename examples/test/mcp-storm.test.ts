import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import type { StorePlace } from '../../bench/stores-place.ts'
import { has } from '../../test/support/binaries.ts'
import { node22 } from '../../test/support/node-22.ts'
import { hasPostgres, startPostgres } from '../../test/support/postgres-server.ts'
import { startRedisServer } from '../../test/support/redis-server.ts'
import type { CallerName } from './mcp-callers.ts'
import { bundleMcpMember, startStorm } from './mcp-storm.ts'

const CALLERS = 5
const EXPIRIES = 3

/** Each pair of a client, a store and a number of processes occurs once. `npm run trial -- mcp` runs all combinations. */
const ROWS: readonly [client: CallerName, processes: number, store: StorePlace['kind']][] = [
  ['@modelcontextprotocol/sdk 1', 8, 'files'],
  ['@modelcontextprotocol/sdk 1', 2, 'Redis'],
  ['@modelcontextprotocol/sdk 1', 1, 'PostgreSQL'],
  ['@modelcontextprotocol/client 2', 1, 'files'],
  ['@modelcontextprotocol/client 2', 8, 'Redis'],
  ['@modelcontextprotocol/client 2', 2, 'PostgreSQL'],
  ['@ai-sdk/mcp 2', 2, 'files'],
  ['@ai-sdk/mcp 2', 1, 'Redis'],
  ['@ai-sdk/mcp 2', 8, 'PostgreSQL'],
]

const stores = {
  files: true,
  Redis: await has('redis-server', 'redis-server'),
  PostgreSQL: hasPostgres,
  none: false,
}
/** @ai-sdk/mcp requires Node 22. */
const newer = await node22()
const rows = ROWS.filter(
  ([client, , store]) => stores[store] && (newer !== undefined || client !== '@ai-sdk/mcp 2'),
)

let folder: string
let program: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mcp-storm-'))
  program = await bundleMcpMember(folder)
}, 60_000)
afterAll(() => rm(folder, { recursive: true, force: true }))

async function placeOf(kind: StorePlace['kind']): Promise<StorePlace> {
  if (kind === 'Redis') {
    const redis = await startRedisServer()
    onTestFinished(() => redis.close())
    return { kind, at: redis.socket }
  }
  if (kind === 'PostgreSQL') {
    const postgres = await startPostgres()
    onTestFinished(() => postgres.close())
    return { kind, at: postgres.url() }
  }
  return { kind, at: await mkdtemp(join(folder, 'store-')) }
}

test.each(rows)(
  '[A8] given %s in %i processes of 5 callers over %s, when tokens expire in the midst of calls, then no call fails, each expiry costs one redemption, and the login is kept',
  async (client, processes, kind) => {
    const node = client === '@ai-sdk/mcp 2' && newer !== undefined ? newer : process.execPath
    const login = await placeOf(kind)
    const storm = await startStorm(program, { client, processes, callers: CALLERS, login, node })
    onTestFinished(() => storm.close())
    const all = processes * CALLERS
    const everyone = { served: all, failed: 0, spared: all, error: undefined }
    expect(await storm.tell({ do: 'round' })).toEqual(everyone)
    for (let expiry = 1; expiry <= EXPIRIES; expiry++) {
      storm.server.expireAccessTokens()
      expect(await storm.tell({ do: 'round' })).toEqual(everyone)
      expect(storm.login.redemptions()).toBe(expiry)
    }
    expect([storm.login.refused(), storm.login.revoked()]).toEqual([0, false])
    expect(storm.server.tokenRequests()).toBe(EXPIRIES)
  },
  // On an idle machine this takes a few seconds.
  180_000,
)
