import { expect, test } from 'vitest'
import { noting } from '../../src/credential/failure-facts.ts'
import { MemoryStore } from '../../src/credential/memory-store.ts'
import { type AccessToken, RefreshError, type Source, type SourceContext } from '../../src/index.ts'
import { mcp } from '../../src/sources/mcp/index.ts'
import { oauth } from '../../src/sources/oauth/index.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { settled } from '../support/settled.ts'
import { numbered, type Process, processOf, storeWith } from './account.ts'

/** In an hour from the start of each test's clock. epoch ms */
const HOUR = new ManualClock().now() + 3_600_000

/** A server whose logins end when it says so. */
class Server implements Source {
  readonly asked: (string | undefined)[] = []
  refuses: RefreshError['code'] | undefined
  #issued = 100

  async issue({ current, sent }: SourceContext): Promise<AccessToken> {
    sent()
    this.asked.push(current?.refreshToken)
    if (this.refuses !== undefined) throw noting(new RefreshError(this.refuses, 'No.'), { reach: 'answered' })
    return numbered(++this.#issued, { expiresAt: HOUR })
  }

  presented = async ({ current }: Pick<SourceContext, 'current'>): Promise<string[]> => [
    current?.refreshToken ?? '',
  ]
}

/** Processes that share a login whose access token claims to live for an hour. */
async function world(): Promise<{ server: Server; clock: ManualClock; start: () => Process }> {
  const [server, clock] = [new Server(), new ManualClock()]
  const store = await storeWith(new MemoryStore(), numbered(1, { expiresAt: HOUR }))
  return { server, clock, start: () => processOf(server, store, clock) }
}

/** A call whose token is rejected. */
async function rejected({ token }: Process): Promise<void> {
  await token.refresh(await token.snapshot()).catch(() => undefined)
}

const ended = { code: 'reauthentication_required', terminal: true }

test('[K14, Z2] given an ended login and a token that claims to live on, then no command reports success', async () => {
  const { server, clock, start } = await world()
  const one = start()
  server.refuses = 'reauthentication_required'
  await rejected(one)
  const other = start()
  await other.token.snapshot()
  for (const { token } of [one, other]) {
    expect(token.status()).toMatchObject({
      state: 'reauthentication_required',
      failure: { code: 'reauthentication_required' },
    })
    const { ok, findings } = await token.check()
    expect([ok, findings]).toEqual([
      false,
      [expect.objectContaining({ code: 'reauthentication_required', level: 'error', fix: 'Log in again.' })],
    ])
  }
  // The one whose token was rejected gives it to nobody; the other cannot know whether it is good.
  await expect(one.token.accessToken()).rejects.toMatchObject(ended)
  server.refuses = undefined
  await other.token.login(numbered(7, { expiresAt: HOUR }))
  await clock.advance(1_000)
  expect(await one.token.accessToken()).toBe('access-7')
  expect((await one.token.check()).ok).toBe(true)
  expect([one.token.status().state, other.token.status().state]).toEqual(['valid', 'valid'])
})

test('[K14, Z2] given a stored refusal and a token that claims to live on, when a new process checks, then it asks the source once, and reports the source’s verdict', async () => {
  const { server, start } = await world()
  server.refuses = 'reauthentication_required'
  await rejected(start())
  const asked = server.asked.length
  expect(await start().token.check()).toMatchObject({
    ok: false,
    findings: [{ code: 'reauthentication_required', fix: 'Log in again.' }],
  })
  expect(server.asked).toHaveLength(asked + 1)
  server.refuses = undefined
  expect(await start().token.check()).toMatchObject({ ok: true, findings: [{ code: 'token_good' }] })
})

test('[K14] given a rejected token and an endpoint that refuses, when accessToken() is called again and again, then the endpoint is not asked again', async () => {
  const { server, start } = await world()
  const { token } = start()
  server.refuses = 'source_refused'
  await rejected({ token } as Process)
  const asked = server.asked.length
  for (let n = 0; n < 20; n++) await token.accessToken().catch(() => undefined)
  expect(server.asked).toHaveLength(asked)
})

test('[K14] given a newer token in the store, when a process with the older one checks, then it reports the newer one, and redeems nothing', async () => {
  const { server, start } = await world()
  const [one, other] = [start(), start()]
  await one.token.snapshot()
  await other.token.login(numbered(7, { expiresAt: HOUR + 3_600_000 }))
  const { findings } = await one.token.check()
  expect(findings).toEqual([
    expect.objectContaining({
      code: 'token_good',
      message: expect.stringContaining(new Date(HOUR + 3_600_000).toISOString()),
    }),
  ])
  expect(server.asked).toEqual([])
})

test('[K14] given a logout elsewhere, when a process with the old token checks, then it reports the logout', async () => {
  const { start } = await world()
  const [one, other] = [start(), start()]
  await one.token.snapshot()
  await other.token.logout()
  expect(await one.token.check()).toMatchObject({
    ok: false,
    findings: [{ code: 'reauthentication_required', fix: 'Log in again.' }],
  })
})

test('[K14] given an ended login of another configuration under the same key, then check() of a static source reports its own token, and does not ask again', async () => {
  const store = new MemoryStore()
  const failure = { code: 'reauthentication_required', terminal: true, at: 1 } as const
  await store.replace('default', () => ({ token: numbered(1), failure }))
  let asked = 0
  const issue = async (): Promise<AccessToken> => {
    asked++
    return { accessToken: 'key' }
  }
  const source: Source = { isStatic: true, issue }
  const { token } = processOf(source, store, new ManualClock())
  await token.snapshot()
  expect(await token.check()).toMatchObject({ ok: true, findings: [{ code: 'token_good' }] })
  expect(asked).toBe(1)
})

test('[K14] given a valid token whose last refresh failed, then check() is ok, and warns', async () => {
  const { server, clock, start } = await world()
  const { token } = start()
  await token.snapshot()
  server.refuses = 'source_refused'
  await clock.advance(3_585_000)
  await token.snapshot()
  while (token.status().isRefreshing) await settled()
  const asked = server.asked.length
  expect(asked).toBeGreaterThan(0)
  expect(await token.check()).toMatchObject({
    ok: true,
    findings: [{ code: 'token_good' }, { code: 'refresh_failing', level: 'warning' }],
  })
  expect(server.asked).toHaveLength(asked)
})

const LONE = { accessToken: 'access', expiresAt: HOUR }
const OPTIONS = { clientId: 'app', fetch: () => Promise.reject(new Error('is never asked')) }

test.each<[string, Source | 'store-only']>([
  ['oauth()', oauth({ ...OPTIONS, tokenEndpoint: 'https://auth.example.com/token' })],
  ['mcp()', mcp('https://mcp.example.com/mcp', OPTIONS)],
  ["'store-only'", 'store-only'],
])(
  '[Z2] given %s and a login without a refresh token, then check() of any process warns while the token lives, and reports the missing refresh token afterwards',
  async (_, source) => {
    const [store, clock] = [new MemoryStore(), new ManualClock()]
    const one = processOf(source, store, clock)
    await one.token.login(LONE)
    const other = processOf(source, store, clock)
    for (const { token } of [one, other]) {
      expect(await token.check()).toMatchObject({
        ok: true,
        findings: [
          { code: 'token_good' },
          { code: 'no_refresh_token', level: 'warning', fix: expect.stringContaining('offline_access') },
        ],
      })
    }
    await clock.advance(3_600_001)
    const { findings } = await processOf(source, store, clock).token.check()
    expect(findings).toEqual([
      source === 'store-only'
        ? expect.objectContaining({ code: 'unchanged' })
        : expect.objectContaining({
            code: 'reauthentication_required',
            message: expect.stringContaining('The last login brought no refresh token'),
          }),
    ])
  },
)

const GRANT = { type: 'refresh_token', refreshToken: 'seed' } as const

test.each<[string, Source | 'store-only', AccessToken]>([
  [
    'a login with a refresh token',
    oauth({ ...OPTIONS, tokenEndpoint: 'https://a.example.com/' }),
    numbered(1),
  ],
  [
    'a refresh token in the configuration',
    oauth({ ...OPTIONS, tokenEndpoint: 'https://a.example.com/', grant: GRANT }),
    LONE,
  ],
  [
    'a service',
    oauth({
      ...OPTIONS,
      tokenEndpoint: 'https://a.example.com/',
      clientSecret: 'b',
      grant: 'client_credentials',
    }),
    LONE,
  ],
  ['a source of the user’s', { issue: async () => LONE }, LONE],
  ['a process that borrows a service’s token', 'store-only', LONE],
])('[Z2] given %s, then check() does not warn of a missing refresh token', async (_, source, token) => {
  const store = await storeWith(new MemoryStore(), { ...token, expiresAt: HOUR })
  const { findings } = await processOf(source, store, new ManualClock()).token.check()
  expect(findings.map(({ code }) => code)).toEqual(['token_good'])
})

test('[K5] given an account without a login, or after a logout, then the error says which of the two it is', async () => {
  const [store, clock] = [new MemoryStore(), new ManualClock()]
  const source = oauth({ ...OPTIONS, tokenEndpoint: 'https://auth.example.com/token' })
  const { token } = processOf(source, store, clock)
  await expect(token.accessToken()).rejects.toThrow('Nobody is logged in')
  await token.login(LONE)
  await clock.advance(3_600_001)
  await expect(token.accessToken()).rejects.toThrow('The last login brought no refresh token')
  await token.logout()
  await expect(processOf(source, store, clock).token.accessToken()).rejects.toThrow('logged out')
})

test('[C11] given a logout, then accessToken() of the same process rejects with a terminal failure', async () => {
  const { start } = await world()
  const { token } = start()
  await token.snapshot()
  await token.logout()
  await expect(token.accessToken()).rejects.toMatchObject({ code: 'credential_missing', terminal: true })
})
