import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { runAsSource } from '../../../src/core/source-context.ts'
import { Refreshable, refreshingFetch } from '../../../src/index.ts'
import { deviceLogin } from '../../../src/sources/oauth/index.ts'
import { processWithout } from '../../support/process-without.ts'
import { tokens } from './cells.ts'

type Fetch = typeof globalThis.fetch

const ORIGIN = 'https://api.example.com'
const ELSEWHERE = 'https://elsewhere.example/'

/** The platform's fetch: it answers 401 to t0. */
let platform: ReturnType<typeof vi.fn<Fetch>>
beforeEach(() => {
  platform = vi.fn<Fetch>(async (input, init) => {
    const headers = new Headers(init?.headers ?? (input instanceof Request ? input.headers : undefined))
    return new Response('platform', { status: headers.get('authorization') === 'Bearer t0' ? 401 : 200 })
  })
  vi.stubGlobal('fetch', platform)
})
afterEach(() => {
  vi.unstubAllGlobals()
})

/** What telemetry does: it makes a Request of its own, perhaps later, and sends it on. */
function traced(inner: Fetch, wait: () => Promise<void>): { fetch: Fetch; calls: () => number } {
  let calls = 0
  return {
    calls: () => calls,
    fetch: async (input, init) => {
      calls++
      await wait()
      const request = new Request(input, init)
      const headers = new Headers(request.headers)
      headers.set('traceparent', '00-1')
      return inner(new Request(request, { headers }))
    },
  }
}

const WAITS: [string, () => Promise<void>][] = [
  ['at once', async () => undefined],
  ['later', () => new Promise((resolve) => setImmediate(resolve))],
]

describe('[F1] the platform’s fetch is looked up at each call', () => {
  test('[F1] given a fetch that was replaced after construction, when requests are made, then it sees them all', async () => {
    const fetch = refreshingFetch(tokens().cell, { origins: ORIGIN })
    const mock = vi.fn<Fetch>(async () => new Response('mock'))
    vi.stubGlobal('fetch', mock)
    expect(await (await fetch(ORIGIN)).text()).toBe('mock')
    expect(await (await fetch(ELSEWHERE)).text()).toBe('mock')
    expect([mock.mock.calls.length, platform.mock.calls.length]).toEqual([2, 0])
  })

  test('[F1] given that it is the platform’s fetch itself, when requests are made, then they go to the one before', async () => {
    const { cell, refreshes } = tokens()
    globalThis.fetch = refreshingFetch(cell, { origins: ORIGIN })
    expect((await fetch(ORIGIN)).status).toBe(200)
    expect((await fetch(ELSEWHERE)).status).toBe(200)
    expect([refreshes(), platform.mock.calls.length]).toEqual([1, 3])
  })

  test.each(WAITS)(
    '[F1] given telemetry over it that calls on %s, when a call is rejected, then it is refreshed once, and each attempt seen once',
    async (_, wait) => {
      const { cell, refreshes } = tokens()
      const ours = refreshingFetch(cell, { origins: ORIGIN })
      const telemetry = traced(ours, wait)
      globalThis.fetch = telemetry.fetch
      const response = await fetch(ORIGIN, { method: 'POST', body: 'abc' })
      expect([response.status, refreshes()]).toEqual([200, 1])
      expect(platform.mock.calls.length).toBe(2)
      // The caller's call, and the two attempts.
      expect(telemetry.calls()).toBe(3)
      const bodies = await Promise.all(platform.mock.calls.map(async ([input]) => (input as Request).text()))
      expect(bodies).toEqual(['abc', 'abc'])
    },
  )

  test.each(WAITS)(
    '[F1] given telemetry over it that calls on %s, when a request goes to another origin, then it arrives without a credential',
    async (_, wait) => {
      globalThis.fetch = traced(refreshingFetch(tokens().cell, { origins: ORIGIN }), wait).fetch
      const responses = await Promise.all([fetch(ELSEWHERE), fetch(ELSEWHERE), fetch(`${ELSEWHERE}other`)])
      expect(responses.map(({ status }) => status)).toEqual([200, 200, 200])
      expect(platform.mock.calls.map(([input]) => (input as Request).headers.get('authorization'))).toEqual([
        null,
        null,
        null,
      ])
    },
  )

  test('[F1] given a runtime without async contexts and telemetry over it, when requests are made, then none loops', async () => {
    processWithout('getBuiltinModule')
    const { cell, refreshes } = tokens()
    globalThis.fetch = traced(refreshingFetch(cell, { origins: ORIGIN }), async () => undefined).fetch
    expect((await fetch(ELSEWHERE)).status).toBe(200)
    expect((await fetch(ORIGIN)).status).toBe(200)
    expect([refreshes(), platform.mock.calls.length]).toEqual([1, 3])
  })

  test('[F1] given one over another, each for its own origin, when requests are made, then each gets its own credential', async () => {
    globalThis.fetch = refreshingFetch(tokens().cell, { origins: ORIGIN })
    globalThis.fetch = refreshingFetch(new Refreshable({ initial: 'other', refresh: async () => 'x' }), {
      origins: ELSEWHERE,
    })
    await Promise.all([fetch(ORIGIN), fetch(ELSEWHERE)])
    const sent = platform.mock.calls.map(([input, init]) => [
      input,
      new Headers(init?.headers).get('authorization'),
    ])
    expect(sent).toContainEqual([`${ORIGIN}/`, 'Bearer t1'])
    expect(sent).toContainEqual([ELSEWHERE, 'Bearer other'])
  })

  test('[F1] given a fetch in the options, when the platform’s is replaced, then the given one is still used', async () => {
    const own = vi.fn<Fetch>(async () => new Response('own'))
    const fetch = refreshingFetch(tokens().cell, { origins: ORIGIN, fetch: own })
    vi.stubGlobal('fetch', async () => new Response('mock'))
    expect(await (await fetch(ORIGIN)).text()).toBe('own')
    expect(await (await fetch(ELSEWHERE)).text()).toBe('own')
  })
})

