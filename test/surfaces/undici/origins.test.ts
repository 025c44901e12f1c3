import { Client, type Dispatcher, interceptors, Pool } from 'undici'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { RefreshError } from '../../../src/index.ts'
import { refreshingInterceptor } from '../../../src/surfaces/undici/index.ts'
import { type RecordingServer, startRecordingServer } from '../../support/recording-server.ts'
import { settled } from '../../support/settled.ts'
import { broken, tokens } from '../fetch/cells.ts'
import { agent, closeAgents, refreshed } from './agents.ts'
import { Listener, scripted } from './scripted.ts'

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
  await closeAgents()
  await api.close()
  await elsewhere.close()
})

async function ask(dispatcher: Dispatcher, origin: string | URL, path: string): Promise<[number, string]> {
  const { statusCode, body } = await dispatcher.request({ origin, path, method: 'GET' })
  return [statusCode, await body.text()]
}

describe('[F4] where the credential goes', () => {
  test('[F4] given a request to another origin, when it is dispatched, then it passes unchanged, without the credential', () => {
    const { dispatch, sent } = scripted()
    const dispatching = refreshingInterceptor(tokens().cell, { origins: api.origin })(dispatch)
    const options = { origin: elsewhere.origin, path: '/', method: 'GET', headers: { a: '1' } }
    const listener = new Listener()
    expect(dispatching(options, listener)).toBe(false)
    expect(sent[0]?.options).toBe(options)
    expect(sent[0]?.handler).toBe(listener)
  })

  test('[F4] given hosts that look like the origin, when they are asked, then only the same origin gets the credential', async () => {
    const { dispatch, sent } = scripted()
    const dispatching = refreshingInterceptor(tokens().cell, { origins: 'https://api.example.com' })(dispatch)
    const sentTo = async (origin: string | URL): Promise<unknown> => {
      dispatching({ origin, path: '/', method: 'GET', headers: {} }, new Listener())
      await settled()
      return sent.at(-1)?.options.headers
    }
    for (const origin of [
      'https://api.example.com.evil.org',
      'https://api.example.com@evil.org',
      'http://api.example.com',
      'https://api.example.com:444',
      'https://sub.api.example.com',
      'api.example.com',
      new URL('https://api.example.com:444'),
    ]) {
      expect(await sentTo(origin)).toEqual({})
    }
    for (const origin of [
      'https://api.example.com',
      'https://api.example.com/',
      'HTTPS://API.example.com:443',
      new URL('https://api.example.com/a'),
    ]) {
      expect(await sentTo(origin)).toEqual({ authorization: 'Bearer t0' })
    }
  })

  test('[F4] given any path or host in a request, when it is dispatched, then its origin alone decides', async () => {
    const dispatcher = refreshed(tokens().cell, { origins: api.origin })
    const headers = { host: new URL(api.origin).host }
    await dispatcher.request({ origin: elsewhere.origin, path: `${api.origin}/x`, method: 'GET', headers })
    expect(elsewhere.sent('authorization')).toEqual([undefined])
  })

  test('[F4] given a Client or a Pool, when a request names no origin, then it is refused', async () => {
    for (const made of [new Client(api.origin), new Pool(api.origin)]) {
      const dispatcher = refreshed(tokens().cell, { origins: api.origin }, made)
      expect(await ask(dispatcher, api.origin, '/here')).toEqual([200, 'here'])
      const request = { path: '/here', method: 'GET' } as Dispatcher.RequestOptions
      await expect(dispatcher.request(request)).rejects.toMatchObject({
        code: 'invalid_request',
        message: expect.stringContaining("'origin'"),
      })
      await made.close()
    }
    expect(api.sent('authorization')).toEqual(['Bearer t0', 'Bearer t0'])
  })
})

describe('[F4] redirects, by undici’s interceptor', () => {
  const redirects = interceptors.redirect({ maxRedirections: 3 })

  test.each([
    ['beneath', true],
    ['above', false],
  ])(
    '[F4] given the redirect interceptor %s, when it follows a redirect, then the credential goes along only within the origin',
    async (_, isBeneath) => {
      turnAway = true
      const { cell, refreshes } = tokens()
      const ours = refreshingInterceptor(cell, { origins: api.origin })
      const dispatcher = isBeneath ? agent().compose(redirects, ours) : agent().compose(ours, redirects)
      expect(await ask(dispatcher, api.origin, '/within')).toEqual([200, 'here'])
      expect(api.sent('authorization')).toEqual(['Bearer t0', 'Bearer t0'])
      // Its 401 is none of ours.
      expect(await ask(dispatcher, api.origin, '/away')).toEqual([401, 'elsewhere'])
      expect(elsewhere.sent('authorization')).toEqual([undefined])
      expect(refreshes()).toBe(0)
    },
  )

  test('[F4, C8] given a redirect that leads back to the origin, when it is followed, then its response proves nothing, because the credential was removed', async () => {
    let status = 401
    const round = await startRecordingServer((request, response) => {
      if (request.path === '/end') response.writeHead(status).end()
      else response.writeHead(307, { location: back.origin }).end()
    })
    const back = await startRecordingServer((_, response) =>
      response.writeHead(307, { location: `${round.origin}/end` }).end(),
    )
    const { cell, refreshes } = tokens()
    const dispatcher = agent().compose(redirects, refreshingInterceptor(cell, { origins: round.origin }))
    expect(await ask(dispatcher, round.origin, '/')).toEqual([401, ''])
    status = 200
    expect(await ask(dispatcher, round.origin, '/')).toEqual([200, ''])
    expect(round.sent('authorization')).toEqual(['Bearer t0', undefined, 'Bearer t0', undefined])
    expect(refreshes()).toBe(0)
    await back.close()
    await round.close()
  })

  test('[F4] given a header that would survive a redirect, when one arrives, then the caller gets the redirect', async () => {
    const dispatcher = agent().compose(
      redirects,
      refreshingInterceptor(tokens().cell, { origins: api.origin, apply: 'x-api-key' }),
    )
    expect(await ask(dispatcher, api.origin, '/away')).toEqual([307, 'moved'])
    expect(api.sent('x-api-key')).toEqual(['t0'])
    expect(elsewhere.requests).toEqual([])
  })

  test('[F4] given the redirect interceptor above ours, when it follows a redirect, then each hop is a request of its own', async () => {
    const ours = refreshingInterceptor(tokens().cell, { origins: api.origin, apply: 'x-api-key' })
    const dispatcher = agent().compose(ours, redirects)
    expect(await ask(dispatcher, api.origin, '/away')).toEqual([200, 'elsewhere'])
    expect(elsewhere.sent('x-api-key')).toEqual([undefined])
    expect(await ask(dispatcher, api.origin, '/within')).toEqual([200, 'here'])
    expect(api.sent('x-api-key')).toEqual(['t0', 't0', 't0'])
  })

  test('given a followed redirect, when the caller reads its context, then that shows the way', async () => {
    const cell = tokens().cell
    const dispatcher = agent().compose(redirects, refreshingInterceptor(cell, { origins: api.origin }))
    await ask(dispatcher, api.origin, '/here')
    const { context } = await dispatcher.request({ origin: api.origin, path: '/within', method: 'GET' })
    expect(context).toMatchObject({ history: [{ pathname: '/within' }, { pathname: '/here' }] })
  })
})

