import { describe, expect, onTestFinished, test } from 'vitest'
import { createCredential, memoryStore, type Store } from '../../src/index.ts'
import { mcp, type McpLogin, mcpLogin, type McpLoginOptions } from '../../src/sources/mcp/index.ts'
import { fileStore } from '../../src/stores/file/index.ts'
import { sealedStore } from '../../src/stores/sealed/index.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { startOidcServer } from '../support/oidc-server.ts'
import { failure, issue, temporaryFolder } from './helpers.ts'
import {
  metadataOf,
  PATH_METADATA,
  SERVER_METADATA,
  startPlace,
  startWorld,
  type World,
} from './mcp-world.ts'

const CALLBACK = 'https://app.example.com/callback'
const WEB = { redirectUri: CALLBACK, clientId: 'app' }

/** A world whose authorization server registers clients `c1`, `c2` … */
async function startRegistering(more: object = {}): Promise<World> {
  const world = await startWorld()
  const { auth } = world
  auth.routes.set(SERVER_METADATA, {
    body: metadataOf(auth.origin, { registration_endpoint: `${auth.origin}/register`, ...more }),
  })
  let registered = 0
  auth.routes.set('/register', ({ body }) => ({
    status: 201,
    body: { ...JSON.parse(body.toString()), client_id: `c${++registered}` },
  }))
  return world
}

/** The callback URL with which the browser returns. */
function returned(begun: string, more: Record<string, string | undefined>): string {
  const { searchParams } = new URL(begun)
  const fields = { state: searchParams.get('state') ?? '', code: 'canary-code', ...more }
  const given = Object.entries(fields).filter((field): field is [string, string] => field[1] !== undefined)
  return `${CALLBACK}?${new URLSearchParams(given).toString()}`
}