test('[F9] given that it is the platform’s fetch, and the token endpoint has the API’s origin, when a token is missing, then the source’s request does not pass through it', async () => {
  const refresh = (): Promise<string> => runAsSource(async () => (await fetch(`${ORIGIN}/token`)).text())
  globalThis.fetch = refreshingFetch(new Refreshable({ refresh }), { origins: ORIGIN })
  expect((await fetch(`${ORIGIN}/v1`)).status).toBe(200)
  const sent = platform.mock.calls.map(([input, init]) => [
    input,
    new Headers(init?.headers).get('authorization'),
  ])
  expect(sent).toEqual([
    [`${ORIGIN}/token`, null],
    [`${ORIGIN}/v1`, 'Bearer platform'],
  ])
})

test('[F9] given that it is the platform’s fetch, when a login asks the API’s origin before there is a token, then the login does not pass through it', async () => {
  platform.mockImplementation(async (input) =>
    Response.json(
      new Request(input).url.endsWith('/device')
        ? { device_code: 'd', user_code: 'u', verification_uri: ORIGIN, interval: 0.001 }
        : { access_token: 't1' },
    ),
  )
  const { cell } = tokens()
  cell.clear()
  globalThis.fetch = refreshingFetch(cell, { origins: ORIGIN })
  const token = await deviceLogin({
    tokenEndpoint: `${ORIGIN}/token`,
    deviceAuthorizationEndpoint: `${ORIGIN}/device`,
    clientId: 'app',
    onPrompt: () => undefined,
  })
  expect(token.accessToken).toBe('t1')
})

test('[F9] given a runtime without async contexts, when its platform’s fetch is ours, then a source’s request goes to the fetch beneath', async () => {
  vi.resetModules()
  const hidden = vi.spyOn(process, 'getBuiltinModule').mockReturnValue(undefined)
  onTestFinished(() => hidden.mockRestore())
  const fresh = await import('../../../src/index.ts')
  const { oauth } = await import('../../../src/sources/oauth/index.ts')
  platform.mockImplementation(async (input) =>
    new Request(input).url.endsWith('/token') ? Response.json({ access_token: 't1' }) : new Response('ok'),
  )
  const source = oauth({
    tokenEndpoint: `${ORIGIN}/token`,
    clientId: 'app',
    clientSecret: 's',
    grant: 'client_credentials',
  })
  globalThis.fetch = fresh.refreshingFetch(fresh.createCredential({ source }), { origins: ORIGIN })
  expect(await (await fetch(ORIGIN)).text()).toBe('ok')
  expect(platform.mock.calls.map(([input]) => new Request(input).url)).toEqual([
    `${ORIGIN}/token`,
    `${ORIGIN}/`,
  ])
})

test('[F1] given a platform whose fetch has preconnect, then ours has it, too', () => {
  const preconnect = vi.fn<() => void>()
  Object.assign(platform, { preconnect })
  expect(refreshingFetch(tokens().cell, { origins: ORIGIN })).toHaveProperty('preconnect', preconnect)
})
