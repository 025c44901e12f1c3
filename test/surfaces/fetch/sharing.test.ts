import { inspect } from 'node:util'
import { afterEach, expect, test } from 'vitest'
import { Refreshable, type RefreshEvent, refreshingFetch } from '../../../src/index.ts'
import { type AuthorizationServer, startAuthorizationServer } from '../../support/authorization-server.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { bearer, type RecordingServer, startRecordingServer } from '../../support/recording-server.ts'
import { responder } from '../../support/responder.ts'
import { broken, tokens } from './cells.ts'

const closing: { close(): Promise<void> }[] = []
afterEach(async () => {
  await Promise.all(closing.splice(0).map((server) => server.close()))
})
async function serve(handler: Parameters<typeof startRecordingServer>[0]): Promise<RecordingServer> {
  const server = await startRecordingServer(handler)
  closing.push(server)
  return server
}

/** A cell whose refresh redeems a rotating refresh token. */
async function account(server: AuthorizationServer): Promise<{
  cell: Refreshable<{ accessToken: string; refreshToken: string }>
  login: Awaited<ReturnType<AuthorizationServer['login']>>
}> {
  const login = await server.login()
  const authorization = `Basic ${btoa(`${server.client.id}:${server.client.secret}`)}`
  const cell = new Refreshable({
    initial: { accessToken: login.accessToken, refreshToken: login.refreshToken },
    refresh: async ({ current }) => {
      const body = new URLSearchParams({
        grant_type: 'refresh_token',
        refresh_token: current?.value.refreshToken ?? '',
      })
      const answer = await fetch(server.tokenEndpoint, { method: 'POST', headers: { authorization }, body })
      const { access_token: accessToken, refresh_token: refreshToken } = await answer.json()
      return { accessToken, refreshToken }
    },
  })
  return { cell, login }
}

test('[C1, C2, C3, F1] 100 calls in flight, their 401s let out one by one: one redemption, and all succeed', async () => {
  const authorization = await startAuthorizationServer()
  closing.push(authorization)
  const { cell, login } = await account(authorization)
  const held: (() => void)[] = []
  const api = await serve(async ({ headers }, response) => {
    const token = (headers.authorization ?? '').replace('Bearer ', '')
    if (await authorization.isActive(token)) return response.end('ok')
    held.push(() => response.writeHead(401).end())
    return response
  })
  const fetch = refreshingFetch(cell, { origins: api.origin })
  authorization.expireAccessTokens()
  const calls = Array.from({ length: 100 }, async () => (await fetch(api.origin)).status)
  await expect.poll(() => held.length).toBe(100)
  // The first is refreshed and answered before the next hears of its 401: each of the others is a late one.
  held.pop()?.()
  await Promise.race(calls)
  for (let answer = held.pop(); answer; answer = held.pop()) answer()
  expect(new Set(await Promise.all(calls))).toEqual(new Set([200]))
  expect([login.redemptions(), login.refused(), login.revoked()]).toEqual([1, 0, false])
})

test('[C8] one origin that rejects everything does not stop the refreshes of another', async () => {
  const clock = new ManualClock()
  let count = 0
  const cell = new Refreshable({ initial: 't0', refresh: async () => `t${++count}`, clock })
  const deaf = await serve(bearer(() => false))
  const strict = await serve(bearer((token) => token === `t${count}`))
  const fetch = refreshingFetch(cell, { origins: [deaf.origin, strict.origin] })
  for (let n = 0; n < 20; n++) expect((await fetch(deaf.origin)).status).toBe(401)
  expect(count).toBeLessThanOrEqual(2)
  expect((await fetch(strict.origin)).status).toBe(200)
  count = 50 // what is in force has gone stale
  expect((await fetch(strict.origin)).status).toBe(200)
  expect(strict.sent('authorization')).toEqual(['Bearer t1', 'Bearer t1', 'Bearer t51'])
})

test('[C4, P12] a caller who leaves during the refresh gets its reason at once; nothing more is sent, and the value is kept', async () => {
  const api = await serve(bearer((token) => token === 't1'))
  const source = responder<string>()
  const cell = new Refreshable({ initial: 't0', refresh: source.refresh })
  const fetch = refreshingFetch(cell, { origins: api.origin })
  const leaving = new AbortController()
  const left = fetch(new Request(api.origin, { signal: leaving.signal }))
  await expect.poll(() => source.calls.length).toBe(1)
  const reason = new Error('The user went away.')
  leaving.abort(reason)
  await expect(left).rejects.toBe(reason)
  source.call(0).resolve('t1')
  expect((await fetch(api.origin)).status).toBe(200)
  expect(api.sent('authorization')).toEqual(['Bearer t0', 'Bearer t1'])
  expect(source.calls.length).toBe(1)
})

test('[C4, F6] a caller who leaves while there is no token yet gets its reason, and no answer of ours', async () => {
  const api = await serve(bearer(() => true))
  const source = responder<string>()
  const fetch = refreshingFetch(new Refreshable({ refresh: source.refresh }), { origins: api.origin })
  const leaving = new AbortController()
  const left = fetch(api.origin, { signal: leaving.signal })
  leaving.abort()
  await expect(left).rejects.toThrow('aborted')
  await expect(fetch(api.origin, { signal: leaving.signal })).rejects.toThrow('aborted')
  expect(api.requests).toEqual([])
})

test('[P3] a lost connection is thrown as it is, and refreshes nothing', async () => {
  const { cell, refreshes } = tokens()
  const lost = new TypeError('fetch failed', { cause: new Error('401 Unauthorized by the tunnel') })
  const fetch = refreshingFetch(cell, {
    origins: 'https://a.example',
    fetch: () => Promise.reject(lost),
  })
  await expect(fetch('https://a.example')).rejects.toBe(lost)
  expect(refreshes()).toBe(0)
})

test('[P4] events tell of a retry, and of why there was none', async () => {
  const api = await serve(bearer((token) => token === 't1'))
  const heard: RefreshEvent[] = []
  const onEvent = (event: RefreshEvent): unknown => heard.push(event)
  await refreshingFetch(tokens().cell, { origins: api.origin, onEvent })(api.origin)
  await refreshingFetch(broken('t0').cell, { origins: api.origin, onEvent })(api.origin)
  expect(heard).toMatchObject([
    { type: 'retried', generation: 2 },
    { type: 'not_retried', generation: 1, error: { code: 'refresh_failed' } },
  ])
})

test('[Z1] no token is in an event, nor in what can be seen of the fetch', async () => {
  const api = await serve(bearer(() => false))
  const heard: RefreshEvent[] = []
  const canary = 'canary-7f3a'
  const cell = new Refreshable({ initial: `${canary}-0`, refresh: async () => `${canary}-1` })
  const fetch = refreshingFetch(cell, { origins: api.origin, onEvent: (event) => heard.push(event) })
  await fetch(api.origin)
  await fetch(api.origin, { method: 'POST', body: new Blob(['x']).stream(), duplex: 'half' } as RequestInit)
  expect(heard.length).toBeGreaterThan(1)
  expect(inspect([heard, fetch], { depth: 9, showHidden: true })).not.toContain(canary)
})
