import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPostgres } from '../test/support/postgres-server.ts'
import { startRedisServer } from '../test/support/redis-server.ts'
import { elapsed, type Finding, inTurn, median } from './rounds.ts'
import { openStore, type StorePlace } from './stores-place.ts'

const [PROCESSES, CALLERS, ROUNDS, UPDATES] = [8, 50, 15, 200]
/** ms: how long a token endpoint and an API take to respond, as in our field measurements. */
const [REFRESH_MS, API_MS] = [50, 20]

/** The cost of sharing a token through a store. */
export async function stores(): Promise<Finding[]> {
  const folder = await mkdtemp(join(tmpdir(), 'llm-refresh-bench-'))
  const [redis, postgres] = await Promise.all([startRedisServer(), startPostgres({ durable: true })])
  const places: [StorePlace, ceilings: { readonly fleet: number; readonly update: number }][] = [
    [
      { kind: 'files', at: folder },
      { fleet: 1.5, update: 25 },
    ],
    [
      { kind: 'Redis', at: redis.socket },
      { fleet: 1.5, update: 10 },
    ],
    [
      { kind: 'PostgreSQL', at: postgres.url() },
      { fleet: 1.5, update: 20 },
    ],
  ]
  const findings: Finding[] = []
  try {
    for (const [place, { fleet, update }] of places) {
      findings.push(await throughFleet(place, fleet), await updating(place, update))
    }
    return findings
  } finally {
    await Promise.all([redis.close(), postgres.close()])
    await rm(folder, { recursive: true })
  }
}

/**
 * The time from an expiry until the last of 400 callers in 8 processes is served. It is compared with processes whose parent sends them the
 * new token.
 */
async function throughFleet(place: StorePlace, ceiling: number): Promise<Finding> {
  const server = await startServer()
  const [alone, sharing] = await Promise.all([
    startFleet(server, { kind: 'none', at: '' }),
    startFleet(server, place),
  ])
  try {
    const alike = await inTurn(
      ROUNDS,
      () => server.expire(alone.round),
      () => server.expire(sharing.round),
    )
    return {
      question: `From expiry to the last of ${PROCESSES * CALLERS} callers served, by ${place.kind}`,
      figure: alike.ratio,
      unit: '×',
      ceiling,
      note: `${PROCESSES} processes, against as many whose parent refreshes once and tells them all: ${inMs(alike.other)} and ${inMs(alike.one)}, an API of ${API_MS} ms and a refresh of ${REFRESH_MS} ms in both`,
    }
  } finally {
    alone.stop()
    sharing.stop()
    server.close()
  }
}

/** The time to acquire and release a lock, and the time to write a token under a lock. */
async function updating(place: StorePlace, ceiling: number): Promise<Finding> {
  const { store, close } = await openStore(place)
  try {
    const each = async (accessToken?: string): Promise<number> => {
      const times: number[] = []
      for (let n = 0; n < UPDATES; n++)
        times.push(
          await elapsed(() =>
            store.update('bench', async () =>
              accessToken === undefined ? undefined : { token: { accessToken } },
            ),
          ),
        )
      return median(times)
    }
    const [, written, unwritten] = [await each('warm'), await each('a'), await each()]
    return {
      question: `An update of a token in ${place.kind}`,
      figure: written / 1e6,
      unit: 'ms',
      ceiling,
      note: `lock, read, write and unlock, with nobody else there; ${inMs(unwritten)} where nothing is written`,
    }
  } finally {
    await close()
  }
}

async function startServer(): Promise<{
  origin: string
  refresh: () => Promise<string>
  expire: (round: () => Promise<unknown>) => Promise<number>
  close: () => void
}> {
  let [live, refreshes] = [0, 0]
  const server = createServer(({ url, headers }, response) => {
    if (url === '/token') void refresh().then((token) => response.end(token))
    else {
      const isLive = headers.authorization === `Bearer token-${live}`
      setTimeout(() => response.writeHead(isLive ? 200 : 401).end(), API_MS)
    }
  })
  const refresh = async (): Promise<string> => {
    refreshes++
    await new Promise((resolve) => setTimeout(resolve, REFRESH_MS))
    return `token-${live}`
  }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return {
    origin: `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`,
    refresh,
    expire: async (round) => {
      live++
      refreshes = 0
      const taken = await elapsed(round)
      if (refreshes !== 1) throw new Error(`${refreshes} refreshes`)
      return taken
    },
    close: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}

async function startFleet(
  { origin, refresh }: { origin: string; refresh: () => Promise<string> },
  place: StorePlace,
): Promise<{ round: () => Promise<unknown>; stop: () => void }> {
  const orders = JSON.stringify({ origin, callers: CALLERS, place })
  const members: ChildProcess[] = []
  for (let n = 0; n < PROCESSES; n++) {
    const member = fork(new URL('stores-member.ts', import.meta.url), [orders])
    members.push(member)
    await once(member, 'message')
  }
  let refreshed: Promise<string> | undefined
  const tell = async (member: ChildProcess): Promise<void> => {
    refreshed ??= refresh()
    member.send(await refreshed)
  }
  return {
    round: () => {
      refreshed = undefined
      return Promise.all(
        members.map((member) => {
          member.send('round')
          return new Promise<void>((resolve) => {
            const hear = (message: unknown): void => {
              if (message === 'refresh') return void tell(member)
              member.off('message', hear)
              resolve()
            }
            member.on('message', hear)
          })
        }),
      )
    },
    stop: () => {
      for (const member of members) member.kill()
    },
  }
}

function inMs(ns: number): string {
  return `${(ns / 1e6).toFixed(1)} ms`
}
