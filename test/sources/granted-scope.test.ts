import { describe, expect, onTestFinished, test } from 'vitest'
import { type AccessToken, createCredential, memoryStore } from '../../src/index.ts'
import { mcp, mcpLogin } from '../../src/sources/mcp/index.ts'
import { oauth, type OAuthOptions } from '../../src/sources/oauth/index.ts'
import { startOidcServer } from '../support/oidc-server.ts'
import { failure, JSON_TYPE, printed, serve } from './helpers.ts'
import { PATH_METADATA, startPlace, startWorld, type World } from './mcp-world.ts'

/** A token endpoint that refuses a refresh with any other scope than the granted ones, as UAA, FusionAuth and Google do. */
async function granting(...granted: string[]) {
  let number = 0
  const server = await serve(({ body }, response) => {
    const asked = new URLSearchParams(body.toString()).get('scope')?.split(' ') ?? []
    const isGranted = asked.every((scope) => granted.includes(scope))
    const token = {
      access_token: `a${++number}`,
      refresh_token: `r${number}`,
      token_type: 'Bearer',
      expires_in: 60,
    }
    response.writeHead(isGranted ? 200 : 400, JSON_TYPE)
    return response.end(JSON.stringify(isGranted ? token : { error: 'invalid_scope' }))
  })
  const store = memoryStore()
  return {
    account: (options: Partial<OAuthOptions>) => {
      const source = oauth({ tokenEndpoint: `${server.origin}/token`, clientId: 'client', ...options })
      return createCredential({ source, store })
    },
    sent: () =>
      server.requests.map(({ body }) => {
        const form = new URLSearchParams(body.toString())
        return [form.get('refresh_token'), form.get('scope')]
      }),
  }
}

const LOGIN = { accessToken: 'old', refreshToken: 'r0', scope: 'read' }

test('[K20] given a login that got fewer scopes than it requested, when it is refreshed, then the source requests the granted ones', async () => {
  const { account, sent } = await granting('read')
  const credential = account({ scope: 'read write' })
  await credential.login(LOGIN)
  const { value } = await credential.refresh(await credential.snapshot())
  expect(value).toMatchObject({ accessToken: 'a2', refreshToken: 'r2', scope: 'read' })
  expect(sent()).toEqual([
    ['r0', 'read write'],
    ['r0', null],
  ])
})

test('[K20] given an endpoint that accepts the requested scope, when the login is refreshed, then the source sends no second request', async () => {
  const { account, sent } = await granting('read', 'write')
  const credential = account({ scope: 'read write' })
  await credential.login(LOGIN)
  await credential.refresh(await credential.snapshot())
  expect(sent()).toEqual([['r0', 'read write']])
})

test.each([
  ['a wider wish than that of the login', { scope: 'read' }, { scope: 'read write' }],
  [
    'a refresh token of the configuration',
    undefined,
    {
      scope: 'read write',
      grant: { type: 'refresh_token', refreshToken: 'seed' },
    } satisfies Partial<OAuthOptions>,
  ],
])(
  '[K20] given %s, when the endpoint refuses the scope, then the error says so, and the source requests no narrower scope',
  async (_name, before, options) => {
    const { account, sent } = await granting('read')
    if (before !== undefined) await account(before).login(LOGIN)
    const error = await failure(account(options).accessToken())
    expect(error).toMatchObject({ code: 'source_refused', message: expect.stringContaining('read write') })
    expect(printed(error)).not.toContain('seed')
    expect(sent()).toHaveLength(1)
  },
)

test('[K20] given a refusal of another kind, when a login is refreshed, then the source sends one request', async () => {
  const server = await serve((_request, response) =>
    response.writeHead(400, JSON_TYPE).end(JSON.stringify({ error: 'unauthorized_client' })),
  )
  const source = oauth({ tokenEndpoint: `${server.origin}/token`, clientId: 'client', scope: 'read write' })
  const credential = createCredential({ source })
  await credential.login(LOGIN)
  await failure(credential.refresh(await credential.snapshot()))
  expect(server.requests).toHaveLength(1)
})

