import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type LeaseServer, startLeaseServer } from './lease-server.ts'
import { hasWorkerd, type RunningWorkers, startWorkers } from './workerd.ts'

/** ms: the same deadline as in the Worker's script. */
const DEADLINE = 3_000
/** ms: the life of a token, and its age when a call refreshes it ahead of its expiry. */
const [LIFE, LATE] = [1_000_000, 996_000]

const isThere = await hasWorkerd()
beforeEach(({ skip }) => skip(!isThere))

let folder: string
let workers: RunningWorkers
let worlds: World[] = []
/** The number of tests that run at the same time, because they mostly wait. Each has its own server and Worker, because each moves the clock. */
const TESTS = 17

beforeAll(async () => {
  if (!isThere) return
  folder = await mkdtemp(join(tmpdir(), 'llm-refresh-workerd-'))
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
  const servers = await Promise.all(Array.from({ length: TESTS }, startLeaseServer))
  workers = await startWorkers(
    script,
    servers.map(({ origin }) => ({ ENDPOINT: origin })),
  )
  worlds = servers.map((server, number) => new World(server, workers.origins[number] ?? ''))
}, 300_000)

afterAll(async () => {
  await workers?.close()
  await Promise.all(worlds.map(({ server }) => server.close()))
  if (folder !== undefined) await rm(folder, { recursive: true, force: true })
})

let taken = 0
/** Returns a world that no other test uses. */
function newWorld(): World {
  const world = worlds[taken++]
  if (world === undefined) throw new Error(`There are more than ${TESTS} tests.`)
  return world
}

interface Given {
  readonly given: string
  readonly took: number
}

const HOPELESS = ['refresh_timeout', 'refresh_suspended']

class World {
  readonly server: LeaseServer
  readonly #origin: string

  constructor(server: LeaseServer, origin: string) {
    this.server = server
    this.#origin = origin
  }

  async ask<R = Given>(
    path: string,
    name: string,
    more: Readonly<Record<string, string | number>> = {},
  ): Promise<R> {
    const all = Object.entries<string | number>({ name, ...more }).map(([one, value]) => [one, String(value)])
    const search = new URLSearchParams(all)
    const response = await fetch(`${this.#origin}/${path}?${search.toString()}`, {
      // A request that takes this long hangs.
      signal: AbortSignal.timeout(60_000),
    })
    const body = await response.text()
    if (!response.ok) throw new Error(body)
    return JSON.parse(body) as R
  }

  advance(name: string, ms: number): Promise<unknown> {
    return this.ask('advance', name, { ms })
  }

  /** Begins work in a request, and ends the request while the server holds a step of that work. */
  async endsIn(
    name: string,
    step: string,
    when: 'request' | 'response',
    what: Readonly<Record<string, string>>,
  ): Promise<void> {
    this.server.hold(step, when)
    await this.ask('begin', name, what)
  }

  record(name: string): string {
    return this.server.account(name).row?.text ?? ''
  }
}

async function loggedIn(world: World, name: string): Promise<void> {
  expect(await world.ask('login', name, { ms: LIFE })).toMatchObject({ given: 'done' })
}

/** Expects that calls fail within their deadline while the dead flight may still bring a token. */
async function isTold(world: World, name: string): Promise<void> {
  for (let calls = 0; calls < 2; calls++) {
    const { given, took } = await world.ask('rejected', name)
    expect(HOPELESS).toContain(given)
    expect(took).toBeLessThan(2 * DEADLINE)
  }
}

test.concurrent.for([
  ['read', 'request', ['0'], 'access-1'],
  ['take', 'request', ['0'], 'access-1'],
  ['take', 'response', ['0'], 'access-1'],
  ['redeem', 'request', ['0'], 'access-1'],
  ['write', 'response', ['0'], 'access-1'],
] as const)(
  '[C15, K13, S10] workerd: given a request that ended during its refresh, at %s (%s), when five deadlines have passed, then the next call is served, and no refresh token was presented twice',
  async ([step, when, presented, given]) => {
    const world = newWorld()
    const name = `dies${step}${when}`
    await loggedIn(world, name)
    await world.endsIn(name, step, when, { do: 'rejected' })
    if (step === 'redeem') world.server.release()
    await isTold(world, name)
    await world.advance(name, 5 * DEADLINE)
    if (step !== 'redeem') {
      expect(await world.ask('rejected', name)).toMatchObject({ given })
      expect(world.server.account(name).presented).toEqual(presented)
    }
    world.server.release()
  },
)

test.concurrent.for(['login', 'logout'])(
  '[C15] workerd: given a %s whose request ended, when the next login and the next logout come, then they are stored',
  async (what) => {
    const world = newWorld()
    const name = `dead${what}`
    await loggedIn(world, name)
    await world.endsIn(name, 'swap', 'request', { do: what, ms: String(LIFE), token: 'lost' })
    const { given, took } = await world.ask('login', name, { ms: LIFE, token: '7' })
    expect(given).toBe('done')
    expect(took).toBeLessThan(2 * DEADLINE)
    world.server.release()
    expect(world.record(name)).toContain('access-7')
    await world.endsIn(name, 'read', 'request', { do: what, ms: String(LIFE), token: 'lost' })
    expect(await world.ask('logout', name)).toMatchObject({ given: 'done' })
    world.server.release()
    expect(world.record(name)).not.toContain('access-')
  },
)