describe('bad input', () => {
  const { cell } = tokens()
  const message = (given: unknown): string => {
    try {
      refreshingInterceptor(cell, given as { origins: string })
    } catch (error) {
      if (error instanceof RefreshError) return `${error.code}: ${error.message}`
    }
    return 'none'
  }

  test.each([
    [undefined, "'options' must be an object."],
    [{}, "'origins' must name where the credential may go, such as 'https://api.example.com'."],
    [
      { origins: 'http://api.example.com' },
      "'origins' would send the credential in the clear: use 'https://api.example.com', or, within a network that you trust, plainHttpOrigins: ['http://api.example.com'].",
    ],
    [{ origins: 'https://a', apply: 7 }, "'apply' must be the name of a header, or a function."],
    [{ origins: 'https://a', inspectStreams: 'yes' }, "'inspectStreams' must be true or false, not string."],
    [{ origins: 'https://a', replayLimit: -1 }, "'replayLimit' must be bytes from 0, not -1."],
    [
      { origins: 'https://a', fetch },
      "'fetch' does not exist; there are origins, plainHttpOrigins, apply, rules, inspectStreams, replayLimit, whenDead, onEvent.",
    ],
    [
      { origins: 'https://a', rules: { a: false } },
      "The rule 'a' must have 'statuses' and 'matches'; only a default one can be false.",
    ],
  ])('given %j as options, when an interceptor is made, then they are refused', (given, says) => {
    expect(message(given)).toBe(`invalid_option: ${says}`)
  })

  test.each([undefined, null, {}, 'token', async () => 'token'])(
    'given %s as a refresher, when an interceptor is made, then it is refused',
    (refresher) => {
      expect(() => refreshingInterceptor(refresher as never, { origins: 'https://a' })).toThrow(
        expect.objectContaining({
          code: 'invalid_option',
          message: expect.stringContaining("'refresher' must be one"),
        }),
      )
    },
  )

  test('given a handler of undici 6, when it is used, then the error says which version it needs', () => {
    const { dispatch, sent } = scripted()
    const dispatching = refreshingInterceptor(cell, { origins: 'https://a' })(dispatch)
    const handler = { onConnect: () => undefined, onHeaders: () => true } as never
    expect(() => dispatching({ origin: 'https://a', path: '/', method: 'GET' }, handler)).toThrow(
      expect.objectContaining({ code: 'invalid_request', message: expect.stringContaining('undici 7') }),
    )
    expect(sent).toEqual([])
  })

  test('given a request without options, when it is dispatched, then undici refuses it', async () => {
    const dispatching = refreshingInterceptor(cell, { origins: 'https://a' })(scripted().dispatch)
    expect(() => dispatching(undefined as never, new Listener())).toThrow(RefreshError)
  })
})

describe('[F6] no credential', () => {
  test('[F6] given a logout, when a request is made, then a slow reader gets our own 401 piece by piece', async () => {
    const { cell } = tokens()
    cell.clear()
    const dispatching = refreshingInterceptor(cell, { origins: api.origin })(scripted().dispatch)
    const listener = new Listener({ head: () => listener.controller?.pause() })
    dispatching({ origin: api.origin, path: '/', method: 'GET' }, listener)
    await settled()
    expect(listener.heard).toEqual(['start', '401 Unauthorized (credential_missing)'])
    expect(String(listener.controller?.rawHeaders)).toContain('www-authenticate,Bearer')
    listener.controller?.resume()
    expect(JSON.parse(listener.heard[2] ?? '')).toMatchObject({ error: { code: 'credential_missing' } })
    expect(listener.heard.slice(3)).toEqual(['end {}'])
  })

  test('[F6] given no credential, when an upgrade is requested, then it fails as undici presents any response without an upgrade', async () => {
    const dispatcher = refreshed(broken().cell, { origins: api.origin })
    const options = { origin: api.origin, path: '/' } as Dispatcher.UpgradeOptions
    await expect(dispatcher.upgrade(options)).rejects.toMatchObject({ message: 'bad upgrade' })
    await expect(dispatcher.connect({ origin: api.origin, path: 'a:1' })).rejects.toMatchObject({
      message: 'bad connect',
    })
  })
})
