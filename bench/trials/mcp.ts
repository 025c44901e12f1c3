import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { node22 } from '../../test/support/node-22.ts'
import { startPostgres } from '../../test/support/postgres-server.ts'
import { startRedisServer } from '../../test/support/redis-server.ts'
import type { StorePlace } from '../stores-place.ts'
import { type Battery, type Figure, list, seconds, setting } from './trial.ts'

/** s: the life of an access token. */
const LIFE = 3
/** s: a token is refreshed this much before its end, which is a tenth of its life. */
const AHEAD = LIFE / 10
/** ms: the token endpoint's latency, and a caller's pause after each call. */
const [LATENCY, PAUSE] = [50, 250]
const CALLERS = 5

/** As much of the storm as is needed here. It is installed with the examples. */
interface Storms {
  readonly bundleMcpMember: (folder: string) => Promise<string>
  readonly startStorm: (program: string, options: object) => Promise<Storm>
}
interface Storm {
  readonly login: {
    redemptions(): number
    refused(): number
    revoked(): boolean
    issuedAt(): readonly number[]
  }
  readonly server: { tokenRequests(): number }
  tell(order: object): Promise<{ served: number; failed: number; spared: number; error?: string }>
  close(): Promise<void>
}

/**
 * MCP clients, in 1, 2 and 8 processes of 5 callers, while tokens of 3 s expire: over each store, and with the clients' own `authProvider`.
 * `PROCESSES='1 8'` and `STORM=60` (s) in the environment make it shorter or longer.
 */
export const mcp: Battery = async (tell) => {
  const examples = new URL('../../examples/', import.meta.url)
  if (!existsSync(new URL('node_modules/', examples))) throw new Error('Run npm ci --prefix examples first.')
  const { bundleMcpMember, startStorm } = (await import(
    new URL('test/mcp-storm.ts', examples).href
  )) as Storms
  const { callers } = (await import(new URL('test/mcp-callers.ts', examples).href)) as { callers: object }
  const node = await node22()
  const folder = await mkdtemp(join(tmpdir(), 'llm-refresh-trial-'))
  const [redis, postgres] = await Promise.all([startRedisServer(), startPostgres()])
  try {
    const program = await bundleMcpMember(folder)
    const places: readonly StorePlace[] = [
      { kind: 'files', at: join(folder, 'store') },
      { kind: 'Redis', at: redis.socket },
      { kind: 'PostgreSQL', at: postgres.url() },
    ]
    const logins = [...places, { kind: 'authProvider', at: join(folder, 'tokens.json') }]
    for (const client of Object.keys(callers)) {
      for (const processes of list('PROCESSES', [1, 2, 8])) {
        for (const login of logins) {
          const options = {
            client,
            processes,
            callers: CALLERS,
            login,
            accessTokenSeconds: LIFE,
            latency: LATENCY,
            node,
          }
          const storm = await startStorm(program, options)
          try {
            const what = `${client}, ${processes} × ${CALLERS} callers, ${login.kind}`
            tell(await measured(storm, what, login.kind !== 'authProvider'))
          } finally {
            await storm.close()
          }
        }
      }
    }
  } finally {
    await Promise.all([redis.close(), postgres.close()])
    await rm(folder, { recursive: true, force: true })
  }
}

/** @param isOurs whether the figure has a limit */
async function measured(storm: Storm, what: string, isOurs: boolean): Promise<Figure> {
  const [began] = storm.login.issuedAt()
  // Each connects, which takes a while where they are many.
  const first = await storm.tell({ do: 'round' })
  const then = await storm.tell({
    do: 'run',
    ms: setting('STORM', 12) * 1_000,
    pause: PAUSE,
  })
  const [served, failed] = [first.served + then.served, first.failed + then.failed]
  const spared = Math.min(first.spared, then.spared)
  const error = first.error ?? then.error
  const took = Date.now() - (began ?? 0)
  const expiries = 1 + Math.floor(took / ((LIFE - AHEAD) * 1_000))
  const { login, server } = storm
  const requests = server.tokenRequests()
  const isKept = !login.revoked() && login.refused() === 0
  return {
    what,
    figure: `${served} calls served, ${failed} failed; ${spared} callers without a failure; ${requests} token requests in ${seconds(took)}; login ${isKept ? 'kept' : 'lost'}${error === undefined ? '' : `; ${error.slice(0, 120)}`}`,
    limit: isOurs ? `0 failed, at most ${expiries} requests, kept` : 'none, for comparison',
    isMet: !isOurs || (failed === 0 && served > 0 && requests <= expiries && isKept),
  }
}
