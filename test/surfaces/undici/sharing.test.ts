import { inspect } from 'node:util'
import type { Dispatcher } from 'undici'
import { afterEach, expect, test } from 'vitest'
import { Refreshable } from '../../../src/index.ts'
import { startAuthorizationServer } from '../../support/authorization-server.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { bearer, type RecordingServer, startRecordingServer } from '../../support/recording-server.ts'
import { tokens } from '../fetch/cells.ts'
import { agent, closeAgents, refreshed } from './agents.ts'

const closing: { close(): Promise<void> }[] = []
afterEach(async () => {
  await closeAgents()
  await Promise.all(closing.splice(0).map((server) => server.close()))
})
async function serve(handler: Parameters<typeof startRecordingServer>[0]): Promise<RecordingServer> {
  const server = await startRecordingServer(handler)
  closing.push(server)
  return server
}

async function status(dispatcher: Dispatcher, origin: string, more: object = {}): Promise<number> {
  const { statusCode, body } = await dispatcher.request({ origin, path: '/', method: 'GET', ...more })
  await body.dump()
  return statusCode
}

test('[C1, C2, C3, F1] given 100 requests whose 401s arrive one by one, when they are refreshed, then the refresh token is redeemed once, and all succeed', async () => {
  const authorization = await startAuthorizationServer()
  closing.push(authorization)
  const login = await authorization.login()
  // The credential is refreshed through the agent that it serves: its origin is another.
  const pool = agent()
  const basic = `Basic ${btoa(`${authorization.client.id}:${authorization.client.secret}`)}`
  const { origin, pathname } = new URL(authorization.tokenEndpoint)
  const cell = new Refreshable({
    initial: { accessToken: login.accessToken, refreshToken: login.refreshToken },
    refresh: async ({ current }) => {
      const { body } = await pool.request({
        origin,
        path: pathname,
        method: 'POST',
        headers: { authorization: basic, 'content-type': 'application/x-www-form-urlencoded' },
        body: `grant_type=refresh_token&refresh_token=${current?.value.refreshToken}`,
      })
      const { access_token: accessToken, refresh_token: refreshToken } = (await body.json()) as Record<
        'access_token' | 'refresh_token',
        string
      >
      return { accessToken, refreshToken }
    },
  })
  const held: (() => void)[] = []
  const api = await serve(async ({ headers }, response) => {
    const token = (headers.authorization ?? '').replace('Bearer ', '')
    if (await authorization.isActive(token)) return response.end('ok')
    held.push(() => response.writeHead(401).end())
    return response
  })
  const dispatcher = refreshed(
    cell.map(({ accessToken }) => accessToken),
    { origins: api.origin },
    pool,
  )
  // From now on the credential is there at once.
  expect(await status(dispatcher, api.origin)).toBe(200)
  authorization.expireAccessTokens()
  const calls = Array.from({ length: 100 }, () => status(dispatcher, api.origin))
  await expect.poll(() => held.length).toBe(100)
  // The first is refreshed and answered before the next hears of its 401: each of the others is a late one.
  held.pop()?.()
  await Promise.race(calls)
  for (let answer = held.pop(); answer; answer = held.pop()) answer()
  expect(new Set(await Promise.all(calls))).toEqual(new Set([200]))
  expect([login.redemptions(), login.refused(), login.revoked()]).toEqual([1, 0, false])
})

test('[C8] given a fresh credential that was accepted, when it is rejected, then it may be refreshed again at once', async () => {
  let count = 0
  let good = 't1'
  const clock = new ManualClock()
  const cell = new Refreshable({ initial: 't0', refresh: async () => `t${++count}`, clock })
  const api = await serve(bearer((token) => token === good))
  const dispatcher = refreshed(cell, { origins: api.origin })
  expect(await status(dispatcher, api.origin)).toBe(200)
  for (let n = 2; n < 6; n++) {
    // Accepted on an attempt that was made at once, and not only on one that was repeated.
    expect(await status(dispatcher, api.origin)).toBe(200)
    good = `t${n}`
    expect(await status(dispatcher, api.origin)).toBe(200)
  }
})

test('[P3] given a connection that cannot be made, when a request is sent, then it fails with that error, and nothing is refreshed', async () => {
  const api = await serve(bearer(() => true))
  const { origin } = api
  await api.close()
  const { cell, refreshes } = tokens()
  await expect(status(refreshed(cell, { origins: origin }), origin)).rejects.toMatchObject({
    code: 'ECONNREFUSED',
  })
  expect(refreshes()).toBe(0)
})

test('[P3] given a connection that breaks within the response, when it does, then the caller gets that error, and nothing is refreshed', async () => {
  const api = await serve((_, response, raw) => {
    response.writeHead(200, { 'content-length': '100' }).write('some', () => raw.socket.destroy())
  })
  const { cell, refreshes } = tokens()
  const dispatcher = refreshed(cell, { origins: api.origin })
  const { body } = await dispatcher.request({ origin: api.origin, path: '/', method: 'GET' })
  await expect(body.text()).rejects.toThrow('other side closed')
  expect(refreshes()).toBe(0)
})

test('[Z1] given a request, when its events, its errors and its controller are read, then no token is in them', async () => {
  const api = await serve(bearer(() => false))
  const heard: unknown[] = []
  const canary = 'canary-7f3a'
  const cell = new Refreshable({ initial: `${canary}-0`, refresh: async () => `${canary}-1` })
  const dispatcher = refreshed(cell, { origins: api.origin, onEvent: (event) => heard.push(event) })
  const watching = dispatcher.compose((dispatch) => (options, handler) => {
    const { onRequestStart, onResponseStart } = handler
    handler.onRequestStart = (controller, context) => {
      heard.push(controller, context)
      onRequestStart?.call(handler, controller, context)
    }
    handler.onResponseStart = (...given) => {
      heard.push(inspect(given, { depth: 9, showHidden: true }))
      onResponseStart?.apply(handler, given)
    }
    return dispatch(options, handler)
  })
  await status(watching, api.origin)
  await status(watching, api.origin, { method: 'POST', body: [7] }).catch((error: unknown) =>
    heard.push(error),
  )
  await status(watching, api.origin, { headers: ['odd'] }).catch((error: unknown) => heard.push(error))
  expect(heard.length).toBeGreaterThan(6)
  expect(inspect(heard, { depth: 9, showHidden: true })).not.toContain(canary)
})
