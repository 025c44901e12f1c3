import { expect, test } from 'vitest'
import { noting } from '../../src/credential/failure-facts.ts'
import { MemoryStore } from '../../src/credential/memory-store.ts'
import {
  type AccessToken,
  type MadeFor,
  RefreshError,
  type Source,
  type SourceContext,
} from '../../src/index.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { numbered, type Process, processOf, storeWith } from './account.ts'

/** A server with live refresh tokens, each good once, and a client's configuration of it. */
class Server implements Source {
  readonly redeemed: (string | undefined)[] = []
  readonly live = new Set<string>()
  madeFor: MadeFor = { issuer: 'https://one.example.com', client: 'app' }
  spendsRefreshToken = true
  configured: string | undefined
  #issued = 10

  async issue({ current, sent }: SourceContext): Promise<AccessToken> {
    const given = current?.refreshToken ?? this.configured
    sent()
    this.redeemed.push(given)
    if (this.spendsRefreshToken && !this.live.delete(given ?? '')) {
      throw noting(new RefreshError('reauthentication_required', 'invalid_grant'), { reach: 'answered' })
    }
    const n = ++this.#issued
    this.live.add(`redeem-${n}`)
    return numbered(n, { scope: this.madeFor.scope, expiresAt: current?.expiresAt })
  }

  presented = async ({ current }: Pick<SourceContext, 'current'>): Promise<string[]> => [
    current?.refreshToken ?? this.configured ?? '',
    JSON.stringify(this.madeFor),
  ]

  seed = async (): Promise<string | undefined> => this.configured
}

function world(): { clock: ManualClock; store: MemoryStore; start: (source: Source) => Process } {
  const [clock, store] = [new ManualClock(), new MemoryStore()]
  return { clock, store, start: (source) => processOf(source, store, clock) }
}

async function call({ token }: Process): Promise<string> {
  return token.snapshot().then(
    ({ value }) => value.accessToken,
    (error: unknown) => (error instanceof RefreshError ? error.code : String(error)),
  )
}

/** Reports that the remote side rejected the token in force. */
async function rejected({ token }: Process): Promise<string> {
  const held = await token.snapshot()
  token.accepted(held)
  return token.refresh(held).then(
    ({ value }) => value.accessToken,
    (error: unknown) => (error instanceof RefreshError ? error.code : String(error)),
  )
}

test('[K16] given an ended login, when another refresh token is configured, then that one is redeemed once before the login counts as ended', async () => {
  const { clock, start } = world()
  const server = new Server()
  server.configured = 'seed-A'
  server.live.add('seed-A')
  expect(await call(start(server))).toBe('access-11')
  server.live.clear()
  server.live.add('seed-B')
  server.configured = 'seed-B'
  const process = start(server)
  expect(await rejected(process)).toBe('access-12')
  expect(server.redeemed).toEqual(['seed-A', 'redeem-11', 'seed-B'])
  await clock.advance(1_000)
})

test('[K16] given a login that works, when another refresh token is configured, then that one is not redeemed yet, and an event says so', async () => {
  const { start } = world()
  const server = new Server()
  server.configured = 'seed-A'
  server.live.add('seed-A')
  await call(start(server))
  server.configured = 'seed-B'
  const process = start(server)
  expect(await rejected(process)).toBe('access-12')
  expect(await rejected(process)).toBe('access-13')
  expect(process.types().filter((type) => type === 'seed_ignored')).toHaveLength(1)
  expect(server.redeemed).not.toContain('seed-B')
})

test('[K16] given a refresh token that was tried before, when it is configured again, then it is not tried again', async () => {
  const { clock, store, start } = world()
  const server = new Server()
  for (const seed of ['seed-A', 'seed-B', 'seed-A', 'seed-B']) {
    server.configured = seed
    await call(start(server))
    await clock.advance(60_000)
  }
  expect(server.redeemed).toEqual(['seed-A', 'seed-B'])
  expect((await store.read('default'))?.triedSeeds).toHaveLength(2)
})

test('[K16] given a record of another client, then its refresh token is not sent, and the error names both clients', async () => {
  const { start } = world()
  const server = new Server()
  const one = start(server)
  await one.token.login(numbered(1))
  server.madeFor = { issuer: 'https://two.example.com', client: 'other' }
  const other = start(server)
  const failure: unknown = await other.token.snapshot().catch((error: unknown) => error)
  expect(failure).toMatchObject({ code: 'reauthentication_required', terminal: true })
  expect(String(failure)).toMatch(
    /"app" of https:\/\/one\.example\.com.*"other" of https:\/\/two\.example\.com/,
  )
  expect(server.redeemed).toEqual([])
  await other.token.login(numbered(2))
  expect(await call(other)).toBe('access-2')
})

