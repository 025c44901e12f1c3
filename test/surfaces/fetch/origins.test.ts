import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Refreshable, RefreshError, refreshingFetch } from '../../../src/index.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { bearer, type RecordingServer, startRecordingServer } from '../../support/recording-server.ts'
import { tokens } from './cells.ts'

let api: RecordingServer
let elsewhere: RecordingServer
let turnAway = false
beforeEach(async () => {
  turnAway = false
  elsewhere = await startRecordingServer((_, response) => {
    response.writeHead(turnAway ? 401 : 200).end('elsewhere')
  })
  api = await startRecordingServer((request, response) => {
    const to = request.path === '/away' ? `${elsewhere.origin}/x?secret=1` : '/here'
    if (request.path === '/here') response.end('here')
    else response.writeHead(307, { location: to }).end('moved')
  })
})
afterEach(async () => {
  await api.close()
  await elsewhere.close()
})

describe('[F4] where the credential goes', () => {
  test('[F4] given a request to another origin, when it is made, then it passes unchanged, without the credential', async () => {
    const given: unknown[] = []
    const fetch = refreshingFetch(tokens().cell, {
      origins: api.origin,
      fetch: (...call) => {
        given.push(...call)
        return globalThis.fetch(...call)
      },
    })
    const init = { headers: { 'x-a': '1' } }
    expect(await (await fetch(elsewhere.origin, init)).text()).toBe('elsewhere')
    expect(given).toEqual([elsewhere.origin, init])
    expect(given[1]).toBe(init)
    expect(elsewhere.sent('authorization')).toEqual([undefined])
    turnAway = true
    expect((await fetch(elsewhere.origin)).status).toBe(401)
  })

  test('[F4] given a redirect to another origin, when it is followed, then Authorization stays behind, and a 401 there is no rejection', async () => {
    turnAway = true
    const { cell, refreshes } = tokens()
    const response = await refreshingFetch(cell, { origins: api.origin })(`${api.origin}/away`)
    expect(response.status).toBe(401)
    expect(elsewhere.sent('authorization')).toEqual([undefined])
    expect(refreshes()).toBe(0)
  })

  test.each([
    ['within the origin', '/within', 'Bearer t0', 'text/plain'],
    ['elsewhere and back, where the credential is lost', '/away', undefined, 'text/plain'],
    ['to an event stream', '/within', 'Bearer t0', 'text/event-stream'],
  ])(
    '[F4, C8] given a redirect %s, when its end responds, then a 401 counts, and a success proves nothing',
    async (_, path, arrives, type) => {
      let status = 401
      const back = await startRecordingServer((_request, response) =>
        response.writeHead(307, { location: `${round.origin}/end` }).end(),
      )
      const round = await startRecordingServer((request, response) => {
        if (request.path === '/end')
          response.writeHead(status, { 'content-type': type }).end('data: some\n\n')
        else response.writeHead(307, { location: request.path === '/away' ? back.origin : '/end' }).end()
      })
      let count = 0
      const cell = new Refreshable({
        initial: 't0',
        refresh: async () => `t${++count}`,
        clock: new ManualClock(),
      })
      const fetch = refreshingFetch(cell, { origins: round.origin, inspectStreams: true })
      for (status of [401, 200, 401, 200, 401, 200, 401]) {
        expect((await fetch(round.origin + path)).status).toBe(status)
      }
      expect([round.sent('authorization')[1], count]).toEqual([arrives, 1])
      await back.close()
      await round.close()
    },
  )

  test('[F4] given a redirect within the origin, when it is followed, then the credential goes along', async () => {
    const response = await refreshingFetch(tokens().cell, { origins: api.origin })(`${api.origin}/within`)
    expect(await response.text()).toBe('here')
    expect(api.sent('authorization')).toEqual(['Bearer t0', 'Bearer t0'])
  })

  test.each<[string, () => Parameters<typeof fetch>]>([
    ['a URL', () => [`${api.origin}/away`]],
    ['a Request', () => [new Request(`${api.origin}/away`)]],
    ['an explicit wish to follow', () => [`${api.origin}/away`, { redirect: 'follow' }]],
  ])(
    '[F4, Z1] given a header that would survive a redirect, when %s is redirected, then the redirect is refused',
    async (_, call) => {
      const { cell, refreshes } = tokens()
      const fetch = refreshingFetch(cell, { origins: api.origin, apply: 'x-api-key' })
      const response = await fetch(...call())
      expect([response.status, response.headers.get('x-llm-refresh')]).toEqual([401, 'redirect_refused'])
      expect(response.headers.get('x-should-retry')).toBe('false')
      const body = await response.text()
      expect(body).toContain(api.origin)
      expect(body).not.toContain('t0')
      expect(api.sent('x-api-key')).toEqual(['t0'])
      expect(elsewhere.requests).toEqual([])
      expect(refreshes()).toBe(0)
    },
  )

  test.each([301, 302, 303, 307, 308])(
    '[F4, F2] given a POST that a %i leads on, when its token is stale there, then the token goes nowhere but to its origin, and the body is sent as without us',
    async (status) => {
      for (const leadsAway of [false, true]) {
        const there = await startRecordingServer(bearer((token) => token === 't1'))
        const here = await startRecordingServer((request, response, raw) => {
          if (request.path !== '/lead') return bearer((token) => token === 't1')(request, response, raw)
          return response.writeHead(status, { location: leadsAway ? there.origin : '/end' }).end()
        })
        const { cell, refreshes } = tokens()
        const call = refreshingFetch(cell, { origins: here.origin })
        const init = { method: 'POST', body: 'text', keepalive: true } as const
        const response = await call(new Request(`${here.origin}/lead`, init))
        // Elsewhere it is nobody's business.
        expect([response.status, refreshes()]).toEqual(leadsAway ? [401, 0] : [200, 1])
        expect(new Set(there.sent('authorization'))).toEqual(new Set(leadsAway ? [undefined] : []))
        const asked = (leadsAway ? there : here).requests.filter(({ path }) => path !== '/lead')
        const isKept = status === 307 || status === 308
        for (const { method, body } of asked)
          expect([method, String(body)]).toEqual(isKept ? ['POST', 'text'] : ['GET', ''])
        await there.close()
        await here.close()
      }
    },
  )

  test('[F4, F2] given a Request that was used already, when it is sent once more, then it is refused as without us, unless init has a body', async () => {
    const call = refreshingFetch(tokens().cell, { origins: api.origin })
    const request = new Request(`${api.origin}/here`, { method: 'POST', body: 'text' })
    await request.text()
    await expect(call(request)).rejects.toBeInstanceOf(TypeError)
    expect(api.requests).toEqual([])
    expect((await call(request, { body: 'other' })).status).toBe(200)
    expect(api.requests.map(({ body }) => String(body))).toEqual(['other'])
  })

  test('[F4] given a caller that handles redirects, when one arrives, then the caller gets it', async () => {
    const fetch = refreshingFetch(tokens().cell, { origins: api.origin, apply: 'x-api-key' })
    const response = await fetch(`${api.origin}/away`, { redirect: 'manual' })
    expect([response.status, await response.text()]).toEqual([307, 'moved'])
    const request = new Request(`${api.origin}/away`, { redirect: 'error' })
    await expect(fetch(request)).rejects.toThrow(TypeError)
    expect(elsewhere.requests).toEqual([])
  })

  test('[F4] given hosts that only look like the origin, when they are asked, then they get no credential', async () => {
    const asked: string[] = []
    const fetch = refreshingFetch(tokens().cell, {
      origins: 'https://api.example.com',
      fetch: async (input, init) => {
        const { authorization } = Object.fromEntries(new Headers(init?.headers))
        asked.push(`${typeof input === 'string' ? input : ''} ${authorization}`)
        return new Response('ok')
      },
    })
    const lookalikes = [
      'https://api.example.com.evil.org/',
      'https://api.example.com@evil.org/',
      'https://evil.org/https://api.example.com',
      'http://api.example.com/',
      'https://api.example.com:444/',
      'https://sub.api.example.com/',
    ]
    for (const url of lookalikes) await fetch(url)
    expect(asked).toEqual(lookalikes.map((url) => `${url} undefined`))
    asked.length = 0
    for (const url of ['HTTPS://API.example.com:443/a', 'https:\\\\api.example.com/b']) await fetch(url)
    expect(asked.map((line) => line.split(' ').slice(1).join(' '))).toEqual(['Bearer t0', 'Bearer t0'])
  })

  test('[F4] given an input that is no URL, when it is fetched, then the platform refuses it', async () => {
    const fetch = refreshingFetch(tokens().cell, { origins: api.origin })
    await expect(fetch('/relative')).rejects.toThrow(TypeError)
  })
})

