import { expect, test } from 'vitest'
import { createCredential, memoryStore } from '../../src/index.ts'
import { mcp, mcpLogin } from '../../src/sources/mcp/index.ts'
import { failure, issue } from './helpers.ts'
import { startWorld } from './mcp-world.ts'

const FORM = { 'content-type': 'application/x-www-form-urlencoded' }

test('[K18, A5] given a server that responds with forms, when a person logs in and the token is refreshed, then the source reads both tokens', async () => {
  const { auth, url } = await startWorld()
  const store = memoryStore()
  const login = mcpLogin(url, { redirectUri: 'https://app.example.com/callback', clientId: 'app', store })
  auth.routes.set('/token', {
    headers: FORM,
    body: 'access_token=f1&token_type=bearer&refresh_token=g1&expires_in=60',
  })
  const { url: begun, binding } = await login.begin()
  const state = new URL(begun).searchParams.get('state') ?? ''
  const back = `https://app.example.com/callback?${new URLSearchParams({ state, code: 'c', iss: auth.origin }).toString()}`
  const token = await login.finish(back, { binding })
  expect(token).toMatchObject({
    accessToken: 'f1',
    refreshToken: 'g1',
    extra: { mcp: { issuer: auth.origin } },
  })
  auth.routes.set('/token', { headers: FORM, body: 'access_token=f2&token_type=bearer&refresh_token=g2' })
  const refreshed = await issue(mcp(url, { clientId: 'app', store }), { current: token })
  expect(refreshed).toMatchObject({ accessToken: 'f2', refreshToken: 'g2' })
  expect(auth.posted('/token')[1]).toMatchObject({ refresh_token: 'g1', resource: url })
})

test('[K18, A3] given a server that reports an error as a form, when the login is refreshed, then the message names the error, and the login does not end', async () => {
  const { auth, url } = await startWorld()
  auth.routes.set('/token', { status: 400, headers: FORM, body: 'error=invalid_grant' })
  const error = await failure(
    issue(mcp(url, { clientId: 'app', grant: { type: 'refresh_token', refreshToken: 'r1' } })),
  )
  expect(error.message).toContain(new URL(auth.origin).host)
  expect(error).toMatchObject({ terminal: false })
})

test.each([
  ['without a grace period', false],
  ['with a grace period', true],
])(
  '[K9, A3] given a server %s, when the response with the new refresh token is lost, then the source presents the old one once more, and the outcome says so',
  async (_, isLenient) => {
    const { auth, url } = await startWorld()
    let isFirst = true
    auth.routes.set('/token', () => {
      const tokens = { access_token: 'a2', token_type: 'Bearer', refresh_token: 'r2' }
      if (isFirst || isLenient) {
        isFirst = false
        return { body: tokens }
      }
      return { status: 400, body: { error: 'invalid_grant' } }
    })
    let isLost = false
    const losing: typeof fetch = async (input, init) => {
      const response = await fetch(input, init)
      if (isLost || !response.url.endsWith('/token')) return response
      isLost = true
      await response.body?.cancel()
      throw new TypeError('fetch failed')
    }
    const store = memoryStore()
    const source = mcp(url, { clientId: 'app', store, fetch: losing })
    const credential = createCredential({ source, store, key: 'me' })
    await credential.login({ accessToken: 'a1', refreshToken: 'r1' })
    const refreshing = credential.refresh(await credential.snapshot())
    if (isLenient) expect((await refreshing).value).toMatchObject({ accessToken: 'a2', refreshToken: 'r2' })
    else expect(await failure(refreshing)).toMatchObject({ code: 'reauthentication_required' })
    expect(auth.posted('/token').map((sent) => sent['refresh_token'])).toEqual(['r1', 'r1'])
    const kept = (await store.read('me'))?.token?.refreshToken
    expect(kept).toBe(isLenient ? 'r2' : 'r1')
  },
)