describe('a login in two halves', () => {
  test('[A5] given begin() on one instance, when another finishes, then a code with PKCE is redeemed for the resource', async () => {
    const { auth, url } = await startWorld()
    const store = memoryStore()
    const options = { ...WEB, store }
    const { url: begun, binding } = await mcpLogin(url, options).begin()
    const asked = Object.fromEntries(new URL(begun).searchParams)
    expect(begun.startsWith(`${auth.origin}/authorize?`)).toBe(true)
    expect(asked).toMatchObject({
      client_id: 'app',
      redirect_uri: CALLBACK,
      resource: url,
      response_type: 'code',
    })
    const back = returned(begun, { iss: auth.origin })
    const token = await mcpLogin(url, options).finish(new URL(back), { binding })
    expect(token).toMatchObject({ accessToken: 'a2', extra: { mcp: { issuer: auth.origin, client: 'app' } } })
    const [sent] = auth.posted('/token')
    expect(sent).toMatchObject({
      code: 'canary-code',
      redirect_uri: CALLBACK,
      resource: url,
      client_id: 'app',
    })
    expect(sent?.['code_verifier']).toMatch(/^[\w-]{43}$/)
    expect(begun + binding).not.toContain(sent?.['code_verifier'])
  })

  test('[A5] given a login, when its credential is refreshed, then the stored token names its issuer', async () => {
    const { auth, url } = await startRegistering()
    const store = memoryStore()
    const login = mcpLogin(url, { redirectUri: CALLBACK, store })
    const { url: begun, binding } = await login.begin()
    const credential = createCredential({ source: mcp(url, { store }), store, key: 'me' })
    await credential.login(await login.finish(returned(begun, { iss: auth.origin }), { binding }))
    await credential.refresh(await credential.snapshot())
    expect(auth.posted('/token')[1]).toMatchObject({ refresh_token: 'r2', client_id: 'c1', resource: url })
    expect((await store.read('me'))?.madeFor).toMatchObject({ issuer: auth.origin, resource: url })
  })

  const begin = async (options: McpLoginOptions = {}) => {
    const world = await startWorld()
    const clock = new ManualClock()
    const login = mcpLogin(world.url, { ...WEB, clock, store: memoryStore(), ...options })
    const { url, binding } = await login.begin()
    return { ...world, clock, login, binding, back: returned(url, { iss: world.auth.origin }), begun: url }
  }

  test.each([
    ['sent', true],
    ['omitted', false],
  ] as const)(
    '[A1] given `resourceParameter: %s`, when a person logs in and the token is refreshed, then the requests hold `resource`: %s',
    async (resourceParameter, names) => {
      const { auth, url } = await startWorld()
      const client = { clientId: 'app', store: memoryStore(), scope: 'api://app/.default', resourceParameter }
      const login = mcpLogin(url, { ...client, redirectUri: CALLBACK })
      const { url: begun, binding } = await login.begin()
      const token = await login.finish(returned(begun, { iss: auth.origin }), { binding })
      await issue(mcp(url, client), { current: token })
      const asked = [
        new URL(begun).searchParams,
        ...auth.posted('/token').map((form) => new URLSearchParams(form)),
      ]
      expect(asked.map((form) => form.getAll('resource'))).toEqual(Array(3).fill(names ? [url] : []))
    },
  )

  test('[A1] given an invalid `resourceParameter`, when mcp() is called, then it throws', () => {
    expect(() =>
      mcp('https://a.example/mcp', { clientId: 'app', resourceParameter: 'none' as never }),
    ).toThrow(expect.objectContaining({ code: 'invalid_option' }))
  })

  test('[A3] given a login that an SDK has stored, when login() gets it with its client, then the source redeems its refresh token as that client', async () => {
    const { auth, url } = await startWorld()
    const store = memoryStore()
    const credential = createCredential({
      source: mcp(url, { store, clientId: 'registered-1' }),
      store,
      key: url,
    })
    await credential.login({ access_token: 'a1', token_type: 'Bearer', refresh_token: 'r1' })
    expect(await credential.accessToken({ rejected: 'a1' })).toBe('a2')
    expect(auth.posted('/token')).toMatchObject([
      { grant_type: 'refresh_token', refresh_token: 'r1', client_id: 'registered-1', resource: url },
    ])
  })

  test('[A5] given a finished login, when the callback comes a second time, then the error says that the login is finished already', async () => {
    const { login, back, binding, auth } = await begin()
    await login.finish(back, { binding })
    expect(await failure(login.finish(back, { binding }))).toMatchObject({
      code: 'reauthentication_required',
      message: expect.stringContaining('finished already'),
    })
    expect(auth.asked('/token')).toBe(1)
  })

  test('[A5] given a callback after more than 10 minutes, when finish() gets it, then the error says so, and the next login removes the late entries', async () => {
    const { login, back, binding, clock, auth } = await begin()
    clock.jump(600_001)
    expect(await failure(login.finish(back, { binding }))).toMatchObject({
      code: 'reauthentication_required',
      message: expect.stringContaining('10 minutes'),
    })
    await login.begin()
    expect(await failure(login.finish(back, { binding }))).toMatchObject({
      message: expect.stringContaining('No such login'),
    })
    expect(auth.asked('/token')).toBe(0)
  })

  test('[A5] given the binding of another browser, when finish() gets it, then it refuses, and the right browser can still finish', async () => {
    const { login, back, binding, auth } = await begin()
    const { binding: other } = await login.begin()
    for (const wrong of [other, '', 'x']) {
      expect(await failure(login.finish(back, { binding: wrong }))).toMatchObject({
        code: 'reauthentication_required',
        message: expect.stringContaining('another browser'),
      })
    }
    expect(auth.asked('/token')).toBe(0)
    expect((await login.finish(back, { binding })).accessToken).toBe('a2')
  })

  test.each<[string, Record<string, string | undefined>, string]>([
    ["another 'iss'", { iss: 'https://evil.example' }, 'source_invalid'],
    ["another 'iss' by a slash", { iss: 'slash' }, 'source_invalid'],
    ["no 'iss'", { iss: undefined }, 'source_invalid'],
    [
      "an error with another 'iss'",
      { iss: 'https://evil.example', error: 'access_denied' },
      'source_invalid',
    ],
    ['a person who declined', { error: 'access_denied', code: undefined }, 'reauthentication_required'],
    ['a server that refuses', { error: 'invalid_scope', code: undefined }, 'source_refused'],
    ['no code', { code: undefined }, 'source_invalid'],
  ])(
    '[A5] given a callback with %s, when finish() gets it, then the error names it, and no code is sent',
    async (_, more, code) => {
      const { login, begun, binding, auth } = await begin()
      const iss = more['iss'] === 'slash' ? `${auth.origin}/` : auth.origin
      const fields = { iss, ...more, ...(more['iss'] === 'slash' && { iss }) }
      expect(await failure(login.finish(returned(begun, fields), { binding }))).toMatchObject({ code })
      expect(auth.asked('/token')).toBe(0)
    },
  )

  test('[A5] given an MCP server that names another issuer since the login began, when finish() gets the callback, then the code goes to the server that issued it', async () => {
    const { login, back, binding, auth, api, url } = await begin()
    const other = await startPlace()
    api.routes.set(PATH_METADATA, { body: { resource: url, authorization_servers: [other.origin] } })
    await login.finish(back, { binding })
    expect([auth.asked('/token'), other.server.requests.length]).toEqual([1, 0])
  })

  test('[A5] given a server that issues no refresh token, when the login is refreshed, then the token has none, and the error says so', async () => {
    const { login, back, binding, auth, url } = await begin()
    auth.routes.set('/token', { body: { access_token: 'only', token_type: 'Bearer' } })
    const token = await login.finish(back, { binding })
    expect(token.refreshToken).toBeUndefined()
    const credential = createCredential({ source: mcp(url, { clientId: 'app' }) })
    await credential.login(token)
    expect(await failure(credential.refresh(await credential.snapshot()))).toMatchObject({
      code: 'reauthentication_required',
      message: expect.stringMatching(/^The last login brought no refresh token, .* log in again\./),
    })
  })

  test('[A5] given a callback that names another issuer, when finish() gets it, then the message shows both, and says what to do if the server itself is wrong', async () => {
    const { login, back, binding, auth } = await begin()
    const other = new URL(back)
    other.searchParams.set('iss', 'http://127.0.0.1:9999\u202e\n')
    const { message } = await failure(login.finish(other, { binding }))
    expect(message).toContain(
      `'iss' = 'http://127.0.0.1:9999 ', where the metadata name the issuer '${auth.origin}'`,
    )
    expect(message).toContain("the server's metadata and its 'iss' disagree")
    other.searchParams.set('iss', `x-${other.searchParams.get('code')}`)
    expect((await failure(login.finish(other, { binding }))).message).not.toContain('canary-code')
    other.searchParams.delete('iss')
    expect((await failure(login.finish(other, { binding }))).message).toContain(
      `no issuer ('iss'), which the metadata of '${auth.origin}' promise`,
    )
    expect(auth.asked('/token')).toBe(0)
  })

  test('[A5] given a callback without a state, when finish() gets it, then the message says so', async () => {
    const { login, back, binding } = await begin()
    const other = new URL(back)
    other.searchParams.delete('state')
    expect(await failure(login.finish(other, { binding }))).toMatchObject({
      code: 'reauthentication_required',
      message: expect.stringContaining("holds no 'state'"),
    })
  })

  test('[A5] given an outage before or after the code is sent, when finish() fails, then the message says whether to call it again or to begin again', async () => {
    const { auth, url } = await startWorld()
    const options = { ...WEB, store: memoryStore() }
    const { url: begun, binding } = await mcpLogin(url, options).begin()
    const back = returned(begun, { iss: auth.origin })
    const sound = auth.routes.get(SERVER_METADATA) ?? {}
    const down = { status: 503, headers: { 'retry-after': '7' } }
    auth.routes.set(SERVER_METADATA, down)
    auth.routes.set('/.well-known/openid-configuration', down)
    expect(await failure(mcpLogin(url, options).finish(back, { binding }))).toMatchObject({
      code: 'source_unavailable',
      message: expect.stringMatching(/The code was not sent: call finish\(\) again with the same URL\.$/),
    })
    auth.routes.set(SERVER_METADATA, sound)
    auth.routes.set('/token', down)
    expect(await failure(mcpLogin(url, options).finish(back, { binding }))).toMatchObject({
      code: 'source_unavailable',
      retryAfterMs: 7_000,
      message: expect.stringMatching(/The code may be spent: begin the login again\.$/),
    })
  })

  test("[A5] given scopes of the options, the challenge and the server, when a login begins, then it requests the first that exist, and 'offline_access' if the server lists it", async () => {
    const { api, auth, url } = await startWorld()
    const asked = async (options: McpLoginOptions, challenge?: string): Promise<string | null> => {
      const { url: begun } = await mcpLogin(url, { ...WEB, ...options }).begin({ challenge })
      return new URL(begun).searchParams.get('scope')
    }
    expect(await asked({})).toBe(null)
    const body = { resource: url, authorization_servers: [auth.origin], scopes_supported: ['read', 'write'] }
    api.routes.set(PATH_METADATA, { body })
    auth.routes.set(SERVER_METADATA, {
      body: metadataOf(auth.origin, { scopes_supported: ['openid', 'offline_access'] }),
    })
    expect(await asked({})).toBe('read write offline_access')
    expect(await asked({}, 'Bearer scope="admin"')).toBe('admin offline_access')
    expect(await asked({ scope: 'own' }, 'Bearer scope="admin"')).toBe('own offline_access')
    const stepUp = 'Bearer error="insufficient_scope", scope="admin"'
    expect(await asked({ scope: 'own' }, stepUp)).toBe('own admin offline_access')
  })

  test('[A13] given a login with more scopes than the options, when it is refreshed, then the request keeps all granted scopes', async () => {
    const { auth, url } = await startWorld()
    const token = { accessToken: 'a1', refreshToken: 'r1', scope: 'read write' }
    await issue(mcp(url, { clientId: 'app', scope: 'read' }), { current: token })
    await issue(mcp(url, { clientId: 'app' }), { current: token })
    expect(auth.posted('/token').map(({ scope }) => scope)).toEqual(['read write', undefined])
  })

  test.each([
    ['the metadata of the authorization server', SERVER_METADATA],
    ['the token endpoint’s part of them', '/'],
  ])(
    '[A14] given an outage of %s, when the browser returns, then the same callback finishes the login after the outage',
    async (_, path) => {
      const { auth, url } = await startWorld()
      const store = memoryStore()
      const options = { ...WEB, store }
      const { url: begun, binding } = await mcpLogin(url, options).begin()
      const back = returned(begun, { iss: auth.origin })
      const sound = auth.routes.get(SERVER_METADATA) ?? {}
      auth.routes.set(SERVER_METADATA, path === '/' ? { body: { issuer: auth.origin } } : { status: 503 })
      auth.routes.set('/.well-known/openid-configuration', { status: 503 })
      const other = mcpLogin(url, options)
      const code = path === '/' ? 'source_invalid' : 'source_unavailable'
      expect(await failure(other.finish(back, { binding }))).toMatchObject({ code })
      auth.routes.set(SERVER_METADATA, sound)
      expect((await other.finish(back, { binding })).accessToken).toBe('a2')
      expect(await failure(other.finish(back, { binding }))).toMatchObject({
        message: expect.stringContaining('finished already'),
      })
      expect(auth.asked('/token')).toBe(1)
    },
  )

  test('[A5] given one callback, when two callers finish it at once, then the code is sent once', async () => {
    const { login, back, binding, auth } = await begin()
    const both = await Promise.allSettled([login.finish(back, { binding }), login.finish(back, { binding })])
    expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
    expect(auth.asked('/token')).toBe(1)
  })
})

