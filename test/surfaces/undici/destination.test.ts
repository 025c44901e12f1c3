import { Client, errors, interceptors, Pool } from 'undici'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { runAsSource } from '../../../src/core/source-context.ts'
import { Refreshable, type RefreshEvent } from '../../../src/index.ts'
import { refreshingInterceptor } from '../../../src/surfaces/undici/index.ts'
import { bearer, type RecordingServer, startRecordingServer } from '../../support/recording-server.ts'
import { settled } from '../../support/settled.ts'
import { tokens } from '../fetch/cells.ts'
import { agent, closeAgents, refreshed } from './agents.ts'
import { Listener, scripted } from './scripted.ts'

const ORIGIN = 'https://api.example.com'

let api: RecordingServer
let other: RecordingServer
beforeEach(async () => {
  api = await startRecordingServer(bearer((token) => token === 't1'))
  other = await startRecordingServer((_, response) => response.writeHead(401).end())
})
afterEach(async () => {
  await closeAgents()
  await Promise.all([api.close(), other.close()])
})

describe('[F10] the origin alone says where a request goes', () => {
  test.each<[string, unknown]>([
    ['an object', { Host: 'evil.example', ':authority': 'evil.example', 'x-a': '1' }],
    ['a list', ['host', 'evil.example', 'x-a', '1']],
    [
      'pairs',
      [
        ['HOST', 'evil.example'],
        ['x-a', '1'],
      ],
    ],
    [
      'an iterable',
      new Map([
        ['host', 'evil.example'],
        ['x-a', '1'],
      ]),
    ],
  ])(
    '[F10] given headers in %s that forward another host, when the request is made, then it names its own server',
    async (_, headers) => {
      const { dispatch, inner } = scripted()
      const options = { origin: ORIGIN, path: '/', method: 'GET', headers, servername: 'evil.example' }
      refreshingInterceptor(tokens().cell, { origins: ORIGIN })(dispatch)(options, new Listener())
      const sent = inner(0).options
      expect(JSON.stringify(sent.headers)).not.toContain('evil')
      expect(JSON.stringify(sent.headers)).toContain('x-a')
      expect(sent.servername).toBe(undefined)
    },
  )

  test.each([
    ['a Client', () => new Client(other.origin)],
    ['a Pool', () => new Pool(other.origin)],
  ])(
    '[F10] given %s of another server, when a request names an origin with a credential, then nothing is sent',
    async (_, make) => {
      const { cell, refreshes } = tokens()
      const over = make()
      const dispatcher = over.compose(refreshingInterceptor(cell, { origins: api.origin }))
      for (let n = 0; n < 2; n++) {
        const request = dispatcher.request({ origin: api.origin, path: '/', method: 'GET' })
        await expect(request).rejects.toMatchObject({
          code: 'invalid_request',
          message: expect.stringContaining(other.origin),
        })
      }
      expect([other.requests, refreshes()]).toEqual([[], 0])
      await over.destroy()
    },
  )

  test('[F10] given a Client of the very server, when it is asked, then the credential is sent', async () => {
    const over = new Client(api.origin)
    const dispatcher = refreshed(tokens().cell, { origins: api.origin }, over)
    const { statusCode, body } = await dispatcher.request({
      origin: api.origin,
      path: '/?q=1',
      method: 'GET',
    })
    await body.dump()
    expect(statusCode).toBe(200)
    await over.destroy()
  })

  test('[F10] given an interceptor that looks up the address, when a request is made, then the credential is sent', async () => {
    const named = api.origin.replace('127.0.0.1', 'localhost')
    const lookUp = interceptors.dns({
      lookup: (_, __, found) => found(null, [{ address: '127.0.0.1', family: 4, ttl: 1000 }]),
    })
    const over = agent().compose(lookUp, refreshingInterceptor(tokens().cell, { origins: named }))
    for (let n = 0; n < 2; n++) {
      const { statusCode, body } = await over.request({ origin: named, path: '/', method: 'GET' })
      await body.dump()
      expect(statusCode).toBe(200)
    }
  })

  test('[F10] given a path that is the URL of another server, when the request is made, then it has no credential', async () => {
    const { dispatch, inner } = scripted()
    const options = { origin: ORIGIN, path: 'https://evil.example/', method: 'GET', headers: {} }
    refreshingInterceptor(tokens().cell, { origins: ORIGIN })(dispatch)(options, new Listener())
    expect(inner(0).options.headers).toEqual({})
  })
})

