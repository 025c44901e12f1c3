import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type LeaseServer, startLeaseServer } from './lease-server.ts'
import { hasWorkerd, type RunningWorker, startWorker } from './workerd.ts'

/** ms; the Worker's own */
const DEADLINE = 3_000
/** ms: a token's life, and how much of it has passed when it is refreshed ahead of its end. */
const [LIFE, LATE] = [1_000_000, 996_000]

const isThere = await hasWorkerd()
beforeEach(({ skip }) => skip(!isThere))

let folder: string
let server: LeaseServer
let worker: RunningWorker

beforeAll(async () => {
  if (!isThere) return
  folder = await mkdtemp(join(tmpdir(), 'llm-refresh-workerd-'))
  server = await startLeaseServer()
  const script = join(folder, 'worker.mjs')
  await build({
    entryPoints: [fileURLToPath(new URL('dead-request-worker.ts', import.meta.url))],
    outfile: script,
    bundle: true,
    format: 'esm',
    conditions: ['workerd', 'worker', 'browser'],
    external: ['node:*'],
    logLevel: 'error',
  })
  worker = await startWorker(script, { ENDPOINT: server.origin })
}, 300_000)

afterAll(async () => {
  await worker?.close()
  await server?.close()
  if (folder !== undefined) await rm(folder, { recursive: true, force: true })
})

interface Given {
  readonly given: string
  readonly took: number
}

async function ask<R = Given>(
  path: string,
  name: string,
  more: Readonly<Record<string, string | number>> = {},
): Promise<R> {
  const all = Object.entries<string | number>({ name, ...more }).map(([one, value]) => [one, String(value)])
  const search = new URLSearchParams(all)
  const response = await fetch(`${worker.origin}/${path}?${search.toString()}`, {
    // A request that hangs has failed.
    signal: AbortSignal.timeout(60_000),
  })
  const body = await response.text()
  if (!response.ok) throw new Error(body)
  return JSON.parse(body) as R
}

const advance = (name: string, ms: number): Promise<unknown> => ask('advance', name, { ms })

async function loggedIn(name: string): Promise<void> {
  expect(await ask('login', name, { ms: LIFE })).toMatchObject({ given: 'done' })
}

/** Begins something in a request that ends while the server holds a step of it. */
async function endsIn(
  name: string,
  step: string,
  when: 'request' | 'response',
  what: Readonly<Record<string, string>>,
): Promise<void> {
  server.hold(step, when)
  await ask('begin', name, what)
}

const HOPELESS = ['refresh_timeout', 'refresh_suspended']

/** Calls that come while the dead flight may still bring a token are told so in time. */
async function isTold(name: string): Promise<void> {
  for (let calls = 0; calls < 2; calls++) {
    const { given, took } = await ask('rejected', name)
    expect(HOPELESS).toContain(given)
    expect(took).toBeLessThan(2 * DEADLINE)
  }
}

test.each([
  ['read', 'request', ['0'], 'access-1'],
  ['take', 'request', ['0'], 'access-1'],
  ['take', 'response', ['0'], 'access-1'],
  ['redeem', 'request', ['0'], 'access-1'],
  ['write', 'response', ['0'], 'access-1'],
] as const)(
  '[C15, K13, S10] workerd: given a request that ended in its refresh, at %s (%s), when five deadlines have passed, then the next call is served, and no refresh token was presented twice',
  async (step, when, presented, given) => {
    const name = `dies${step}${when}`
    await loggedIn(name)
    await endsIn(name, step, when, { do: 'rejected' })
    if (step === 'redeem') server.release()
    await isTold(name)
    await advance(name, 5 * DEADLINE)
    if (step !== 'redeem') {
      expect(await ask('rejected', name)).toMatchObject({ given })
      expect(server.account(name).presented).toEqual(presented)
    }
    server.release()
  },
)

const record = (name: string): string => server.account(name).row?.text ?? ''

test('[C15, K4] workerd: given a token whose write the store had to try again when its request ended, when the store is well and three deadlines have passed, then it is stored, and each refresh token was presented once', async () => {
  const name = 'unwritten'
  await loggedIn(name)
  server.failing.add('write')
  expect(await ask('rejected', name)).toMatchObject({ given: 'access-1' })
  server.failing.clear()
  await advance(name, 3 * DEADLINE)
  expect(await ask('flush', name)).toMatchObject({ given: 'done' })
  expect(record(name)).toContain('access-1')
  expect(await ask('rejected', name)).toMatchObject({ given: 'access-2' })
  expect(record(name)).toContain('access-2')
  expect(server.account(name).presented).toEqual(['0', '1'])
  expect(await ask('flush', name)).toMatchObject({ given: 'done' })
  expect(await ask('status', name)).toMatchObject({ isUnsaved: false, isRefreshing: false })
})