test('[K16] given a source that spends nothing and a live record of another client, then the source issues its own token, and the record stays', async () => {
  const { store, start } = world()
  const server = new Server()
  await start(server).token.login(numbered(1))
  const mine = new Server()
  mine.spendsRefreshToken = false
  mine.madeFor = { issuer: 'https://one.example.com', client: 'mine' }
  const process = start(mine)
  expect(await call(process)).toBe('access-11')
  expect(mine.redeemed).toEqual([undefined])
  expect(await store.read('default')).toMatchObject({ token: numbered(1), madeFor: { client: 'app' } })
  expect((await store.read('default'))?.failure).toBeUndefined()
})

test.each([
  ['audience', { audience: 'https://api.one' }, { audience: 'https://api.two' }],
  ['resource', { resource: 'https://api.one' }, { resource: 'https://api.two' }],
  ['wider scope', { scope: 'read' }, { scope: 'read write' }],
])(
  '[K16] given a record for another %s, then its access token is not used, and its refresh token is redeemed',
  async (_, before, now) => {
    const { store, start } = world()
    const server = new Server()
    const same = server.madeFor
    server.live.add('redeem-1')
    server.madeFor = { ...same, ...before }
    await start(server).token.login(numbered(1))
    server.madeFor = { ...same, ...now }
    expect(await call(start(server))).toBe('access-11')
    expect(server.redeemed).toEqual(['redeem-1'])
    expect((await store.read('default'))?.madeFor).toEqual({ ...same, ...now })
  },
)

test.each([
  ['narrower scope', { scope: 'read write' }, { scope: 'read' }],
  ['scope that is not named any more', { scope: 'read' }, {}],
  ['issuer that was not named before', { issuer: undefined }, {}],
])('[K16] given a record for a %s, then its access token is used', async (_, before, now) => {
  const { start } = world()
  const server = new Server()
  const same = server.madeFor
  server.madeFor = { ...same, ...before }
  await start(server).token.login(numbered(1))
  server.madeFor = { ...same, ...now }
  expect(await call(start(server))).toBe('access-1')
})

test('[K16] given a scope that the server granted under another name, then the requested scope decides', async () => {
  const { start } = world()
  const server = new Server()
  server.madeFor = { ...server.madeFor, scope: 'api/read' }
  await start(server).token.login(numbered(1, { scope: 'read' }))
  expect(await call(start(server))).toBe('access-1')
})

test('given a static source, then its value is compared with the one in force, and never stored', async () => {
  const { store, start } = world()
  let value = 'old'
  const source: Source = { isStatic: true, isLocal: true, issue: async () => ({ accessToken: value }) }
  const one = start(source)
  expect(await call(one)).toBe('old')
  value = 'new'
  expect(await call(start(source))).toBe('new')
  expect(await rejected(one)).toBe('new')
  expect(await rejected(one)).toBe('unchanged')
  expect(await store.read('default')).toBeUndefined()
})

test.each([
  ['no header can carry', numbered(1, { accessToken: 'a\r\nb' })],
  ['has expired', numbered(1, { expiresAt: 1 })],
])('given a stored token that %s, then its refresh token is redeemed', async (_, token) => {
  const { clock } = world()
  const store = await storeWith(new MemoryStore(), token)
  const server = new Server()
  server.live.add('redeem-1')
  expect(await call(processOf(server, store, clock))).toBe('access-11')
})

test('[S12] given a sealed record and no keys, then a call, a login and a logout send and write nothing', async () => {
  const { clock } = world()
  const sealed = { accessToken: 'eyJ…', tokenType: 'llm-refresh/sealed' }
  const store = await storeWith(new MemoryStore(), sealed)
  const before = await store.read('default')
  const server = new Server()
  const process = processOf(server, store, clock)
  expect(await call(process)).toBe('store_invalid')
  await expect(process.token.login(numbered(2))).rejects.toMatchObject({ code: 'store_invalid' })
  await expect(process.token.logout()).rejects.toMatchObject({ code: 'store_invalid' })
  expect(server.redeemed).toEqual([])
  expect(await store.read('default')).toEqual(before)
})

test("[K16] given another configuration's login, when a service's token arrives after its refresh was given up, then the token serves, and the login stays", async () => {
  const { clock, store } = world()
  const madeFor = { issuer: 'https://one.example.com', client: 'person' }
  await store.replace('default', () => ({ token: numbered(1, { expiresAt: clock.now() + 1 }), madeFor }))
  const before = await store.read('default')
  let respond = (): void => undefined
  const responded = new Promise<void>((resolve) => (respond = resolve))
  const source: Source = {
    spendsRefreshToken: false,
    madeFor: { issuer: 'https://two.example.com' },
    issue: () => responded.then(() => ({ accessToken: 'service' })),
  }
  const service = processOf(source, store, clock, { deadline: 1_000 })
  const first = call(service)
  await clock.advance(10_000)
  expect(await first).toBe('refresh_timeout')
  respond()
  await clock.advance(10_000)
  expect(await call(service)).toBe('service')
  expect(await store.read('default')).toEqual(before)
})
