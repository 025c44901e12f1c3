import { expect, test } from 'vitest'
import { Refreshable, type Refresher, retryOnce } from '../../src/index.ts'
import { ManualClock } from '../support/manual-clock.ts'

/** A remote side with one token that is good; some of its endpoints reject that one, too. */
function remote(isBad: (endpoint: string) => boolean) {
  const clock = new ManualClock()
  const count = { refreshes: 0 }
  let good = 1
  const cell = new Refreshable({
    initial: 1,
    clock,
    refresh: async () => {
      count.refreshes++
      return ++good
    },
  })
  const call = (endpoint: string, refresher: Refresher<number> = cell, named = true) =>
    retryOnce(refresher, async (token) => (token === good && !isBad(endpoint) ? 200 : 401), {
      isRejection: (status) => status === 401,
      endpoint: named ? endpoint : undefined,
    })
  return { clock, count, cell, call, die: () => good++ }
}

const BAD = 'GET /mcp'
const GOOD = 'POST /mcp'

test.each([
  ['in a burst', 0],
  ['one a second', 1_000],
  ['one every two minutes', 120_000],
])(
  '[C16] given one endpoint that always rejects among others, when 200 calls are made %s, then at most 8 refreshes run',
  async (_, pace) => {
    for (const share of [1, 2, 10]) {
      const { clock, count, call } = remote((endpoint) => endpoint === BAD)
      for (let n = 0; n < 200; n++) {
        expect(await call(n % share === 0 ? BAD : GOOD)).toBe(n % share === 0 ? 401 : 200)
        clock.jump(pace)
      }
      expect(count.refreshes).toBeLessThanOrEqual(8)
      expect(count.refreshes).toBeGreaterThan(0)
    }
  },
)

test('[C16] given a poller that is always rejected, when it polls for a day, then any 200 calls in a row cause at most 8 refreshes', async () => {
  const { clock, count, call } = remote((endpoint) => endpoint === BAD)
  const after: number[] = []
  for (let n = 0; n < 1_440; n++) {
    await call(n % 2 === 0 ? BAD : GOOD)
    after.push(count.refreshes)
    clock.jump(120_000)
  }
  for (const [at, refreshes] of after.entries())
    expect(refreshes - (after[at - 200] ?? 0)).toBeLessThanOrEqual(8)
})

test('[C16] given paths with ids that are always rejected, when 200 of them are called, then at most 8 refreshes run', async () => {
  const { clock, count, call } = remote((endpoint) => endpoint !== GOOD)
  for (let n = 0; n < 200; n++) {
    await call(`GET /sessions/${n}`)
    await call(GOOD)
    clock.jump(120_000)
  }
  expect(count.refreshes).toBeLessThanOrEqual(8)
})

test('[C16] given a bad endpoint that has just caused refreshes, when the token is really revoked, then the rejection of a good endpoint refreshes at once', async () => {
  const { clock, count, call, die } = remote((endpoint) => endpoint === BAD)
  await call(GOOD)
  for (let n = 0; n < 60; n++) {
    await call(BAD)
    const before = count.refreshes
    die()
    expect(await call(GOOD)).toBe(200)
    expect(count.refreshes).toBe(before + 1)
    clock.jump(n * 100)
  }
})

test('[C16] given tokens that are revoked, when each endpoint is called only once, then a refresh that helps does not count', async () => {
  const { clock, count, call, die } = remote(() => false)
  for (let n = 0; n < 200; n++) {
    die()
    expect(await call(`GET /sessions/${n}`)).toBe(200)
    clock.jump(1_000)
  }
  expect(count.refreshes).toBe(200)
})

test('[C8, C16] given an endpoint that accepted tokens, when it rejects everything from then on, then it counts as a bad one', async () => {
  let isOver = false
  const { clock, count, call } = remote((endpoint) => isOver && endpoint === GOOD)
  await call(GOOD)
  await call('GET /other')
  isOver = true
  for (let n = 0; n < 200; n++) {
    expect(await call(n % 2 === 0 ? GOOD : 'GET /other')).toBe(n % 2 === 0 ? 401 : 200)
    clock.jump(120_000)
  }
  expect(count.refreshes).toBeLessThanOrEqual(8)
})

test('[C16] given one endpoint that rejects each call, when calls come fast, then its own pause doubles', async () => {
  let n = 0
  const { clock, count, call } = remote((endpoint) => endpoint === GOOD && n % 2 === 0)
  for (; n < 200; n++) {
    await call(GOOD)
    clock.jump(100)
  }
  expect(count.refreshes).toBeLessThanOrEqual(8)
})

test('[C16] given calls that name no endpoint, when one of two maps is always rejected, then each map counts as one endpoint', async () => {
  const { clock, count, cell, call, die } = remote((endpoint) => endpoint === BAD)
  const [bad, good] = [cell.map((token) => token), cell.map((token) => token)]
  for (let n = 0; n < 100; n++) {
    expect(await call(BAD, bad, false)).toBe(401)
    expect(await call(GOOD, good, false)).toBe(200)
    clock.jump(120_000)
  }
  expect(count.refreshes).toBeLessThanOrEqual(8)
  const before = count.refreshes
  die()
  expect(await call(GOOD, good, false)).toBe(200)
  expect(count.refreshes).toBe(before + 1)
})

test('[C16] given more endpoints than the breaker remembers, when the token is revoked, then those that were used last refresh at once', async () => {
  const { count, call, die } = remote((endpoint) => endpoint === BAD)
  for (let n = 0; n < 1_000; n++) {
    await call(`GET /sessions/${n}`)
    await call(GOOD)
  }
  for (let n = 0; n < 20; n++) await call(BAD)
  const before = count.refreshes
  die()
  expect(await call(GOOD)).toBe(200)
  expect(count.refreshes).toBe(before + 1)
})

test('[C9, C16] given a value that a bad endpoint rejects and others accept, when its expiry is near, then it is refreshed ahead of it', async () => {
  const clock = new ManualClock()
  let refreshes = 0
  const cell = new Refreshable({
    initial: clock.now() + 3_600_000,
    expiresAt: (at) => at,
    clock,
    refresh: async () => {
      refreshes++
      return clock.now() + 3_600_000
    },
  })
  const call = (endpoint: string) =>
    retryOnce(cell, async () => (endpoint === BAD ? 401 : 200), {
      isRejection: (status) => status === 401,
      endpoint,
    })
  for (let n = 0; n < 50; n++) {
    await call(BAD)
    await call(GOOD)
  }
  const before = refreshes
  await call(BAD)
  await call(GOOD)
  clock.jump(3_600_000 - 1_000)
  await call(GOOD)
  expect(refreshes).toBe(before + 1)
})
