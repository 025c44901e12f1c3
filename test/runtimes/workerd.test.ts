import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { Gate } from '../support/gate.ts'
import { hasWorkerd, type RunningWorker, startWorker } from './workerd.ts'

/** ms: the same deadline as in the Worker's script. */
const DEADLINE = 3_000
/** ms: the life of a token, and its age when a call refreshes it ahead of its expiry. */
const [LIFE, LATE] = [1_000_000, 996_000]

const isThere = await hasWorkerd()
beforeEach(({ skip }) => skip(!isThere))

let folder: string
let server: Server
let worker: RunningWorker
/** The same Worker with the flag `nodejs_compat`. */
let nodeWorker: RunningWorker
/** Holds the responses of redemptions that the server has already executed. */
const gate = new Gate()
/** Account → the refresh tokens that it has presented. */
const presented = new Map<string, string[]>()

beforeAll(async () => {
  if (!isThere) return
  folder = await mkdtemp(join(tmpdir(), 'llm-refresh-workerd-'))
  server = createServer((request, response) => {
    const respond = async (): Promise<void> => {
      const name = request.url?.slice(1) ?? ''
      const token = new URLSearchParams(await text(request)).get('refresh_token') ?? 'client'
      const all = presented.get(name) ?? []
      presented.set(name, all)
      const isSpent = token !== 'client' && all.includes(token)
      all.push(token)
      await gate.pass()
      const next = String(all.length)
      const issued = { access_token: `access-${next}`, token_type: 'Bearer', expires_in: LIFE / 1_000 }
      const body = token === 'client' ? issued : { ...issued, refresh_token: next }
      response
        .writeHead(isSpent ? 400 : 200, { 'content-type': 'application/json' })
        .end(JSON.stringify(isSpent ? { error: 'invalid_grant' } : body))
    }
    void respond()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const script = join(folder, 'worker.mjs')
  await build({
    entryPoints: [fileURLToPath(new URL('worker.ts', import.meta.url))],
    outfile: script,
    bundle: true,
    format: 'esm',
    conditions: ['workerd', 'worker', 'browser'],
    external: ['node:*'],
    logLevel: 'error',
  })
  const port = typeof address === 'object' ? address?.port : 0
  const bindings = { ENDPOINT: `http://127.0.0.1:${port}` }
  ;[worker, nodeWorker] = await Promise.all([
    startWorker(script, bindings),
    startWorker(script, bindings, ['nodejs_compat']),
  ])
}, 300_000)

afterAll(async () => {
  await Promise.all([worker?.close(), nodeWorker?.close()])
  server?.closeAllConnections()
  server?.close()
  if (folder !== undefined) await rm(folder, { recursive: true, force: true })
})

async function ask(
  path: string,
  query: Readonly<Record<string, string | number>>,
  { origin } = worker,
): Promise<unknown> {
  const search = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)]))
  const response = await fetch(`${origin}${path}?${search.toString()}`, {
    // A request that takes this long hangs.
    signal: AbortSignal.timeout(60_000),
  })
  const body = await response.text()
  if (!response.ok) throw new Error(body)
  return JSON.parse(body)
}

/** Makes a token that is about to expire, and a request that begins to refresh it. The request ends before the endpoint responds. */
async function refreshAhead(name: string, more: Readonly<Record<string, string>> = {}): Promise<void> {
  gate.hold(1)
  await ask('/login', { name, ms: LIFE })
  await ask('/advance', { name, ms: LATE })
  expect(await ask('/token', { name, ...more })).toMatchObject({ given: 'access-0' })
  await gate.holding(1)
}

const served = (given: string): unknown => expect.objectContaining({ given })

test('[C15, K13] workerd: given a refresh ahead of expiry that ended with its request, when a call comes after the expiry and the source spends a refresh token, then the call fails within its deadline, and nothing is sent twice until five deadlines have passed', async () => {
  const name = 'spends'
  await refreshAhead(name)
  gate.release()
  await ask('/advance', { name, ms: LIFE - LATE })
  for (let calls = 0; calls < 3; calls++) {
    const { given, took } = (await ask('/token', { name })) as { given: string; took: number }
    expect(['refresh_timeout', 'refresh_suspended']).toContain(given)
    expect(took).toBeLessThan(2 * DEADLINE)
  }
  expect(presented.get(name)).toEqual(['0'])
  // After five deadlines the library makes one try, and the endpoint refuses the spent refresh token.
  await ask('/advance', { name, ms: 5 * DEADLINE })
  expect(await ask('/token', { name })).toEqual(served('reauthentication_required'))
  expect(presented.get(name)).toEqual(['0', '0'])
})

test('[C15] workerd: given a refresh ahead of expiry that ended with its request, when a call comes after the expiry and the source spends no refresh token, then the call is served', async () => {
  const name = 'client'
  await refreshAhead(name)
  gate.release()
  await ask('/advance', { name, ms: LIFE - LATE })
  expect(await ask('/token', { name })).toEqual(served('access-2'))
  expect(presented.get(name)).toHaveLength(2)
})

test('[R2] workerd: given nodejs_compat, when a token has expired, then the refresh works as without the flag', async () => {
  for (const [name, place] of Object.entries({ plain: worker, compatible: nodeWorker })) {
    await ask('/login', { name, ms: LIFE }, place)
    await ask('/advance', { name, ms: LIFE }, place)
    expect(await ask('/token', { name }, place)).toEqual(served('access-1'))
  }
})

test.each(['first', 'second'])(
  '[C15, K17] workerd: given waitUntil as background, when a request ends before its refresh does, then the received token is stored, and serves the next request (%s)',
  async (account) => {
    const name = `background-${account}`
    await refreshAhead(name, { background: 'yes' })
    gate.release()
    await expect
      .poll(() => ask('/status', { name }), { timeout: 60_000, interval: 100 })
      .toMatchObject({ generation: 2, isRefreshing: false, isUnsaved: false })
    await ask('/advance', { name, ms: LIFE - LATE })
    expect(await ask('/token', { name })).toEqual(served('access-1'))
    expect(presented.get(name)).toEqual(['0'])
  },
)