// The other tests run one after another. They must be served within a deadline, which would pass on a busy machine.
test('[C15, K4] workerd: given a request that ended while its token waited for another write, when the store works again and three deadlines have passed, then the token is stored, and each refresh token was presented once', async () => {
  const world = newWorld()
  const name = 'unwritten'
  await loggedIn(world, name)
  world.server.failing.add('write')
  expect(await world.ask('rejected', name)).toMatchObject({ given: 'access-1' })
  world.server.failing.clear()
  await world.advance(name, 3 * DEADLINE)
  expect(await world.ask('flush', name)).toMatchObject({ given: 'done' })
  expect(world.record(name)).toContain('access-1')
  expect(await world.ask('rejected', name)).toMatchObject({ given: 'access-2' })
  expect(world.record(name)).toContain('access-2')
  expect(world.server.account(name).presented).toEqual(['0', '1'])
  expect(await world.ask('flush', name)).toMatchObject({ given: 'done' })
  expect(await world.ask('status', name)).toMatchObject({ isUnsaved: false, isRefreshing: false })
})

test('[C15, K17] workerd: given a request that ended during its refresh, when a later request was served, then no work is left', async () => {
  const world = newWorld()
  const name = 'after'
  await loggedIn(world, name)
  await world.endsIn(name, 'write', 'response', { do: 'rejected' })
  await world.advance(name, 5 * DEADLINE)
  expect(await world.ask('rejected', name)).toMatchObject({ given: 'access-1' })
  world.server.release()
  expect(await world.ask('status', name)).toMatchObject({ isUnsaved: false, isRefreshing: false })
  expect(await world.ask('flush', name)).toMatchObject({ given: 'done' })
})

test('[C15, S11] workerd: given a request that ended while it held the only place of its store, when another account needs that place, then that account is served', async () => {
  const world = newWorld()
  await loggedIn(world, 'place-a')
  await loggedIn(world, 'place-b')
  await world.endsIn('place-a', 'redeem', 'request', { do: 'rejected' })
  const { given, took } = await world.ask('rejected', 'place-b')
  expect(given).toBe('access-1')
  expect(took).toBeLessThan(2 * DEADLINE)
  world.server.release()
})

test('[C15, S11] workerd: given a request that ended while it waited for the only place of its store, when the place is free, then other requests are served', async () => {
  const world = newWorld()
  for (const name of ['line-a', 'line-b', 'line-c']) await loggedIn(world, name)
  await world.endsIn('line-a', 'redeem', 'request', { do: 'rejected', background: 'yes' })
  await world.ask('begin', 'line-b', { do: 'rejected' })
  world.server.release()
  expect(await world.ask('rejected', 'line-c')).toMatchObject({ given: 'access-1' })
  await world.advance('line-b', 5 * DEADLINE)
  expect(await world.ask('rejected', 'line-b')).toMatchObject({ given: 'access-1' })
  expect(world.server.account('line-b').presented).toEqual(['0'])
})

test('[C15, S10] workerd: given two requests that ended, one during its refresh and one while it waited for its turn, when five deadlines have passed, then a third credential of that account is served', async () => {
  const world = newWorld()
  const name = 'turns'
  await loggedIn(world, name)
  await world.endsIn(name, 'take', 'response', { do: 'rejected' })
  await world.ask('begin', name, { do: 'token', as: 'second' })
  world.server.release()
  await world.advance(name, 5 * DEADLINE)
  // The third credential's refresh starts from the record in the store.
  expect(await world.ask('token', name, { as: 'third' })).toMatchObject({ given: 'access-0' })
  expect(await world.ask('rejected', name, { as: 'third' })).toMatchObject({ given: 'access-1' })
  expect(await world.ask('rejected', name, { as: 'second' })).toMatchObject({ given: 'access-1' })
  expect(world.server.account(name).presented).toEqual(['0'])
})

test('[C15, K4] workerd: given a login that was not stored before its request ended, when a later request comes, then that request stores it', async () => {
  const world = newWorld()
  const name = 'unstored'
  world.server.failing.add('swap')
  expect(await world.ask('login', name, { ms: LIFE })).toMatchObject({ given: 'store_failed' })
  world.server.failing.clear()
  await world.endsIn(name, 'swap', 'request', { do: 'flush' })
  await world.advance(name, 3 * DEADLINE)
  expect(await world.ask('flush', name)).toMatchObject({ given: 'done' })
  world.server.release()
  expect(world.record(name)).toContain('access-0')
})

test.for(['read', 'take', 'redeem', 'write'])(
  '[C15, K17] workerd: given waitUntil as background, when a request ends during its refresh, at %s, then the refresh goes on, and the next call is served',
  async (step) => {
    const world = newWorld()
    const name = `background${step}`
    await loggedIn(world, name)
    await world.advance(name, LATE)
    await world.endsIn(name, step, 'request', { do: 'token', background: 'yes' })
    world.server.release()
    await expect
      .poll(() => world.ask('status', name), { timeout: 60_000, interval: 100 })
      .toMatchObject({ generation: 2, isRefreshing: false, isUnsaved: false })
    expect(await world.ask('token', name)).toMatchObject({ given: 'access-1' })
    expect(world.server.account(name).presented).toEqual(['0'])
  },
)
