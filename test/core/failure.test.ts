import { expect, test } from 'vitest'
import { Refreshable, RefreshError, retryOnce } from '../../src/index.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { responder } from '../support/responder.ts'
import { settled } from '../support/settled.ts'

/** A cell whose refreshes do what the test says next, and are counted. */
function cellThat(outcome: () => Promise<string>, more: { reread?: () => Promise<string | undefined> } = {}) {
  const clock = new ManualClock()
  const count = { refreshes: 0 }
  const cell = new Refreshable({
    initial: 'old',
    clock,
    refresh: () => {
      count.refreshes++
      return outcome()
    },
    ...more,
  })
  return { clock, cell, count }
}

test('[C6] given a failed refresh, when callers come within the cooldown, then they fail at once with its cause; after it, the next rejection tries again', async () => {
  const cause = new Error('token endpoint: 500')
  let answer: () => Promise<string> = () => Promise.reject(cause)
  const { clock, cell, count } = cellThat(() => answer())
  const old = await cell.snapshot()
  await expect(cell.refresh(old)).rejects.toMatchObject({ code: 'refresh_failed', cause })

  for (let caller = 0; caller < 100; caller++) {
    await expect(cell.refresh(old)).rejects.toMatchObject({ code: 'refresh_suspended', cause })
  }
  expect(count.refreshes).toBe(1)
  expect(await cell.snapshot()).toBe(old)

  answer = () => Promise.resolve('new')
  await clock.advance(1_000)
  expect((await cell.refresh(old)).value).toBe('new')
  expect(count.refreshes).toBe(2)
})

test.each([
  ['refresh_failed', 5],
  ['source_unreachable', 5],
  ['source_unavailable', 5],
  ['store_failed', 5],
  ['refresh_timeout', 5],
  ['source_rate_limited', 60],
  ['source_refused', 5],
  ['source_invalid', 5],
  ['unchanged', 60],
] as const)(
  '[C6] given %s again and again, when refreshes fail, then the cooldown doubles from 1 s to %i s, and a success resets it',
  async (code, most) => {
    let answer: () => Promise<string> = () => Promise.reject(new RefreshError(code, 'down'))
    const { clock, cell } = cellThat(() => answer())
    const old = await cell.snapshot()
    const pauses: unknown[] = []
    for (let failure = 0; failure < 9; failure++) {
      await expect(cell.refresh(old)).rejects.toMatchObject({ code })
      const refused = await cell.refresh(old).catch((error: unknown) => error)
      if (!(refused instanceof RefreshError)) throw new Error('not refused')
      pauses.push(refused.retryAfterMs)
      await clock.advance(refused.retryAfterMs ?? 0)
    }
    expect(pauses).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60].map((seconds) => Math.min(seconds, most) * 1_000))

    answer = () => Promise.resolve('new')
    const fresh = await cell.refresh(old)
    cell.accepted(fresh)
    answer = () => Promise.reject(new Error('down again'))
    await expect(cell.refresh(fresh)).rejects.toMatchObject({ code: 'refresh_failed' })
    await expect(cell.refresh(fresh)).rejects.toMatchObject({ retryAfterMs: 1_000 })
  },
)

test.each([
  [30_000, 30_000],
  [3_600_000, 60_000],
  [10, 1_000],
])(
  '[C6] given a Retry-After of %i ms, when a refresh fails with it, then the cooldown is %i ms',
  async (retryAfterMs, pause) => {
    const failure = new RefreshError('refresh_failed', 'too many requests', { retryAfterMs })
    const { cell } = cellThat(() => Promise.reject(failure))
    const old = await cell.snapshot()
    await expect(cell.refresh(old)).rejects.toBe(failure)
    await expect(cell.refresh(old)).rejects.toMatchObject({ retryAfterMs: pause })
  },
)