/** Begins a login. Returns its client's id. */
async function clientOf(login: McpLogin): Promise<string | null> {
  return new URL((await login.begin()).url).searchParams.get('client_id')
}

describe('registration', () => {
  test('[A6] given three logins over one store, when they begin at once, then one client is registered, and stored under its issuer', async () => {
    const { auth, url } = await startRegistering()
    const folder = await temporaryFolder()
    const login = () =>
      mcpLogin(url, { redirectUri: CALLBACK, store: fileStore({ path: folder }), clientName: 'My app' })
    const begun = await Promise.all([login().begin(), login().begin(), login().begin()])
    expect(begun.map(({ url: to }) => new URL(to).searchParams.get('client_id'))).toEqual(['c1', 'c1', 'c1'])
    expect(auth.asked('/register')).toBe(1)
    expect(
      JSON.parse(auth.server.requests.find(({ path }) => path === '/register')?.body.toString() ?? ''),
    ).toEqual({
      client_name: 'My app',
      redirect_uris: [CALLBACK],
      application_type: 'web',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    })
    const other = fileStore({ path: folder })
    expect(await other.read(`mcp-client:${auth.origin}`)).toMatchObject({
      token: undefined,
      holds: 'mcp-client',
    })
  })

  test.each<[string, (store: Store) => Store]>([
    ['plain', (store) => store],
    ['sealed', (store) => sealedStore(store, [{ id: 'one', secret: new Uint8Array(32) }])],
  ])(
    '[A6] given the record of a registration in a %s store, when a credential reads it, then it throws store_invalid and does not change the record',
    async (kind, wrap) => {
      const { auth, url } = await startRegistering({
        token_endpoint_auth_methods_supported: ['client_secret_post'],
      })
      auth.routes.set('/register', {
        status: 201,
        body: {
          client_id: 'c9',
          client_secret: 'canary-secret',
          token_endpoint_auth_method: 'client_secret_post',
        },
      })
      const plain = memoryStore()
      const store = wrap(plain)
      const login = mcpLogin(url, { redirectUri: CALLBACK, store })
      const { url: begun, binding } = await login.begin()
      const [client, pending] = [`mcp-client:${auth.origin}`, `mcp-login:${url}`]
      const raw = JSON.stringify([await plain.read(client), await plain.read(pending)])
      expect(raw.includes('canary-secret')).toBe(kind === 'plain')
      expect(raw.includes('verifier')).toBe(kind === 'plain')
      for (const key of [client, pending]) {
        const credential = createCredential({ source: mcp(url, { clientId: 'app' }), store, key })
        expect(await failure(credential.snapshot())).toMatchObject({ code: 'store_invalid' })
        expect(await failure(credential.login({ accessToken: 'x' }))).toMatchObject({ code: 'store_invalid' })
      }
      await login.finish(returned(begun, { iss: auth.origin }), { binding })
      expect(auth.posted('/token')[0]).toMatchObject({ client_id: 'c9', client_secret: 'canary-secret' })
    },
  )

  test("[A6] given a person's login under the key of registrations, when a client wants to register, then the login throws, and does not overwrite the record", async () => {
    const { auth, url } = await startRegistering()
    const store = memoryStore()
    await store.replace(`mcp-client:${auth.origin}`, () => ({ token: { accessToken: 'theirs' } }))
    const login = mcpLogin(url, { redirectUri: CALLBACK, store })
    expect(await failure(login.begin())).toMatchObject({ code: 'store_invalid' })
    expect(await store.read(`mcp-client:${auth.origin}`)).toMatchObject({ token: { accessToken: 'theirs' } })
  })

  test("[A6] given a Client ID Metadata Document, when a login begins, then its URL is the client's id if the server accepts such ids, else a client is registered", async () => {
    const id = 'https://app.example.com/client.json'
    const taking = await startRegistering({ client_id_metadata_document_supported: true })
    const other = await startRegistering()
    const asked = async ({ url }: World): Promise<string | null> => {
      const login = mcpLogin(url, { redirectUri: CALLBACK, clientMetadataUrl: id })
      return new URL((await login.begin()).url).searchParams.get('client_id')
    }
    expect([await asked(taking), await asked(other)]).toEqual([id, 'c1'])
    expect(taking.auth.asked('/register')).toBe(0)
  })

  test('[A6] given a Client ID Metadata Document that the server refuses, when a code or a refresh token is redeemed, then the message says so, and no client is registered', async () => {
    const { auth, url } = await startRegistering({ client_id_metadata_document_supported: true })
    const client = { clientMetadataUrl: 'https://app.example.com/client.json', store: memoryStore() }
    const login = mcpLogin(url, { ...client, redirectUri: CALLBACK })
    const { url: begun, binding } = await login.begin()
    auth.routes.set('/token', { status: 401, body: { error: 'invalid_client' } })
    const named = { code: 'source_refused', message: expect.stringContaining('client.json') }
    const back = returned(begun, { iss: auth.origin })
    expect(await failure(login.finish(back, { binding }))).toMatchObject(named)
    const token = { accessToken: 'a1', refreshToken: 'r1' }
    expect(await failure(issue(mcp(url, client), { current: token }))).toMatchObject(named)
    expect(auth.asked('/register')).toBe(0)
  })

  test('[A6] given a server that registers no clients, when a login begins, then the message says which option to give', async () => {
    const { url } = await startWorld()
    expect(await failure(mcpLogin(url, { redirectUri: CALLBACK }).begin())).toMatchObject({
      code: 'source_refused',
      message: expect.stringContaining("'clientId'"),
    })
    const { auth, url: refusing } = await startRegistering()
    auth.routes.set('/register', { status: 403, body: { error: 'access_denied' } })
    expect(await failure(mcpLogin(refusing, { redirectUri: CALLBACK }).begin())).toMatchObject({
      code: 'source_refused',
      message: expect.stringContaining('could not be registered'),
    })
  })

  test('[A6] given a registration that the server has deleted, when a refresh or finish() uses it, then the error says so, and the next begin() registers again', async () => {
    const { auth, url } = await startRegistering()
    const store = memoryStore()
    const login = mcpLogin(url, { redirectUri: CALLBACK, store })
    const { url: begun, binding } = await login.begin()
    const token = await login.finish(returned(begun, { iss: auth.origin }), { binding })
    auth.routes.set('/token', { status: 401, body: { error: 'invalid_client' } })
    expect(await failure(issue(mcp(url, { store }), { current: token }))).toMatchObject({
      code: 'reauthentication_required',
      message: expect.stringContaining('invalid_client'),
    })
    const second = await login.begin()
    expect(new URL(second.url).searchParams.get('client_id')).toBe('c2')
    const finishing = login.finish(returned(second.url, { iss: auth.origin }), { binding: second.binding })
    expect(await failure(finishing)).toMatchObject({ code: 'reauthentication_required' })
    expect(new URL((await login.begin()).url).searchParams.get('client_id')).toBe('c3')
    expect(auth.asked('/register')).toBe(3)
  })

  test.each([400, 401, 422])(
    '[A6] given a registration that the server has deleted, when its authorization endpoint responds %i, then begin() registers again',
    async (status) => {
      const { auth, url } = await startRegistering({
        token_endpoint_auth_methods_supported: ['client_secret_post'],
      })
      let known = 'c1'
      auth.routes.set('/register', () => ({
        status: 201,
        body: { client_id: known, client_secret: `secret of ${known}` },
      }))
      auth.routes.set('/authorize', ({ path = '' }) => {
        const isKnown = new URL(path, auth.origin).searchParams.get('client_id') === known
        return isKnown ? { body: 'log in' } : { status, body: { message: 'Unrecognized client_id' } }
      })
      const [store, clock] = [memoryStore(), new ManualClock()]
      const login = mcpLogin(url, { redirectUri: CALLBACK, store, clock })
      const { url: begun, binding } = await login.begin()
      const token = await login.finish(returned(begun, { iss: auth.origin }), { binding })
      expect(await clientOf(login)).toBe('c1')
      expect(auth.asked('/authorize')).toBe(0)
      clock.jump(600_000)
      expect(await clientOf(login)).toBe('c1')
      known = 'c2'
      expect([await clientOf(login), await clientOf(login), await clientOf(login)]).toEqual([
        'c2',
        'c2',
        'c2',
      ])
      expect(auth.asked('/register')).toBe(2)
      // The trial requests used their own states, so no callback of such a request finishes a login.
      const states = auth.server.requests
        .filter(({ path }) => path?.startsWith('/authorize') === true)
        .map(({ path = '' }) => new URL(path, auth.origin).searchParams.get('state'))
      expect(new Set(states).size).toBe(states.length)
      expect(await failure(login.finish(`${CALLBACK}?code=c&state=${states[0]}`, { binding }))).toMatchObject(
        {
          code: 'reauthentication_required',
        },
      )
      // A login that was made with the earlier client still uses that client's secret, as long as the server accepts it.
      await issue(mcp(url, { store }), { current: token })
      expect(auth.posted('/token').at(-1)).toMatchObject({ client_id: 'c1', client_secret: 'secret of c1' })
    },
  )

  test.each([200, 302, 403, 404, 429, 503])(
    '[A6] given a registration, when the authorization endpoint responds to the trial request with %i, then begin() keeps the registration',
    async (status) => {
      const { auth, url } = await startRegistering()
      auth.routes.set('/authorize', { status, headers: { location: 'https://login.example.com' } })
      const clock = new ManualClock()
      const login = mcpLogin(url, { redirectUri: CALLBACK, clock })
      expect(await clientOf(login)).toBe('c1')
      clock.jump(600_000)
      expect(await clientOf(login)).toBe('c1')
      expect([auth.asked('/register'), auth.asked('/authorize')]).toEqual([1, 1])
    },
  )

  test('[A6] given inBrowser(), when the server has deleted the registration, then the client registers again, once', async () => {
    const { auth, url } = await startRegistering()
    auth.routes.set('/token', { status: 401, body: { error: 'invalid_client' } })
    const opened: string[] = []
    const login = mcpLogin(url).inBrowser({
      open: async (to) => {
        opened.push(to)
        const { searchParams } = new URL(to)
        const back = new URL(searchParams.get('redirect_uri') ?? '')
        back.search = new URLSearchParams({
          state: searchParams.get('state') ?? '',
          code: 'c',
          iss: auth.origin,
        }).toString()
        await fetch(back)
      },
    })
    expect(await failure(login)).toMatchObject({ code: 'reauthentication_required' })
    expect([opened.length, auth.asked('/register')]).toEqual([2, 2])
  })
})

