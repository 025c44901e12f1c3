import { expect, onTestFinished, test } from 'vitest'
import {
  type AccessToken,
  type Clock,
  createCredential,
  memoryStore,
  type RefreshEvent,
  RefreshError,
  refreshingFetch,
  type Source,
} from '../../src/index.ts'
import { oauth } from '../../src/sources/oauth/index.ts'
import { startAuthorizationServer } from '../support/authorization-server.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { startRecordingServer } from '../support/recording-server.ts'

/** The trial: more. */
const EXPIRIES = Number(process.env['EXPIRIES'] ?? 30)

test(`[C1, C3, K2, K10] given ${EXPIRIES} expiries under load, then there is one redemption for each, and no family is revoked`, async () => {
  const server = await startAuthorizationServer()
  const api = await startRecordingServer(async ({ headers }, response) => {
    const isActive = await server.isActive(headers.authorization?.replace('Bearer ', '') ?? '')
    response.writeHead(isActive ? 200 : 401).end()
  })
  onTestFinished(async () => {
    await Promise.all([server.close(), api.close()])
  })
  const login = await server.login()
  const { issuer, client } = server
  // Four processes that share a store; of one of them a person has logged in.
  const store = memoryStore()
  const events: RefreshEvent[] = []
  const source = oauth({ issuer, clientId: client.id, clientSecret: client.secret })
  const tokens = Array.from({ length: 4 }, () =>
    createCredential({ source, store, onEvent: (event) => events.push(event) }),
  )
  await tokens[0]?.login(login)
  const fetches = tokens.map((token) => refreshingFetch(token, { origins: api.origin }))

  const WORKERS = 20
  let [expiries, failed] = [0, 0]
  /** Calls that each worker has ended since the last expiry. */
  const ended = Array.from({ length: WORKERS }, () => 0)
  /** The token ends as soon as everybody is known to hold it: all are in the middle of a call, or about to make one. */
  async function work(worker: number): Promise<void> {
    const fetch = fetches[worker % fetches.length] ?? globalThis.fetch
    while (expiries < EXPIRIES || ended[worker] === 0) {
      const response = await fetch(api.origin)
      await response.body?.cancel()
      if (!response.ok) failed++
      ended[worker] = (ended[worker] ?? 0) + 1
      if (expiries === EXPIRIES || !ended.every((calls) => calls >= 2)) continue
      server.expireAccessTokens()
      expiries++
      ended.fill(0)
    }
  }
  await Promise.all(ended.map((_, worker) => work(worker)))
  expect(login.redemptions()).toBe(EXPIRIES)
  expect(events.filter(({ type }) => type === 'issued')).toHaveLength(EXPIRIES)
  expect({ failed, refused: login.refused(), revoked: login.revoked() }).toEqual({
    failed: 0,
    refused: 0,
    revoked: false,
  })
})

test(`[C1] given ${EXPIRIES} expiries one after another, each with 20 callers in flight, then there is one redemption for each`, async () => {
  const server = await startAuthorizationServer()
  onTestFinished(() => server.close())
  const login = await server.login()
  const { issuer, client } = server
  const token = createCredential({
    source: oauth({ issuer, clientId: client.id, clientSecret: client.secret }),
  })
  await token.login(login)
  for (let n = 1; n <= EXPIRIES; n++) {
    const held = await token.snapshot()
    const fresh = await Promise.all(Array.from({ length: 20 }, () => token.refresh(held)))
    token.accepted(held)
    expect(new Set(fresh.map(({ generation }) => generation)).size).toBe(1)
    if (fresh[0]) token.accepted(fresh[0])
    expect(login.redemptions()).toBe(n)
  }
  expect({ refused: login.refused(), revoked: login.revoked() }).toEqual({ refused: 0, revoked: false })
})

/** A server of the true time: its tokens live for so many seconds, and rotate. */
class Issuer implements Source {
  redemptions = 0
  readonly #clock: Clock
  readonly #seconds: number | undefined
  readonly #ends = new Map<string, number>()
  #live = 'refresh-0'

  constructor(clock: Clock, seconds: number | undefined) {
    this.#clock = clock
    this.#seconds = seconds
  }

  issue(): Promise<AccessToken> {
    throw new Error('Nobody asks without a clock.')
  }

