import { inspect } from 'node:util'
import { afterEach, expect, test } from 'vitest'
import { Refreshable, type RefreshEvent, refreshingFetch } from '../../../src/index.ts'
import { type AuthorizationServer, startAuthorizationServer } from '../../support/authorization-server.ts'
import { bearer, type RecordingServer, startRecordingServer } from '../../support/recording-server.ts'
import { tokens } from './cells.ts'

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

test('[C1, C2, C3, F1] given 100 calls whose 401s arrive one by one, when they are refreshed, then the refresh token is redeemed once, and all succeed', async () => {
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

test('[P3] given a lost connection, when a call is made, then it throws that error, and nothing is refreshed', async () => {
  const { cell, refreshes } = tokens()
  const lost = new TypeError('fetch failed', { cause: new Error('401 Unauthorized by the tunnel') })
  const fetch = refreshingFetch(cell, {
    origins: 'https://a.example',
    fetch: () => Promise.reject(lost),
  })
  await expect(fetch('https://a.example')).rejects.toBe(lost)
  expect(refreshes()).toBe(0)
})

test('[Z1] given a fetch, when its events and its members are read, then no token is in them', async () => {
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