test('[C15, K17] workerd: given a request that ended in its refresh, when a later one was served, then nothing is under way any more', async () => {
  const name = 'after'
  await loggedIn(name)
  await endsIn(name, 'write', 'response', { do: 'rejected' })
  await advance(name, 5 * DEADLINE)
  expect(await ask('rejected', name)).toMatchObject({ given: 'access-1' })
  server.release()
  expect(await ask('status', name)).toMatchObject({ isUnsaved: false, isRefreshing: false })
  expect(await ask('flush', name)).toMatchObject({ given: 'done' })
})

test('[C15, S11] workerd: given a request that ended while it held the only place of its store, when another account needs it, then that one is served', async () => {
  await loggedIn('place-a')
  await loggedIn('place-b')
  await endsIn('place-a', 'redeem', 'request', { do: 'rejected' })
  const { given, took } = await ask('rejected', 'place-b')
  expect(given).toBe('access-1')
  expect(took).toBeLessThan(2 * DEADLINE)
  server.release()
})

test('[C15, S11] workerd: given a request that ended while it waited for the only place of its store, when that is free, then others are served', async () => {
  for (const name of ['line-a', 'line-b', 'line-c']) await loggedIn(name)
  await endsIn('line-a', 'redeem', 'request', { do: 'rejected', background: 'yes' })
  await ask('begin', 'line-b', { do: 'rejected' })
  server.release()
  expect(await ask('rejected', 'line-c')).toMatchObject({ given: 'access-1' })
  await advance('line-b', 5 * DEADLINE)
  expect(await ask('rejected', 'line-b')).toMatchObject({ given: 'access-1' })
  expect(server.account('line-b').presented).toEqual(['0'])
})

test('[C15, S10] workerd: given two requests that ended, one in its refresh and one that waited for its turn, when five deadlines have passed, then a third credential of that account is served', async () => {
  const name = 'turns'
  await loggedIn(name)
  await endsIn(name, 'take', 'response', { do: 'rejected' })
  await ask('begin', name, { do: 'token', as: 'second' })
  server.release()
  await advance(name, 5 * DEADLINE)
  // Its own refresh begins with what the store holds.
  expect(await ask('token', name, { as: 'third' })).toMatchObject({ given: 'access-0' })
  expect(await ask('rejected', name, { as: 'third' })).toMatchObject({ given: 'access-1' })
  expect(await ask('rejected', name, { as: 'second' })).toMatchObject({ given: 'access-1' })
  expect(server.account(name).presented).toEqual(['0'])
})

test.each(['login', 'logout'])(
  '[C15] workerd: given a %s whose request ended, then the next login and the next logout are stored',
  async (what) => {
    const name = `dead${what}`
    await loggedIn(name)
    await endsIn(name, 'swap', 'request', { do: what, ms: String(LIFE), token: 'lost' })
    const { given, took } = await ask('login', name, { ms: LIFE, token: '7' })
    expect(given).toBe('done')
    expect(took).toBeLessThan(2 * DEADLINE)
    server.release()
    expect(record(name)).toContain('access-7')
    await endsIn(name, 'read', 'request', { do: what, ms: String(LIFE), token: 'lost' })
    expect(await ask('logout', name)).toMatchObject({ given: 'done' })
    server.release()
    expect(record(name)).not.toContain('access-')
  },
)

test('[C15, K4] workerd: given a login that could not be stored and a request that ended while it stored it, then a later one stores it', async () => {
  const name = 'unstored'
  server.failing.add('swap')
  expect(await ask('login', name, { ms: LIFE })).toMatchObject({ given: 'store_failed' })
  server.failing.clear()
  await endsIn(name, 'swap', 'request', { do: 'flush' })
  await advance(name, 3 * DEADLINE)
  expect(await ask('flush', name)).toMatchObject({ given: 'done' })
  server.release()
  expect(record(name)).toContain('access-0')
})

test.each(['read', 'take', 'redeem', 'write'])(
  '[C15, K17] workerd: given waitUntil as background, when a request ends in its refresh, at %s, then the refresh goes on, and the next call is served',
  async (step) => {
    const name = `background${step}`
    await loggedIn(name)
    await advance(name, LATE)
    await endsIn(name, step, 'request', { do: 'token', background: 'yes' })
    server.release()
    await expect
      .poll(() => ask('status', name), { timeout: 60_000, interval: 100 })
      .toMatchObject({ generation: 2, isRefreshing: false, isUnsaved: false })
    expect(await ask('token', name)).toMatchObject({ given: 'access-1' })
    expect(server.account(name).presented).toEqual(['0'])
  },
)