describe('bad input', () => {
  const { cell } = tokens()
  const message = (given: object): string => {
    try {
      refreshingFetch(cell, given as { origins: string })
    } catch (error) {
      if (error instanceof RefreshError) return `${error.code}: ${error.message}`
    }
    return 'none'
  }

  test.each([
    [{}, "'origins' must name where the credential may go, such as 'https://api.example.com'."],
    [{ origins: [] }, "'origins' must name where the credential may go, such as 'https://api.example.com'."],
    [
      { origins: 'api.example.com' },
      "'origins' must hold origins such as 'https://api.example.com', not a text without 'https://' or 'http://'.",
    ],
    [
      { origins: 'ftp://a' },
      "'origins' must hold origins such as 'https://api.example.com', not a text without 'https://' or 'http://'.",
    ],
    [{ origins: [7] }, "'origins' must hold origins such as 'https://api.example.com', not 7."],
    [
      { origins: 'https://a.example/v1' },
      "'origins' must hold origins only: 'https://a.example', without a path, a query or a user.",
    ],
    [
      { origins: 'https://user:pw@a.example' },
      "'origins' must hold origins only: 'https://a.example', without a path, a query or a user.",
    ],
    [
      { origins: 'http://api.example.com' },
      "'origins' would send the credential in the clear: use 'https://api.example.com', or, within a network that you trust, plainHttpOrigins: ['http://api.example.com'].",
    ],
    [
      { origins: 'http://127.0.0.1.evil.org' },
      "'origins' would send the credential in the clear: use 'https://127.0.0.1.evil.org', or, within a network that you trust, plainHttpOrigins: ['http://127.0.0.1.evil.org'].",
    ],
    [
      { origins: 'http://10.0.0.1' },
      "'origins' would send the credential in the clear: use 'https://10.0.0.1', or, within a network that you trust, plainHttpOrigins: ['http://10.0.0.1'].",
    ],
    [
      { origins: 'http://app.localhost' },
      "'origins' would send the credential in the clear: use 'https://app.localhost', or, within a network that you trust, plainHttpOrigins: ['http://app.localhost'].",
    ],
    [
      { origins: 'http://litellm:4000', plainHttpOrigins: 'http://litellm' },
      "'origins' would send the credential in the clear: use 'https://litellm:4000', or, within a network that you trust, plainHttpOrigins: ['http://litellm:4000'].",
    ],
    [{ origins: 'https://a', whenDead: 'never' }, "'whenDead' must be 'send' or 'refuse'."],
    [{ origins: 'https://*.a' }, "'origins' must be named each: there are no wildcards."],
    [{ origins: 'https://a', apply: 7 }, "'apply' must be the name of a header, or a function."],
    [{ origins: 'https://a', apply: 'x y' }, "'apply' must be the name of a header, or a function."],
    [{ origins: 'https://a', inspectStreams: 'yes' }, "'inspectStreams' must be true or false, not string."],
    [{ origins: 'https://a', replayLimit: -1 }, "'replayLimit' must be bytes from 0, not -1."],
    [{ origins: 'https://a', fetch: {} }, "'fetch' must be a function, not object."],
    [{ origins: 'https://a', onEvent: 1 }, "'onEvent' must be a function, not 1."],
    [
      { origins: 'https://a', origin: 'https://b' },
      "'origin' does not exist; there are origins, plainHttpOrigins, apply, rules, inspectStreams, replayLimit, whenDead, onEvent, fetch.",
    ],
    [{ origins: 'https://a', rules: null }, "'rules' must be an object."],
    [{ origins: 'https://a', rules: 403 }, "'rules' must be an object."],
    [
      { origins: 'https://a', rules: { a: false } },
      "The rule 'a' must have 'statuses' and 'matches'; only a default one can be false.",
    ],
  ])('given %j as options, when a fetch is made, then they are refused', (given, says) => {
    expect(message(given)).toBe(`invalid_option: ${says}`)
  })

  test.each(['http://localhost:1', 'http://127.8.9.1', 'http://[::1]:80', 'https://a.example/'])(
    '[F4] given %s as an origin, when a fetch is made, then it is accepted',
    (origins) => expect(message({ origins })).toBe('none'),
  )

  test.each([undefined, null, {}, 'token', async () => 'token'])(
    'given %s as a refresher, when a fetch is made, then it is refused',
    (refresher) => {
      expect(() => refreshingFetch(refresher as never, { origins: 'https://a' })).toThrow(
        expect.objectContaining({
          code: 'invalid_option',
          message: expect.stringContaining("'refresher' must be one"),
        }),
      )
    },
  )
})

describe('[F6] no credential', () => {
  test('[F6] given a logout, when a call is made, then it gets our own 401', async () => {
    const { cell } = tokens()
    cell.clear()
    const response = await refreshingFetch(cell, { origins: api.origin })(api.origin)
    expect(await response.json()).toMatchObject({ error: { code: 'credential_missing' } })
  })
})