test('[C6, K15] given a Retry-After of 3 s again and again, when the endpoint is well, then the next try comes within 5 s', async () => {
  const failure = new RefreshError('source_rate_limited', 'too many requests', { retryAfterMs: 3_000 })
  const { clock, cell } = cellThat(() => Promise.reject(failure))
  const old = await cell.snapshot()
  for (let n = 0; n < 9; n++) {
    await expect(cell.refresh(old)).rejects.toBe(failure)
    await clock.advance(5_000)
  }
})

test('[C6] given a cooldown, when the clock is set back, then the cooldown gets no longer', async () => {
  const { clock, cell, count } = cellThat(() => Promise.reject(new Error('down')))
  const old = await cell.snapshot()
  await cell.refresh(old).catch(() => undefined)
  clock.jump(-7_200_000)
  await cell.refresh(old).catch(() => undefined)
  expect(count.refreshes).toBe(2)
})

const revoked = new RefreshError('reauthentication_required', 'Log in again: the session was revoked.')

test('[C7] given a terminal failure, when calls come, then the cell holds the failure until set()', async () => {
  const { clock, cell, count } = cellThat(() => Promise.reject(revoked))
  const old = await cell.snapshot()
  for (let day = 0; day < 10; day++) {
    await expect(cell.refresh(old)).rejects.toBe(revoked)
    await clock.advance(86_400_000)
  }
  expect(count.refreshes).toBe(1)
  expect(await cell.snapshot()).toBe(old)

  const login = cell.set('login')
  await expect(cell.refresh(login)).rejects.toBe(revoked)
  expect(count.refreshes).toBe(2)
})

test('[C7] given a terminal failure, when calls come, then reread runs at most once per cooldown, and a different value ends the failure', async () => {
  let stored: string | undefined = 'old'
  let reads = 0
  const { clock, cell, count } = cellThat(() => Promise.reject(revoked), {
    reread: async () => {
      reads++
      return stored
    },
  })
  const old = await cell.snapshot()
  const rejections = async () => {
    for (let caller = 0; caller < 20; caller++) await expect(cell.refresh(old)).rejects.toBe(revoked)
  }
  await rejections()
  expect([count.refreshes, reads]).toEqual([1, 0])
  await clock.advance(1_000)
  await rejections()
  expect(reads).toBe(1)
  await clock.advance(2_000)
  stored = undefined
  await rejections()
  expect(reads).toBe(2)

  stored = 'somebody logged in'
  await clock.advance(4_000)
  expect(await cell.refresh(old)).toMatchObject({ value: 'somebody logged in', generation: 2 })
  expect([count.refreshes, reads]).toEqual([1, 3])
})

test('[C7] given a terminal failure, when reread fails or hangs, then the failure stays', async () => {
  let read: () => Promise<string | undefined> = () => Promise.reject(new Error('store down'))
  const { clock, cell, count } = cellThat(() => Promise.reject(revoked), { reread: () => read() })
  const old = await cell.snapshot()
  await expect(cell.refresh(old)).rejects.toBe(revoked)
  await clock.advance(1_000)
  await expect(cell.refresh(old)).rejects.toBe(revoked)

  read = () => new Promise(() => undefined)
  await clock.advance(2_000)
  const hanging = cell.refresh(old).catch((error: unknown) => error)
  await clock.advance(150_000)
  expect(await hanging).toMatchObject({ code: 'refresh_timeout' })
  await clock.advance(60_000)
  void cell.refresh(old).catch(() => undefined)
  await settled()
  expect(count.refreshes).toBe(1)
})

test('[C8] given a remote side that rejects everything, when 1,000 calls come in a minute, then at most 8 refreshes run, and each call gets its 401', async () => {
  const { clock, cell, count } = cellThat(async () => `token ${count.refreshes}`)
  let attempts = 0
  for (let call = 0; call < 1_000; call++) {
    const status = await retryOnce(
      cell,
      async () => {
        attempts++
        return 401
      },
      { isRejection: (answer) => answer === 401 },
    )
    expect(status).toBe(401)
    await clock.advance(60)
  }
  expect(count.refreshes).toBeLessThanOrEqual(8)
  expect(count.refreshes).toBeGreaterThan(1)
  expect(attempts).toBe(1_000 + count.refreshes)
})