describe('at an MCP server', () => {
  const CALLBACK = 'https://app.example.com/callback'

  /** Logs a person in. The server grants only `read`, whatever scopes the client requests. */
  async function loggedIn(scope?: string) {
    const world = await startWorld()
    const { api, auth, url } = world
    const scopes_supported = ['read', 'write']
    api.routes.set(PATH_METADATA, {
      body: { resource: url, authorization_servers: [auth.origin], scopes_supported },
    })
    let number = 0
    auth.routes.set('/token', ({ body }) => {
      const asked = new URLSearchParams(body.toString()).get('scope')?.split(' ') ?? []
      if (asked.some((name) => name !== 'read')) return { status: 400, body: { error: 'invalid_scope' } }
      const [access_token, refresh_token] = [`a${++number}`, `r${number}`]
      return { body: { access_token, refresh_token, token_type: 'Bearer', scope: 'read' } }
    })
    const store = memoryStore()
    const login = mcpLogin(url, { store, clientId: 'app', redirectUri: CALLBACK, scope })
    const { url: begun, binding } = await login.begin()
    const { searchParams } = new URL(begun)
    const state = searchParams.get('state') ?? ''
    const back = new URLSearchParams({ state, code: 'c', iss: auth.origin })
    const token = await login.finish(`${CALLBACK}?${back.toString()}`, { binding })
    const account = (wish = scope) =>
      createCredential({ source: mcp(url, { store, clientId: 'app', scope: wish }), store, key: 'me' })
    await account().login(token)
    return { ...world, account, token, wished: searchParams.get('scope') }
  }

  function refreshesOf({ auth }: World): (string | undefined)[][] {
    return auth
      .posted('/token')
      .flatMap(({ grant_type, refresh_token, scope }) =>
        grant_type === 'refresh_token' ? [[refresh_token, scope]] : [],
      )
  }

  test.each<[string, string | undefined, (string | undefined)[][]]>([
    ['all scopes of the server', undefined, [['r1', undefined]]],
    [
      'scopes of the options',
      'read write',
      [
        ['r1', 'read write'],
        ['r1', undefined],
      ],
    ],
  ])(
    '[K20] given a login that requested %s and got one scope, when a process refreshes it, also a new one, then it requests the granted scope',
    async (_, scope, requests) => {
      const world = await loggedIn(scope)
      expect([world.wished, world.token.scope]).toEqual(['read write', 'read'])
      const credential = world.account()
      const { value } = await credential.refresh(await credential.snapshot())
      expect(value).toMatchObject({ accessToken: 'a2', refreshToken: 'r2', scope: 'read' })
      expect(refreshesOf(world)).toEqual(requests)
      const other = world.account()
      expect((await other.refresh(await other.snapshot())).value).toMatchObject({ scope: 'read' })
      expect(refreshesOf(world).slice(requests.length)).toEqual(requests.map(([, wish]) => ['r2', wish]))
    },
  )

  test("[K20] given a scope that is wider than the login's, when the endpoint refuses it, then the error says so, and the source requests no narrower scope", async () => {
    const world = await loggedIn('read write')
    const wider = world.account('read write admin')
    expect(await failure(wider.accessToken())).toMatchObject({ code: 'source_refused' })
    expect(refreshesOf(world)).toEqual([['r1', 'read write admin']])
  })

  test('[K20] against oidc-provider: given a person who grants one scope of two, when the login is refreshed, then both tokens have that scope', async () => {
    const api = await startPlace()
    const url = `${api.origin}/mcp`
    const server = await startOidcServer({
      scopes: ['openid', 'offline_access'],
      features: {
        devInteractions: { enabled: false },
        registration: { enabled: true },
        resourceIndicators: {
          enabled: true,
          getResourceServerInfo: () => ({ scope: 'chat admin', accessTokenFormat: 'opaque' }),
          useGrantedResource: () => true,
        },
      },
      loadExistingGrant: async ({ oidc: { provider, client } }) => {
        const grant = new provider.Grant({ clientId: client?.clientId ?? '', accountId: 'alice' })
        grant.addOIDCScope('openid offline_access')
        grant.addResourceScope(url, 'chat')
        grant.rejectResourceScope(url, 'admin')
        await grant.save()
        return grant
      },
    })
    onTestFinished(() => server.close())
    api.routes.set(PATH_METADATA, {
      body: { resource: url, authorization_servers: [server.issuer], scopes_supported: ['chat', 'admin'] },
    })
    const options = { store: memoryStore(), scope: 'chat admin' }
    const token = await mcpLogin(url, options).inBrowser({
      open: async (to) => {
        expect(new URL(to).searchParams.get('scope')).toContain('chat admin')
        await server.browse(to)
      },
    })
    const scopesOf = ({ scope = '' }: AccessToken): string[] => scope.split(' ')
    expect(scopesOf(token)).toContain('chat')
    expect(scopesOf(token)).not.toContain('admin')
    const account = () => createCredential({ source: mcp(url, options), store: options.store, key: 'me' })
    await account().login(token)
    for (let expiry = 1; expiry <= 2; expiry++) {
      const credential = account()
      const { value } = await credential.refresh(await credential.snapshot())
      expect(await server.isActive(value.accessToken)).toBe(true)
      expect(scopesOf(value)).toContain('chat')
      expect(scopesOf(value)).not.toContain('admin')
    }
  })
})
