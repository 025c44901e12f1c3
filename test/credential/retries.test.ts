import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { noting } from '../../src/credential/failure-facts.ts'
import { createCredential, memoryStore, RefreshError, type RefreshErrorCode } from '../../src/index.ts'
import { fileOfSource, program } from '../support/bundle.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { settled } from '../support/settled.ts'
import { Account, numbered, processOf, storeWith } from './account.ts'

const TRANSIENT = ['source_unavailable', 'source_rate_limited'] as const

async function failing(
  ...failures: unknown[]
): Promise<{ account: Account; clock: ManualClock; refreshed: Promise<unknown> }> {
  const [account, clock] = [new Account(), new ManualClock()]
  const { token } = processOf(account, await storeWith(memoryStore(), numbered(1)), clock)
  const held = await token.snapshot()
  account.failures.push(...failures)
  const refreshed = token.refresh(held).then(
    ({ value }) => value.accessToken,
    (error: unknown) => (error instanceof RefreshError ? error.code : error),
  )
  await settled()
  return { account, clock, refreshed }
}

const failure = (code: RefreshErrorCode, retryAfterMs?: number): RefreshError =>
  new RefreshError(code, 'It did not work.', { retryAfterMs })

test.each(TRANSIENT)(
  '[K9] given %s, then the flight tries again, three times at most in all',
  async (code) => {
    const twice = await failing(failure(code), failure(code))
    expect(twice.account.redemptions).toBe(1)
    await twice.clock.advance(1_250)
    expect(await twice.refreshed).toBe('access-2')
    expect(twice.account.redemptions).toBe(3)

    const thrice = await failing(failure(code), failure(code), failure(code))
    await thrice.clock.advance(30_000)
    expect(await thrice.refreshed).toBe(code)
    expect(thrice.account.redemptions).toBe(3)
    expect(thrice.clock.armed).toBe(0)
  },
)

test('[K9] given a request that may have been sent and got no response, then it is tried exactly once more', async () => {
  const once = await failing(failure('source_unreachable'))
  await once.clock.advance(1_250)
  expect([await once.refreshed, once.account.redemptions]).toEqual(['access-2', 2])

  const twice = await failing(failure('source_unreachable'), failure('source_unreachable'))
  await twice.clock.advance(30_000)
  expect([await twice.refreshed, twice.account.redemptions]).toEqual(['source_unreachable', 2])
})

test.each([
  ['broke after it was sent', failure('source_unreachable'), /may have been spent/],
  ['reached nobody', noting(failure('source_unreachable'), { reach: 'unsent' }), /^It did not work/],
  ['was answered with a 5xx', failure('source_unavailable'), /^It did not work/],
])(
  '[K13] given a request that %s, when the second one ends the login, then the error says whether the first one’s outcome is unknown',
  async (_name, first, message) => {
    const [account, clock, store] = [
      new Account(),
      new ManualClock(),
      await storeWith(memoryStore(), numbered(1)),
    ]
    const { token } = processOf(account, store, clock)
    const held = await token.snapshot()
    account.failures.push(first, failure('reauthentication_required'))
    const refreshed = token.refresh(held).catch((error: unknown) => error)
    await settled()
    await clock.advance(1_250)
    expect(await refreshed).toMatchObject({
      code: 'reauthentication_required',
      message: expect.stringMatching(message),
    })
    const isUnknown = String(message).includes('spent')
    expect((await store.read('default'))?.failure?.abandoned ?? false).toBe(isUnknown)
  },
)

test.each(['unsent', 'answered'] as const)(
  '[K9] given a source that knows its request was %s, then it is tried three times',
  async (reach) => {
    const failures = Array.from({ length: 3 }, () => noting(failure('source_unreachable'), { reach }))
    const { account, clock, refreshed } = await failing(...failures)
    await clock.advance(30_000)
    expect([await refreshed, account.redemptions]).toEqual(['source_unreachable', 3])
  },
)

test('[K18] given a 2xx that cannot be read, then the request is not sent again', async () => {
  const { account, refreshed } = await failing(noting(failure('source_unavailable'), { reach: 'accepted' }))
  expect([await refreshed, account.redemptions]).toEqual(['source_unavailable', 1])
})

test.each([
  'source_refused',
  'source_invalid',
  'reauthentication_required',
  'unchanged',
  'invalid_value',
] as const)('[K9] given %s, then the flight does not try again', async (code) => {
  const { account, refreshed } = await failing(failure(code))
  expect(await refreshed).toBe(code)
  expect(account.redemptions).toBe(1)
})

test('[K9] given an error that is no RefreshError, then the flight does not try again', async () => {
  const { account, refreshed } = await failing(new TypeError('fetch failed'))
  expect(await refreshed).toBe('refresh_failed')
  expect(account.redemptions).toBe(1)
})

test('[K9] given a Retry-After, then the next try waits for it', async () => {
  const { account, clock, refreshed } = await failing(failure('source_rate_limited', 7_000))
  await clock.advance(6_999)
  expect(account.redemptions).toBe(1)
  await clock.advance(1)
  expect(await refreshed).toBe('access-2')
})

test('[K9] given a Retry-After that ends after the deadline, then no try begins, and the cooldown obeys it', async () => {
  const { account, clock, refreshed } = await failing(failure('source_rate_limited', 30_000))
  expect(await refreshed).toBe('source_rate_limited')
  expect([account.redemptions, clock.armed]).toEqual([1, 0])
})

test('[K9] given a wait between two tries, when a login comes, then the wait ends', async () => {
  const [account, clock] = [new Account(), new ManualClock()]
  const { token } = processOf(account, await storeWith(memoryStore(), numbered(1)), clock)
  account.failures.push(failure('source_unavailable'))
  const refreshed = token.refresh(await token.snapshot())
  await settled()
  await token.login(numbered(9))
  expect((await refreshed).value).toMatchObject(numbered(9))
  expect([account.redemptions, clock.armed]).toEqual([1, 0])
})

test('[K9] given a wait between two tries, then the process stays alive until the next try has its response', async () => {
  const script = await program(`
    import { createCredential, RefreshError } from '${fileOfSource('index.ts')}'
    let asked = 0
    const source = { issue: async () => {
      if (++asked === 1) throw new RefreshError('source_unavailable', 'Not now.', { retryAfterMs: 1 })
      return { accessToken: 'good' }
    } }
    console.log((await createCredential({ source }).snapshot()).value.accessToken)`)
  const ended = spawnSync(process.execPath, [script], { encoding: 'utf8', timeout: 120_000 })
  expect([ended.stderr, ended.stdout.trim(), ended.status]).toEqual(['', 'good', 0])
})

test('[K9, E1] given an endpoint that hangs for a third of the deadline, when the source gives up twice, then the caller gets the error that names the endpoint, and no third try runs into the deadline', async () => {
  const clock = new ManualClock()
  let tries = 0
  const source = {
    spendsRefreshToken: false,
    issue: async (): Promise<never> => {
      tries++
      await new Promise((resolve) => clock.setTimeout(() => resolve(undefined), 10_000))
      throw new RefreshError('source_unreachable', 'auth.example.com did not respond within 10000 ms.')
    },
  }
  const asked = createCredential({ source, clock })
    .accessToken()
    .catch((error: unknown) => error)
  await settled()
  for (let passed = 0; passed < 40; passed++) await clock.advance(1_000)
  expect(await asked).toMatchObject({ message: 'auth.example.com did not respond within 10000 ms.' })
  expect(tries).toBe(2)
})