test('[C8] given a refreshed value, when the remote side accepts it, then the breaker is reset', async () => {
  const { cell, count } = cellThat(async () => `token ${count.refreshes}`)
  let snapshot = await cell.snapshot()
  for (let round = 0; round < 20; round++) {
    snapshot = await cell.refresh(snapshot)
    cell.accepted(snapshot)
  }
  expect(count.refreshes).toBe(20)
})

test('[C8] given a value that was in force for a minute, when it is rejected, then the breaker does not count that', async () => {
  const { clock, cell, count } = cellThat(async () => `token ${count.refreshes}`)
  let snapshot = await cell.snapshot()
  for (let round = 0; round < 20; round++) {
    snapshot = await cell.refresh(snapshot)
    await clock.advance(60_000)
  }
  expect(count.refreshes).toBe(20)
})

test('[C8] given a value that was replaced, when a late acceptance of it comes, then the breaker is not reset', async () => {
  const { cell, count } = cellThat(async () => `token ${count.refreshes}`)
  const old = await cell.snapshot()
  const fresh = await cell.refresh(old)
  await expect(cell.refresh(fresh)).rejects.toMatchObject({ code: 'refresh_suspended' })
  cell.accepted(old)
  await expect(cell.refresh(fresh)).rejects.toMatchObject({ code: 'refresh_suspended' })
  expect(count.refreshes).toBe(1)
})

test('[C8] given a remote side whose breaker is open, when another remote side is rejected, then that one still refreshes', async () => {
  const { cell, count } = cellThat(async () => `token ${count.refreshes}`)
  const broken = cell.map((token) => `broken ${token}`)
  const sound = cell.map((token) => `sound ${token}`)
  await broken.refresh(await broken.refresh(await broken.snapshot())).catch(() => undefined)
  const inForce = await sound.snapshot()
  await expect(broken.refresh(inForce)).rejects.toMatchObject({ code: 'refresh_suspended' })
  sound.accepted(inForce)

  expect(await sound.refresh(inForce)).toMatchObject({ value: 'sound token 2', generation: 3 })
  expect(count.refreshes).toBe(2)
})

test('[C8] given a refresh for another remote side, or for a missing value, when the new value is rejected, then one more refresh runs', async () => {
  const { cell, count } = cellThat(async () => `token ${count.refreshes}`)
  const [busy, idle] = [cell.map((token) => token), cell.map((token) => token)]
  let snapshot = await busy.snapshot()
  for (let round = 0; round < 3; round++) {
    snapshot = await busy.refresh(snapshot)
    busy.accepted(snapshot)
  }
  // It has expired, and the side that is called next has seen none of it.
  snapshot = await idle.refresh(snapshot)
  expect(count.refreshes).toBe(4)
  // That one did not help.
  await expect(idle.refresh(snapshot)).rejects.toMatchObject({ code: 'refresh_suspended' })

  const empty = new Refreshable({ refresh: async () => `token ${count.refreshes++}` })
  const first = await empty.snapshot()
  const second = await empty.refresh(first)
  await expect(empty.refresh(second)).rejects.toMatchObject({ code: 'refresh_suspended' })
  expect(count.refreshes).toBe(6)
})

test('[C8] given an open breaker, when a rejection comes while another refresh runs, then it joins that refresh', async () => {
  const { cell, count } = cellThat(async () => `token ${count.refreshes}`)
  const broken = cell.map((token) => token)
  const fresh = await broken.refresh(await broken.snapshot())
  await expect(broken.refresh(fresh)).rejects.toMatchObject({ code: 'refresh_suspended' })

  const sound = cell.map((token) => token)
  const [joined, own] = await Promise.all([sound.refresh(fresh), broken.refresh(fresh)])
  expect([joined.generation, own.generation]).toEqual([3, 3])
  expect(count.refreshes).toBe(2)
})