test.each<[string, McpLoginOptions]>([
  ['no redirect URI', { redirectUri: 'nowhere' }],
  ['plain http elsewhere', { redirectUri: 'http://app.example.com/callback' }],
  ['a store that is none', { store: {} as Store }],
  ['an unknown option', { redirectUrl: CALLBACK } as McpLoginOptions],
])('given %s, when mcpLogin() is called, then it throws', (_, options) => {
  expect(() => mcpLogin('https://mcp.example.com/mcp', options)).toThrow(
    expect.objectContaining({ code: 'invalid_option' }),
  )
})

test('[A5, A6] against oidc-provider: given registration and resource indicators, when a person logs in by loopback, then the login can be refreshed', async () => {
  const api = await startPlace()
  const url = `${api.origin}/mcp`
  const server = await startOidcServer({
    scopes: ['openid', 'offline_access'],
    features: {
      devInteractions: { enabled: false },
      registration: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: () => ({ scope: 'chat', accessTokenFormat: 'opaque' }),
        useGrantedResource: () => true,
      },
    },
    loadExistingGrant: async ({ oidc: { provider, client } }) => {
      const grant = new provider.Grant({ clientId: client?.clientId ?? '', accountId: 'alice' })
      grant.addOIDCScope('openid offline_access')
      grant.addResourceScope(url, 'chat')
      await grant.save()
      return grant
    },
  })
  onTestFinished(() => server.close())
  api.routes.set(PATH_METADATA, {
    body: { resource: url, authorization_servers: [server.issuer], scopes_supported: ['chat'] },
  })
  const store = memoryStore()
  const token = await mcpLogin(url, { store }).inBrowser({
    open: async (to) => {
      expect(new URL(to).searchParams.get('scope')).toBe('chat offline_access')
      const page = await server.browse(to)
      expect(page.status).toBe(200)
    },
  })
  expect(await server.isActive(token.accessToken)).toBe(true)
  const credential = createCredential({ source: mcp(url, { store }), store, key: 'me' })
  await credential.login(token)
  const { value } = await credential.refresh(await credential.snapshot())
  expect(value.accessToken).not.toBe(token.accessToken)
  const found = await server.provider.AccessToken.find(value.accessToken)
  expect(found?.aud).toBe(url)
})
