import { expect, test } from 'vitest'
import { noting } from '../../src/credential/failure-facts.ts'
import { MemoryStore } from '../../src/credential/memory-store.ts'
import { decodeRecord, encodeRecord } from '../../src/credential/record/record-format.ts'
import {
  type AccessToken,
  RefreshError,
  type RefreshErrorCode,
  type Source,
  type SourceContext,
} from '../../src/index.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { settled } from '../support/settled.ts'
import { numbered, type Process, processOf, storeWith } from './account.ts'

/** A server that says what it is told to, and counts who asks. */
class Endpoint implements Source {
  readonly asked: (string | undefined)[] = []
  secret = 'secret-1'
  says: (() => RefreshError | undefined) | undefined
  #issued = 100

  async issue({ current, sent }: SourceContext): Promise<AccessToken> {
    sent()
    this.asked.push(current?.refreshToken)
    const failure = this.says?.()
    if (failure !== undefined) throw failure
    return numbered(++this.#issued)
  }

  presented = async ({ current }: Pick<SourceContext, 'current'>): Promise<string[]> => [
    current?.refreshToken ?? '',
    this.secret,
  ]
}

function says(code: RefreshErrorCode, retryAfterMs?: number): () => RefreshError {
  return () => noting(new RefreshError(code, 'No.', { retryAfterMs }), { reach: 'answered' })
}

const dead = numbered(1, { expiresAt: 1 })

/** Calls once, as a program does, and tells the code of what came. */
async function call({ token }: Process): Promise<string> {
  return token.snapshot().then(
    ({ value }) => value.accessToken,
    (error: unknown) => (error instanceof RefreshError ? error.code : String(error)),
  )
}

async function world(): Promise<{
  endpoint: Endpoint
  clock: ManualClock
  store: MemoryStore
  start: () => Process
}> {
  const [endpoint, clock] = [new Endpoint(), new ManualClock()]
  clock.tick(10_000)
  const store = await storeWith(new MemoryStore(), dead)
  return { endpoint, clock, store, start: () => processOf(endpoint, store, clock) }
}

test('[K14] given a refused login, when many processes start one after another, then the refused token is sent once', async () => {
  const { endpoint, clock, start } = await world()
  endpoint.says = says('reauthentication_required')
  const lived = start()
  for (let n = 0; n < 100; n++) {
    expect(await call(start())).toBe('reauthentication_required')
    expect(await call(lived)).toBe('reauthentication_required')
    await clock.advance(1_000)
  }
  expect(endpoint.asked).toEqual(['redeem-1'])
})

test('[K14] given a refused login, when 24 hours have passed, then one process tries once more', async () => {
  const { endpoint, clock, start } = await world()
  endpoint.says = says('reauthentication_required')
  const [one, other] = [start(), start()]
  await Promise.all([call(one), call(other)])
  await clock.advance(24 * 3_600_000)
  await Promise.all([call(one), call(other)])
  expect(endpoint.asked).toHaveLength(2)
  endpoint.says = undefined
  await clock.advance(23 * 3_600_000)
  expect(await call(one)).toBe('reauthentication_required')
  await clock.advance(3_600_000)
  expect([await call(one), await call(other)]).toEqual(['access-101', 'access-101'])
})

test('[K14] given a refused login, when the client secret changes, then the next process tries at once', async () => {
  const { endpoint, start } = await world()
  endpoint.says = says('reauthentication_required')
  await call(start())
  endpoint.says = undefined
  expect(await call(start())).toBe('reauthentication_required')
  endpoint.secret = 'secret-2'
  expect(await call(start())).toBe('access-101')
})

test('[K14, C7] given a refused login, when a person logs in elsewhere, then every process uses that login', async () => {
  const { endpoint, clock, start } = await world()
  endpoint.says = says('reauthentication_required')
  const [one, other] = [start(), start()]
  await Promise.all([call(one), call(other)])
  await start().token.login(numbered(9))
  await clock.advance(1_000)
  expect([await call(one), await call(other), await call(start())]).toEqual([
    'access-9',
    'access-9',
    'access-9',
  ])
})

test('[K14] given a failure in the record, then it contains no secret, and says until when processes wait', async () => {
  const { endpoint, clock, store, start } = await world()
  endpoint.says = says('source_rate_limited', 30_000)
  await call(start())
  const { failure, token } = (await store.read('default')) ?? {}
  expect(token).toEqual(expect.objectContaining(dead))
  expect(failure).toMatchObject({
    code: 'source_rate_limited',
    terminal: false,
    notBefore: clock.now() + 30_000,
  })
  expect(JSON.stringify(failure)).not.toMatch(/secret-1|redeem-1/)
})

test.each([
  ['source_rate_limited', 30_000, 29_000],
  ['source_unavailable', 30_000, 29_000],
] as const)(
  '[K14] given a Retry-After of %s, then every process obeys it',
  async (code, retryAfterMs, early) => {
    const { endpoint, clock, start } = await world()
    endpoint.says = says(code, retryAfterMs)
    const lived = start()
    expect(await call(start())).toBe(code)
    await clock.advance(early)
    expect(await call(start())).toBe(code)
    await call(lived)
    expect(endpoint.asked).toHaveLength(1)
    endpoint.says = undefined
    await clock.advance(retryAfterMs - early)
    expect(await call(start())).toBe('access-101')
  },
)

test('[K14] given a notBefore far in the future, then each process waits at most 60 s after it first saw the failure', async () => {
  const { endpoint, clock, store, start } = await world()
  await store.update('default', async (current) => ({
    ...current,
    token: current?.token,
    failure: { code: 'source_unavailable', terminal: false, at: 1, notBefore: clock.now() + 86_400_000 },
  }))
  const lived = start()
  expect(await call(lived)).toBe('source_unavailable')
  await clock.advance(59_000)
  expect(await call(lived)).toBe('refresh_suspended')
  expect(endpoint.asked).toHaveLength(0)
  await clock.advance(2_000)
  expect(await call(lived)).toBe('access-101')
})

test('[C6, K15] given an outage of 45 s, when four processes call ten times a second, then they send at most 15 requests, and succeed within 5.5 s of its end', async () => {
  const { endpoint, clock, start } = await world()
  const processes = Array.from({ length: 4 }, start)
  endpoint.says = says('source_unavailable')
  const served: string[][] = []
  const round = async (): Promise<void> => {
    const said: string[] = []
    served.push(said)
    for (const process of processes) void call(process).then((code) => said.push(code))
    await clock.advance(100)
  }
  for (let n = 0; n < 450; n++) await round()
  expect(endpoint.asked.length).toBeLessThanOrEqual(15)
  expect(served.flat()).not.toContain('access-101')
  endpoint.says = undefined
  for (let n = 0; n < 55; n++) await round()
  expect(served.at(-1)).toEqual(Array.from({ length: 4 }, () => 'access-101'))
})

test.each([
  ['at', 1e300],
  ['at', NaN],
  ['notBefore', 'tomorrow'],
  ['refused', 5],
])(
  '[K14] given a stored failure whose %s is %s, then processes still refresh, or report the failure as it is',
  async (name, value) => {
    const { endpoint, clock, start, store } = await world()
    const failure = { code: 'source_unavailable' as const, terminal: false, at: clock.now(), [name]: value }
    const text = encodeRecord('default', { token: dead, failure })
    await store.update('default', async () => decodeRecord(text, 'default', 'The record'))
    expect(await call(start())).toBe('access-101')
    expect(endpoint.asked).toHaveLength(1)
    // A store of a user's own may give it as it is.
    await store.update('default', async () => ({ token: dead, failure: { ...failure, terminal: true } }))
    expect(await call(start())).not.toBe('refresh_failed')
  },
)

test('[K14] given a failure in the record, when a refresh succeeds, then the record has no failure', async () => {
  const { endpoint, clock, store, start } = await world()
  endpoint.says = says('source_unavailable')
  const process = start()
  const first = call(process)
  await settled()
  await clock.advance(5_000)
  await first
  expect((await store.read('default'))?.failure).toBeDefined()
  endpoint.says = undefined
  await clock.advance(60_000)
  expect(await call(process)).toBe('access-101')
  expect((await store.read('default'))?.failure).toBeUndefined()
})

test('[K14] given a failure that another process wrote, then no process adopts the record’s old token because of it', async () => {
  const { endpoint, clock, store, start } = await world()
  const process = start()
  endpoint.says = says('source_refused')
  await call(process)
  await clock.advance(60_000)
  await call(start())
  await clock.advance(60_000)
  await call(process)
  expect(process.types()).not.toContain('adopted')
  expect((await store.read('default'))?.token).toEqual(expect.objectContaining(dead))
})

test('[K14] given a source whose failures concern this machine only, then the store holds none of them', async () => {
  const { clock, store } = await world()
  const local: Source = {
    isLocal: true,
    issue: async () => Promise.reject(new RefreshError('source_refused', 'No helper.')),
  }
  const unreachable: Source = {
    issue: async () =>
      Promise.reject(noting(new RefreshError('source_unreachable', 'No way.'), { reach: 'unsent' })),
  }
  for (const source of [local, unreachable]) {
    const called = call(processOf(source, store, clock))
    await settled()
    await clock.advance(30_000)
    await called
  }
  expect((await store.read('default'))?.failure).toBeUndefined()
})

test('[K14] given a remembered refusal, when check() or login() is called, then it is ignored once', async () => {
  const { endpoint, start } = await world()
  endpoint.says = says('reauthentication_required')
  const process = start()
  await call(process)
  expect(await process.token.check()).toMatchObject({ ok: false })
  expect(endpoint.asked).toHaveLength(2)
  expect(await call(process)).toBe('reauthentication_required')
  expect(endpoint.asked).toHaveLength(2)
  endpoint.says = undefined
  expect(await process.token.check()).toMatchObject({ ok: true })
  expect(await call(process)).toBe('access-101')
  expect(endpoint.asked).toHaveLength(3)
})

test('[K14] given a refused login, when the clock is set back again and again, then the refused token is not sent again', async () => {
  const { endpoint, clock, start } = await world()
  endpoint.says = says('reauthentication_required')
  const process = start()
  await call(process)
  for (let n = 0; n < 20; n++) {
    await clock.advance(5_000)
    clock.jump(-6_000)
    expect(await call(process)).toBe('reauthentication_required')
  }
  expect(endpoint.asked).toHaveLength(1)
})

test('[K14] given a refresh that is refused, when a check() joins it, then the refused token is not sent again', async () => {
  const { endpoint, clock, start } = await world()
  endpoint.says = says('reauthentication_required')
  const process = start()
  const called = call(process)
  expect(await process.token.check()).toMatchObject({ ok: false })
  await called
  await clock.advance(5_000)
  expect(await call(process)).toBe('reauthentication_required')
  expect(endpoint.asked).toHaveLength(1)
})

test('[K13] given a success without a usable access token, then its refresh token is stored, and redeemed next', async () => {
  const { endpoint, clock, store, start } = await world()
  endpoint.says = () =>
    noting(new RefreshError('source_invalid', 'No access token.'), {
      reach: 'accepted',
      received: { refreshToken: 'redeem-kept' },
    })
  const process = start()
  expect(await call(process)).toBe('source_invalid')
  expect((await store.read('default'))?.token?.refreshToken).toBe('redeem-kept')
  endpoint.says = undefined
  await clock.advance(60_000)
  expect(await call(process)).toBe('access-101')
  expect(endpoint.asked).toEqual(['redeem-1', 'redeem-kept'])
})

test.each([
  ['an expiry in seconds', { expiresAt: 1_790_000_000 }],
  ['a token type that needs a proof', { tokenType: 'DPoP' }],
  ['a token that no header can carry', { accessToken: 'two\nlines' }],
])('[K13] given %s, then the refresh token is stored, and the failure says why', async (_, flaw) => {
  const clock = new ManualClock()
  const store = await storeWith(new MemoryStore(), dead)
  const source: Source = { issue: async () => numbered(2, flaw) }
  const process = processOf(source, store, clock)
  expect(await call(process)).toBe('source_invalid')
  expect((await store.read('default'))?.token?.refreshToken).toBe('redeem-2')
})

test.each([
  ['asks to wait for 3 s', says('source_rate_limited', 3_000)],
  ['gives half a response', says('source_invalid')],
])(
  '[K15] given an endpoint that %s for minutes, when it recovers, then it is asked within 5 s',
  async (_, failing) => {
    const [endpoint, clock] = [new Endpoint(), new ManualClock()]
    clock.tick(10_000)
    endpoint.says = failing
    const source: Source = {
      spendsRefreshToken: false,
      issue: (context) => endpoint.issue(context),
      presented: endpoint.presented,
    }
    const process = processOf(source, await storeWith(new MemoryStore(), dead), clock)
    for (let failure = 0; failure < 10; failure++) {
      const calling = call(process)
      await clock.advance(60_000)
      await calling
    }
    await call(process)
    endpoint.says = undefined
    await clock.advance(5_000)
    expect(await call(process)).toBe('access-101')
  },
)