test('[C6] given a cooldown that is over, when a call comes, then it does not refresh; only the next rejection does', async () => {
  const { clock, cell, count } = cellThat(() => Promise.reject(new Error('down')))
  const old = await cell.snapshot()
  await expect(cell.refresh(old)).rejects.toMatchObject({ code: 'refresh_failed' })
  await clock.advance(60_000)
  expect(await cell.snapshot()).toBe(old)
  expect(count.refreshes).toBe(1)
  await expect(cell.refresh(old)).rejects.toMatchObject({ code: 'refresh_failed' })
  expect(count.refreshes).toBe(2)
})

test('[C6] given a failure whose retryAfterMs is NaN, then the cooldown is as usual', async () => {
  const failure = new RefreshError('refresh_failed', 'slow down', { retryAfterMs: Number('tomorrow') })
  const { cell, count } = cellThat(() => Promise.reject(failure))
  const old = await cell.snapshot()
  for (let call = 0; call < 50; call++) await cell.refresh(old).catch(() => undefined)
  expect([failure.retryAfterMs, count.refreshes]).toEqual([undefined, 1])
})

test('[C5, C7] given a flight that runs when an earlier flight’s value arrives late, when it then fails terminally, then the cell does not hold that failure', async () => {
  const clock = new ManualClock()
  const source = responder<string>()
  const cell = new Refreshable({ initial: 'one', refresh: source.refresh, deadline: 1_000, clock })
  void cell.refresh({ generation: 1 }).catch(() => undefined)
  await clock.advance(6_000)
  const waiting = cell.refresh({ generation: 1 })
  source.call(0).resolve('two, late')
  await settled()
  expect(await waiting).toMatchObject({ value: 'two, late', generation: 2 })
  source.call(1).reject(revoked)
  await settled()
  cell.accepted({ generation: 2 })
  void cell.refresh({ generation: 2 }).catch(() => undefined)
  expect(source.calls).toHaveLength(3)
})

test('[C8] given a remote side that rejects everything and short-lived values, when 1,000 calls come, then at most 8 refreshes run', async () => {
  const clock = new ManualClock()
  let refreshes = 0
  const cell = new Refreshable({
    initial: clock.now() + 3_000,
    expiresAt: (expiry) => expiry,
    clock,
    refresh: async () => {
      refreshes++
      return clock.now() + 3_000
    },
  })
  for (let call = 0; call < 1_000; call++) {
    await retryOnce(cell, async () => 401, { isRejection: (answer) => answer === 401 })
    await clock.advance(60)
  }
  expect(refreshes).toBeLessThanOrEqual(8)
})

test('[C2, C11] given a listener that logs in when it gets `rejected`, then the login stays in force, and no refresh runs', async () => {
  let refreshes = 0
  const cell: Refreshable<string> = new Refreshable({
    initial: 'one',
    refresh: async () => `refreshed ${++refreshes}`,
    onEvent: ({ type }) => {
      if (type === 'rejected' && cell.peek()?.generation === 1) cell.set('login')
    },
  })
  expect(await cell.refresh({ generation: 1 })).toMatchObject({ value: 'login', generation: 2 })
  expect(refreshes).toBe(0)
})

test('[C11] given a listener that logs in when it gets `refresh_started`, then the refresh function is not called', async () => {
  let refreshes = 0
  const cell: Refreshable<string> = new Refreshable({
    initial: 'one',
    refresh: async () => `refreshed ${++refreshes}`,
    onEvent: ({ type }) => {
      if (type === 'refresh_started') cell.set('login')
    },
  })
  expect(await cell.refresh({ generation: 1 })).toMatchObject({ value: 'login', generation: 2 })
  expect(refreshes).toBe(0)
})
