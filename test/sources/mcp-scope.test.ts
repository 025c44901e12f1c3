import { Agent, request } from 'undici'
import { expect, onTestFinished, test, vi } from 'vitest'
import { createCredential, refreshingFetch, type RefreshEvent } from '../../src/index.ts'
import { mcp, type McpOptions } from '../../src/sources/mcp/index.ts'
import { refreshingInterceptor } from '../../src/surfaces/undici/index.ts'
import { PATH_METADATA, startWorld } from './mcp-world.ts'

const machine = { clientId: 'app', clientSecret: 'canary-s3cret', grant: 'client_credentials' } as const

/** An MCP server that demands scopes, and a client of it. */
async function startDemanding(options: McpOptions, demand: (calls: number) => string) {
  const { api, auth, url } = await startWorld()
  const body = { resource: url, authorization_servers: [auth.origin], scopes_supported: ['read'] }
  api.routes.set(PATH_METADATA, { body })
  const scopes = new Map<string, string>()
  let issued = 0
  auth.routes.set('/token', ({ body: sent }) => {
    const scope = new URLSearchParams(sent.toString()).get('scope') ?? ''
    scopes.set(`t${++issued}`, scope)
    return { body: { access_token: `t${issued}`, token_type: 'Bearer', scope } }
  })
  let calls = 0
  api.routes.set('/mcp', ({ headers, body: sent }) => {
    const wanted = demand(++calls)
    const granted = scopes.get((headers.authorization ?? '').replace('Bearer ', '')) ?? ''
    if (wanted.split(' ').every((scope) => granted.split(' ').includes(scope))) {
      return { body: { sent: sent.toString() } }
    }
    const challenge = `Bearer error="insufficient_scope", scope="${wanted}", resource_metadata="${api.origin}${PATH_METADATA}"`
    return { status: 403, headers: { 'www-authenticate': challenge } }
  })
  const events: RefreshEvent[] = []
  const credential = createCredential({ source: mcp(url, options), onEvent: (event) => events.push(event) })
  const fetch = refreshingFetch(credential, { origins: api.origin })
  const call = (): Promise<Response> => fetch(url, { method: 'POST', body: 'hello' })
  const of = (type: RefreshEvent['type']): RefreshEvent[] => events.filter((event) => event.type === type)
  return { api, auth, credential, call, of }
}

test('[A7] given client credentials, when a scope is demanded, then the union is asked for once, and the call is made once more', async () => {
  const { api, auth, call, of } = await startDemanding(machine, () => 'read write')
  const responses = await Promise.all(Array.from({ length: 5 }, call))
  expect(responses.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200])
  expect(await responses[0]?.json()).toEqual({ sent: 'hello' })
  expect(auth.posted('/token').map(({ scope }) => scope)).toEqual(['read', 'read write'])
  expect([of('scope_demanded').length, of('rejected').length]).toEqual([1, 0])
  await call()
  expect([auth.asked('/token'), api.asked('/mcp')]).toEqual([2, 11])
})

test('[A7] given a server that demands the same for ever, or another scope each time, then it never loops', async () => {
  const same = await startDemanding(machine, () => 'never')
  same.auth.routes.set('/token', { body: { access_token: 'x', token_type: 'Bearer', scope: 'read' } })
  for (let calls = 0; calls < 10; calls++) expect((await same.call()).status).toBe(403)
  expect(same.auth.asked('/token')).toBeLessThanOrEqual(2)
  const other = await startDemanding(machine, (calls) => `s${calls}`)
  for (let calls = 0; calls < 40; calls++) await other.call()
  expect(other.auth.asked('/token')).toBeLessThanOrEqual(17)
})

test('[A7] given a scope that the authorization server refuses, then only the wider wish ends', async () => {
  const { auth, call, credential } = await startDemanding(machine, (calls) =>
    calls === 1 ? 'admin' : 'read',
  )
  const issue = auth.routes.get('/token') ?? {}
  auth.routes.set('/token', ({ body }) =>
    body.toString().includes('admin') ? { status: 400, body: { error: 'invalid_scope' } } : issue,
  )
  expect((await call()).status).toBe(403)
  expect((await call()).status).toBe(200)
  expect((await credential.snapshot()).value.accessToken).toBe('t1')
})

test('[A7] given the login of a person, when a scope is demanded, then the token stays, nothing is redeemed, and the event names the scope', async () => {
  const { auth, call, credential, of } = await startDemanding({ clientId: 'app' }, () => 'read write')
  await credential.login({ accessToken: 'mine', refreshToken: 'r1', scope: 'read' })
  const responses = await Promise.all([call(), call()])
  expect(responses.map(({ status }) => status)).toEqual([403, 403])
  expect(auth.asked('/token')).toBe(0)
  expect(of('scope_demanded')).toEqual([
    {
      type: 'scope_demanded',
      generation: 1,
      scope: 'read write',
      reason: expect.objectContaining({ code: 'reauthentication_required' }),
    },
  ])
  expect(credential.peek()?.value.accessToken).toBe('mine')
  await credential.login({ accessToken: 'other', refreshToken: 'r2' })
  await call()
  expect(of('scope_demanded').length).toBe(2)
})

test('[A7] given an undici dispatcher, when a scope is demanded, then the caller has its 403, and the next call has the scope', async () => {
  const { api, auth, credential } = await startDemanding(machine, () => 'read write')
  const dispatcher = new Agent().compose(refreshingInterceptor(credential, { origins: api.origin }))
  onTestFinished(() => dispatcher.close())
  const call = async (): Promise<number> => {
    const { statusCode, body } = await request(`${api.origin}/mcp`, {
      dispatcher,
      method: 'POST',
      body: 'hello',
    })
    await body.dump()
    return statusCode
  }
  expect(await call()).toBe(403)
  await vi.waitFor(() => expect(credential.peek()?.generation).toBe(2))
  expect(await call()).toBe(200)
  expect(auth.posted('/token').map(({ scope }) => scope)).toEqual(['read', 'read write'])
})