test('[F11] given a base URL that is not among the origins, when it answers 401, then an event tells so, once', async () => {
  const heard: RefreshEvent[] = []
  const dispatcher = refreshed(tokens().cell, { origins: ORIGIN, onEvent: (event) => heard.push(event) })
  for (let n = 0; n < 3; n++) {
    const { statusCode, body } = await dispatcher.request({ origin: other.origin, path: '/', method: 'GET' })
    await body.dump()
    expect(statusCode).toBe(401)
  }
  expect(heard).toEqual([{ type: 'bypassed', origin: other.origin }])
})

test('[F9] given that API and token endpoint share origin and dispatcher, when a token is missing, then its source’s request passes the surface by', async () => {
  const refresh = (): Promise<string> =>
    runAsSource(async () => {
      const { body } = await dispatcher.request({
        origin: api.origin,
        path: '/token',
        method: 'POST',
        headers: { authorization: 'Basic a' },
      })
      await body.dump()
      return 't1'
    })
  const dispatcher = refreshed(new Refreshable({ refresh }), { origins: api.origin })
  const { statusCode, body } = await dispatcher.request({ origin: api.origin, path: '/v1', method: 'GET' })
  await body.dump()
  expect(statusCode).toBe(200)
  expect(api.sent('authorization')).toEqual(['Basic a', 'Bearer t1'])
})

test('[F6] given a login that has ended, when whenDead is refuse, then nothing is sent', async () => {
  const { dispatch, sent } = scripted()
  const { cell } = tokens()
  const dead = Object.assign(cell, { isDead: () => true })
  const listener = new Listener()
  refreshingInterceptor(dead, { origins: ORIGIN, whenDead: 'refuse' })(dispatch)(
    { origin: ORIGIN, path: '/', method: 'GET' },
    listener,
  )
  await settled()
  expect(sent).toEqual([])
  expect(listener.heard[1]).toBe('401 Unauthorized (reauthentication_required)')
  refreshingInterceptor(dead, { origins: ORIGIN })(dispatch)(
    { origin: ORIGIN, path: '/', method: 'GET' },
    new Listener(),
  )
  expect(sent.length).toBe(1)
})

test('[F1] given a rejected attempt that was redirected, when the second one gets its response, then the context is the second one’s', () => {
  const { dispatch, inner } = scripted()
  const { cell } = tokens()
  cell.set('t9')
  let context: unknown
  const onRequestStart = (_: unknown, given: unknown): void => void (context = given)
  const listener = Object.assign(new Listener(), { onRequestStart })
  refreshingInterceptor(cell, { origins: ORIGIN })(dispatch)(
    { origin: ORIGIN, path: '/', method: 'GET' },
    listener,
  )
  inner(0).start({ history: ['first'], only: 1 })
  expect(context).toEqual({ history: ['first'], only: 1 })
  inner(0).handler.onRequestStart?.(inner(0).controller, { history: ['second'] })
  expect(context).toEqual({ history: ['second'] })
})

test('[F1] given a request that waits for its token, when it is aborted without a reason, then the error is of undici’s own class', async () => {
  const listener = new Listener()
  const never = new Refreshable<string>({ refresh: () => new Promise(() => undefined) })
  refreshingInterceptor(never, { origins: ORIGIN })(scripted().dispatch)(
    { origin: ORIGIN, path: '/', method: 'GET' },
    listener,
  )
  listener.controller?.abort(undefined)
  expect(listener.error).toBeInstanceOf(errors.RequestAbortedError)
  expect(listener.error).toBeInstanceOf(errors.UndiciError)
  expect(listener.error).toMatchObject({ name: 'AbortError', code: 'UND_ERR_ABORTED' })
  expect((listener.error as Error).constructor.name).toBe('RequestAbortedError')
})

test('[F1] given an iterator on the prototype of every object, when a request is made, then its headers are kept', () => {
  const { dispatch, inner } = scripted()
  const polluted = Object.prototype as { [Symbol.iterator]?: unknown }
  polluted[Symbol.iterator] = function* () {}
  try {
    const options = { origin: ORIGIN, path: '/', method: 'GET', headers: { 'x-a': '1' } }
    refreshingInterceptor(tokens().cell, { origins: ORIGIN })(dispatch)(options, new Listener())
  } finally {
    delete polluted[Symbol.iterator]
  }
  expect(inner(0).options.headers).toEqual({ 'x-a': '1', authorization: 'Bearer t0' })
})