  /** As a client whose clock shows another time sees it: lifetimes are counted from when it asked. */
  seenBy(clock: Clock): Source {
    return {
      issue: async ({ current }) => {
        if (current !== undefined && current.refreshToken !== this.#live) {
          throw new RefreshError('reauthentication_required', 'That refresh token was spent.')
        }
        const accessToken = `access-${++this.redemptions}`
        this.#live = `refresh-${this.redemptions}`
        const life = this.#seconds === undefined ? undefined : this.#seconds * 1000
        this.#ends.set(accessToken, life === undefined ? Infinity : this.#clock.now() + life)
        const expiresAt = life === undefined ? undefined : clock.now() + life
        return { accessToken, refreshToken: this.#live, expiresAt }
      },
    }
  }

  accepts({ accessToken }: AccessToken): boolean {
    return this.#clock.now() < (this.#ends.get(accessToken) ?? 0)
  }
}

/** One call: what is rejected is tried once more. Tells how often it was rejected. */
async function call(token: ReturnType<typeof createCredential>, server: Issuer): Promise<number> {
  let snapshot = await token.snapshot()
  if (!server.accepts(snapshot.value)) {
    snapshot = await token.refresh(snapshot)
    if (!server.accepts(snapshot.value)) return 2
    token.accepted(snapshot)
    return 1
  }
  token.accepted(snapshot)
  return 0
}

test.each([
  // [lifetime in s, a call every … ms, for … ms, redemptions at the most]
  [2, 100, 60_000, 34],
  [3, 1_000, 60_000, 31],
  [300, 5_000, 7_200_000, 28],
  [3_600, 30_000, 86_400_000, 27],
  [315_576_000, 86_400_000, 315_576_000_000, 3],
  [undefined, 86_400_000, 315_576_000_000, 1],
])(
  '[C9, K1] given tokens that live %s s, when a caller uses one every %i ms for %i ms, then they are refreshed ahead and never rejected, and no refresh repeats',
  async (seconds, every, during, most) => {
    const clock = new ManualClock()
    const server = new Issuer(clock, seconds)
    const token = createCredential({ source: server.seenBy(clock), clock })
    let rejected = 0
    for (let at = 0; at < during; at += every) {
      rejected += await call(token, server)
      await clock.advance(every)
    }
    expect(rejected).toBe(0)
    expect(server.redemptions).toBeLessThanOrEqual(most)
    expect(server.redemptions).toBeGreaterThanOrEqual(Math.floor(during / 1000 / (seconds ?? Infinity)))
    expect(clock.armed).toBeLessThanOrEqual(1)
  },
)

test.each([60_000, 8 * 3_600_000, 30 * 86_400_000])(
  '[C10] given a laptop that sleeps for %i ms, when calls come after that, then all get a valid token, with one refresh',
  async (asleep) => {
    const clock = new ManualClock()
    const server = new Issuer(clock, 3_600)
    const token = createCredential({ source: server.seenBy(clock), clock })
    await call(token, server)
    const expected = asleep < 3_600_000 ? 1 : 2
    // Time jumps, and no timer has run meanwhile.
    clock.jump(asleep)
    const rejected = await Promise.all(Array.from({ length: 50 }, () => call(token, server)))
    expect(rejected.every((times) => times === 0)).toBe(true)
    await clock.advance(0)
    expect(server.redemptions).toBe(expected)
  },
)

test('given a machine that sleeps during a refresh, then the refresh ends late, or the next caller begins another', async () => {
  const clock = new ManualClock()
  let asked = 0
  const source: Source = {
    issue: ({ signal }) =>
      ++asked === 1
        ? new Promise((_resolve, reject) => {
            // Its connection is gone, and nobody tells.
            signal.addEventListener('abort', () => reject(signal.reason))
          })
        : Promise.resolve({ accessToken: `access-${asked}` }),
  }
  const token = createCredential({ source, clock })
  const waiting = token.snapshot().catch((error: unknown) => error)
  await clock.advance(0)
  clock.jump(8 * 3_600_000)
  await clock.advance(0)
  expect(await waiting).toMatchObject({ code: 'refresh_timeout' })
  await clock.advance(150_000)
  expect((await token.snapshot()).value.accessToken).toBe('access-2')
})

test.each([
  [600_000, -600_000, 300],
  [600_000, -600_000, 3_600],
  [600_000, 0, 60],
  [-600_000, 0, 60],
  [600_000, -600_000, 2],
])(
  '[C6] given two hosts whose clocks are off by %i and %i ms, when they share tokens of %i s, then every call succeeds, without needless redemptions',
  async (skewOfOne, skewOfOther, seconds) => {
    const clock = new ManualClock()
    const server = new Issuer(clock, seconds)
    const store = memoryStore()
    const hosts = [skewOfOne, skewOfOther].map((skew) => {
      const own: Clock = {
        now: () => clock.now() + skew,
        setTimeout: (run, ms) => clock.setTimeout(run, ms),
        clearTimeout: (timer) => clock.clearTimeout(timer),
      }
      return createCredential({ source: server.seenBy(own), store, clock: own })
    })
    const step = (seconds * 1000) / 20
    const lifetimes = 24
    let unserved = 0
    for (let n = 0; n < 20 * lifetimes; n++) {
      for (const host of hosts) if ((await call(host, server)) > 1) unserved++
      await clock.advance(step)
    }
    expect(unserved).toBe(0)
    // Each host may refresh for itself, where the other's clock makes its tokens look old.
    expect(server.redemptions).toBeLessThanOrEqual(2 * (lifetimes + lifetimes / 4))
  },
)
