import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { node22 } from '../test/support/node-22.ts'
import { installed } from '../test/support/packages.ts'
import { startPostgres } from '../test/support/postgres-server.ts'
import { startRedisServer } from '../test/support/redis-server.ts'
import type { StorePlace } from './stores-place.ts'

/** s: the life of an access token. */
const LIFE = 3
/** s: a credential refreshes its token this long before it expires: a tenth of its life. */
const AHEAD = LIFE / 10
/** ms: the token endpoint's latency, and a caller's pause after each call. */
const [LATENCY, PAUSE] = [50, 250]
export const CALLERS = 5

/** The part of `examples/test/mcp-storm.ts` that this file uses. It is loaded at run time, because the examples may not be installed. */
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

interface Callers {
  readonly callers: object
  readonly packages: Readonly<Partial<Record<string, readonly string[]>>>
}

/** Where the login lives: a store of ours, or the client's own `authProvider` over a file. */
export type Place = 'files' | 'Redis' | 'PostgreSQL' | 'authProvider'

/** The outcome of a storm. */
export interface Outcome {
  readonly served: number
  readonly failed: number
  /** Callers without a failure. */
  readonly spared: number
  readonly requests: number
  /** The most token requests that the expiries of the storm explain. */
  readonly expiries: number
  readonly isKept: boolean
  readonly error: string | undefined
  /** ms */
  readonly took: number
}

/** Storms of MCP clients while tokens of 3 s expire. */
export interface McpStorms {
  readonly clients: readonly string[]
  /** The clients that are installed with the examples. */
  readonly own: readonly string[]
  /** @param ms how long the storm lasts after the first round */
  run(client: string, processes: number, place: Place, ms: number): Promise<Outcome>
}

/** @throws Error if the examples are not installed */
export async function withMcpStorms(use: (storms: McpStorms) => Promise<void>): Promise<void> {
  const examples = new URL('../examples/', import.meta.url)
  if (!existsSync(new URL('node_modules/', examples))) throw new Error('Run npm ci --prefix examples first.')
  const { bundleMcpMember, startStorm } = (await import(
    new URL('test/mcp-storm.ts', examples).href
  )) as Storms
  const { callers, packages } = (await import(new URL('test/mcp-callers.ts', examples).href)) as Callers
  const node = await node22()
  const folder = await mkdtemp(join(tmpdir(), 'llm-refresh-storms-'))
  const [redis, postgres] = await Promise.all([startRedisServer(), startPostgres()])
  const at: Readonly<Record<Place, string>> = {
    files: join(folder, 'store'),
    Redis: redis.socket,
    PostgreSQL: postgres.url(),
    authProvider: join(folder, 'tokens.json'),
  }
  try {
    const program = await bundleMcpMember(folder)
    const clients = Object.keys(callers)
    await use({
      clients,
      own: clients.filter((client) => packages[client] === undefined),
      run: async (client, processes, kind, ms) => {
        const needed = packages[client]
        const login: StorePlace | { kind: string; at: string } = { kind, at: at[kind] }
        const storm = await startStorm(program, {
          client,
          processes,
          callers: CALLERS,
          login,
          accessTokenSeconds: LIFE,
          latency: LATENCY,
          node,
          ...(needed !== undefined && { folder: await installed('mcp-clients', needed) }),
        })
        try {
          return await outcome(storm, ms)
        } finally {
          await storm.close()
        }
      },
    })
  } finally {
    await Promise.all([redis.close(), postgres.close()])
    await rm(folder, { recursive: true, force: true })
  }
}

async function outcome(storm: Storm, ms: number): Promise<Outcome> {
  const [began] = storm.login.issuedAt()
  // Every caller connects in the first round. With many callers that takes a while.
  const first = await storm.tell({ do: 'round' })
  const then = await storm.tell({ do: 'run', ms, pause: PAUSE })
  const took = Date.now() - (began ?? 0)
  const { login, server } = storm
  return {
    served: first.served + then.served,
    failed: first.failed + then.failed,
    spared: Math.min(first.spared, then.spared),
    requests: server.tokenRequests(),
    expiries: 1 + Math.floor(took / ((LIFE - AHEAD) * 1_000)),
    isKept: !login.revoked() && login.refused() === 0,
    error: first.error ?? then.error,
    took,
  }
}
