import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { createCredential, refreshingFetch, type Source } from '../../src/index.ts'
import { oauth, type OAuthOptions, readChallenges } from '../../src/sources/oauth/index.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { BELIEVED, KEYS, type OidcServer, RESOURCE, SECRET, startOidcServer } from '../support/oidc-server.ts'
import { startRecordingServer } from '../support/recording-server.ts'
import { failure, issue } from './helpers.ts'

let server: OidcServer
beforeAll(async () => {
  server = await startOidcServer()
})
afterAll(() => server.close())

const basic = { clientId: 'basic', clientSecret: SECRET }

describe('grants', () => {
  test('[K2, K5] given a rotated refresh token, when the next refresh comes, then the source redeems the new one', async () => {
    const { issuer } = server
    const login = await server.login('basic')
    const token = createCredential({ source: oauth({ issuer, ...basic }) })
    await token.login(login)
    const spent = [login.refreshToken]
    for (let n = 0; n < 3; n++) {
      const snapshot = await token.snapshot()
      const { refreshToken, accessToken, expiresAt, scope } = (await token.refresh(snapshot)).value
      token.accepted(await token.snapshot())
      expect(spent).not.toContain(refreshToken)
      spent.push(refreshToken ?? '')
      expect(await server.isActive(accessToken)).toBe(true)
      expect(Math.abs((expiresAt ?? 0) - Date.now() - 600_000)).toBeLessThan(30_000)
      expect(scope).toBe('offline_access')
    }
  })

  test('[K5] given a refresh token in the options, when two tokens are requested, then the source redeems that one first, and then the one that it got', async () => {
    const { issuer } = server
    const { refreshToken } = await server.login('basic')
    const grant = { type: 'refresh_token', refreshToken: async () => `${refreshToken}\n` } as const
    const source = oauth({ issuer, ...basic, grant })
    const first = await issue(source)
    const second = await issue(source, { current: first })
    expect(new Set([refreshToken, first.refreshToken, second.refreshToken]).size).toBe(3)
  })

  test('given no refresh token, when a token is requested, then the error says to log in', async () => {
    const source = oauth({ issuer: server.issuer, ...basic })
    const before = server.to('token').length
    expect(await failure(issue(source))).toMatchObject({ code: 'reauthentication_required', terminal: true })
    expect(server.to('token')).toHaveLength(before)
  })

  const pem = (alg: keyof typeof KEYS): string =>
    KEYS[alg].export({ format: 'pem', type: 'pkcs8' }).toString()
  const jwk = (alg: keyof typeof KEYS): JsonWebKey => KEYS[alg].export({ format: 'jwk' })
  const cryptoKey = (): Promise<CryptoKey> =>
    crypto.subtle.importKey(
      'pkcs8',
      KEYS.ES256.export({ format: 'der', type: 'pkcs8' }),
      { name: 'ECDSA', namedCurve: 'P-256' },
      false,
      ['sign'],
    )
  const fromFile: Source = { issue: async () => ({ accessToken: `${SECRET}\n` }) }

  test.each<[string, () => Partial<OAuthOptions> | Promise<Partial<OAuthOptions>>]>([
    ['client_secret_basic', () => basic],
    ['client_secret_basic from a function', () => ({ clientId: 'basic', clientSecret: () => SECRET })],
    ['client_secret_basic from a source', () => ({ clientId: 'basic', clientSecret: fromFile })],
    [
      'client_secret_post',
      () => ({ clientId: 'post', clientSecret: SECRET, clientAuth: 'client_secret_post' }),
    ],
    ['private_key_jwt, RSA, PEM', () => ({ clientId: 'RS256', privateKey: { key: pem('RS256') } })],
    ['private_key_jwt, RSA, JWK', () => ({ clientId: 'RS256', privateKey: { key: jwk('RS256') } })],
    [
      'private_key_jwt, EC, JWK as text, from a function',
      () => ({
        clientId: 'ES256',
        privateKey: { key: async () => JSON.stringify(jwk('ES256')), kid: 'ES256' },
      }),
    ],
    [
      'private_key_jwt, EC, PEM',
      () => ({ clientId: 'ES256', privateKey: { key: pem('ES256'), alg: 'ES256' } }),
    ],
    [
      'private_key_jwt, EC, CryptoKey',
      async () => ({ clientId: 'ES256', privateKey: { key: await cryptoKey() } }),
    ],
    ['private_key_jwt, Ed25519, JWK', () => ({ clientId: 'Ed25519', privateKey: { key: jwk('Ed25519') } })],
    [
      'private_key_jwt, Ed25519, PEM from a source',
      () => ({
        clientId: 'Ed25519',
        privateKey: { key: { issue: async () => ({ accessToken: pem('Ed25519') }) }, alg: 'Ed25519' },
      }),
    ],
    [
      'private_key_jwt for the token endpoint as its audience',
      () => ({
        clientId: 'RS256',
        privateKey: { key: pem('RS256'), audience: `${server.issuer}/token` },
      }),
    ],
  ])(
    '[K5] given client credentials and the client authentication %s, when a token is requested, then the server issues one',
    async (_name, options) => {
      const source = oauth({
        issuer: server.issuer,
        clientId: '',
        ...(await options()),
        grant: 'client_credentials',
        scope: 'chat',
      })
      const { accessToken, refreshToken, scope } = await issue(source)
      expect(await server.isActive(accessToken)).toBe(true)
      expect({ refreshToken, scope }).toEqual({ refreshToken: undefined, scope: 'chat' })
    },
  )

  test('given a public client, when it refreshes, then the request holds its id and its refresh token alone', async () => {
    const { refreshToken } = await server.login('public')
    const source = oauth({ issuer: server.issuer, clientId: 'public' })
    const { accessToken } = await issue(source, { current: { accessToken: 'a', refreshToken } })
    expect(await server.isActive(accessToken)).toBe(true)
    expect(server.to('token').at(-1)).toMatchObject({
      authorization: undefined,
      parameters: { client_id: 'public', refresh_token: refreshToken },
    })
  })

  test('[K5] given a token exchange (RFC 8693), when tokens are requested, then the source reads the subject and the actor token each time', async () => {
    let asked = 0
    const source = oauth({
      issuer: server.issuer,
      ...basic,
      grant: {
        type: 'token_exchange',
        subjectToken: () => (asked++, BELIEVED),
        subjectTokenType: 'id_token',
        actorToken: { issue: async () => ({ accessToken: `actor-${asked}` }) },
        actorTokenType: 'urn:example:actor',
        requestedTokenType: 'access_token',
      },
      scope: 'chat',
      audience: ['one', 'two'],
    })
    await issue(source)
    const { accessToken } = await issue(source)
    expect(await server.isActive(accessToken)).toBe(true)
    expect(asked).toBe(2)
    expect(server.to('token').at(-1)?.parameters).toEqual({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: BELIEVED,
      subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
      actor_token: 'actor-2',
      actor_token_type: 'urn:example:actor',
      requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      scope: 'chat',
      audience: ['one', 'two'],
    })
  })

  test('[K5] given a JWT bearer grant (RFC 7523), when tokens are requested, then the source reads the assertion each time', async () => {
    const assertions = ['stale', BELIEVED]
    const source = oauth({
      issuer: server.issuer,
      ...basic,
      grant: { type: 'jwt_bearer', assertion: async () => assertions.shift() ?? '' },
    })
    // No person's login has ended: the next assertion may be valid.
    expect(await failure(issue(source))).toMatchObject({ code: 'source_refused', terminal: false })
    const { accessToken } = await issue(source)
    expect(await server.isActive(accessToken)).toBe(true)
    expect(await failure(issue(source))).toMatchObject({ code: 'source_invalid' })
  })

  test('given a scope, a resource and further parameters, when a token is requested, then the request holds them (RFC 8707)', async () => {
    const source = oauth({
      issuer: server.issuer,
      ...basic,
      grant: 'client_credentials',
      scope: 'chat',
      resource: RESOURCE,
      parameters: { tenant: 'blue' },
    })
    expect(await issue(source)).toMatchObject({ scope: 'chat' })
    expect(server.to('token').at(-1)?.parameters).toEqual({
      grant_type: 'client_credentials',
      scope: 'chat',
      resource: RESOURCE,
      tenant: 'blue',
    })
  })

  test('given a token response with further members, when the source reads it, then it keeps them', async () => {
    const token = {
      access_token: 'a',
      token_type: 'Bearer',
      expires_in: '60',
      resource_url: 'https://x',
      n: 1,
    }
    const endpoint = await startRecordingServer((_request, response) => {
      response.setHeader('content-type', 'application/json').end(JSON.stringify(token))
    })
    onTestFinished(() => endpoint.close())
    const clock = new ManualClock()
    const source = oauth({ tokenEndpoint: endpoint.origin, ...basic, grant: 'client_credentials', clock })
    expect(await issue(source)).toEqual({
      accessToken: 'a',
      tokenType: 'Bearer',
      expiresAt: clock.now() + 60_000,
      refreshToken: undefined,
      scope: undefined,
      extra: { resource_url: 'https://x', n: 1 },
    })
  })
})

describe('discovery', () => {
  test('[K7] given an issuer, when tokens are refreshed many times, then the source reads the metadata once', async () => {
    const before = server.requests.length
    const source = oauth({ issuer: server.issuer, ...basic, grant: 'client_credentials' })
    await Promise.all([issue(source), issue(source)])
    await issue(source)
    const routes = server.requests.slice(before).map(({ route }) => route)
    expect(routes).toEqual(['discovery', 'token', 'token', 'token'])
  })

  /** A server that serves only metadata. Their token endpoint is on another server. */
  async function metadata(
    answer: (path: string | undefined, origin: string) => { status: number; body: unknown },
  ) {
    const described = await startRecordingServer(({ path }, response) => {
      const { status, body } = answer(path, described.origin)
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    })
    onTestFinished(() => described.close())
    return described
  }

  test('given an issuer with a path, when the source reads its metadata, then the well-known part goes before the path (RFC 8414 section 3.1)', async () => {
    const described = await metadata((path, origin) =>
      path === '/.well-known/oauth-authorization-server/tenant'
        ? { status: 200, body: { issuer: `${origin}/tenant`, token_endpoint: `${server.issuer}/token` } }
        : { status: 404, body: {} },
    )
    const source = oauth({ issuer: `${described.origin}/tenant`, ...basic, grant: 'client_credentials' })
    await issue(source)
    expect(described.requests).toHaveLength(1)
  })

  test('given metadata that list an authentication method, when the client sends its secret, then it uses that method', async () => {
    const described = await metadata((_path, origin) => ({
      status: 200,
      body: {
        issuer: origin,
        token_endpoint: `${server.issuer}/token`,
        token_endpoint_auth_methods_supported: ['client_secret_post'],
      },
    }))
    const source = oauth({
      issuer: described.origin,
      clientId: 'post',
      clientSecret: SECRET,
      grant: 'client_credentials',
    })
    await issue(source)
    expect(server.to('token').at(-1)).toMatchObject({ authorization: undefined })
  })

  test.each([
    [
      'another issuer',
      { issuer: 'https://evil.example', token_endpoint: 'https://evil.example/token' },
      'another issuer',
    ],
    ['an endpoint in the clear', { token_endpoint: 'http://auth.example/token' }, 'token_endpoint'],
    ['an endpoint that is no URL', { token_endpoint: 'token' }, 'token_endpoint'],
  ])(
    '[K7] given metadata with %s, when the source reads them, then it refuses them',
    async (_name, said, word) => {
      const described = await metadata((_path, origin) => ({
        status: 200,
        body: { issuer: origin, ...said },
      }))
      const source = oauth({ issuer: described.origin, ...basic, grant: 'client_credentials' })
      const error = await failure(issue(source))
      expect(error.code).toBe('source_invalid')
      expect(error.message).toContain(word)
    },
  )

  test('given an issuer without metadata, when a token is requested, then the message says which option to set', async () => {
    const described = await metadata(() => ({ status: 404, body: {} }))
    const source = oauth({ issuer: described.origin, ...basic, grant: 'client_credentials' })
    expect(await failure(issue(source))).toMatchObject({
      code: 'source_refused',
      message: expect.stringContaining("set 'tokenEndpoint'"),
    })
  })

  test('given an issuer that was down, or an endpoint that has gone, when the next token is requested, then the source reads the metadata again', async () => {
    let [isUp, isMoved] = [false, false]
    const described = await metadata((path, origin) => {
      if (path === '/old') return { status: 404, body: {} }
      const body = { issuer: origin, token_endpoint: isMoved ? `${server.issuer}/token` : `${origin}/old` }
      return isUp ? { status: 200, body } : { status: 503, body: {} }
    })
    const source = oauth({ issuer: described.origin, ...basic, grant: 'client_credentials' })
    expect(await failure(issue(source))).toMatchObject({ code: 'source_unavailable' })
    isUp = true
    expect(await failure(issue(source))).toMatchObject({ code: 'source_refused' })
    isMoved = true
    expect(await server.isActive((await issue(source)).accessToken)).toBe(true)
  })

  test('given an endpoint in the options, when a token is requested, then it replaces the one of the metadata', async () => {
    const described = await metadata((_path, origin) => ({
      status: 200,
      body: { issuer: origin, token_endpoint: `${origin}/wrong` },
    }))
    const tokenEndpoint = `${server.issuer}/token`
    await issue(oauth({ issuer: described.origin, tokenEndpoint, ...basic, grant: 'client_credentials' }))
    expect(described.requests).toHaveLength(1)
  })
})

test.each([-600_000, 600_000, -86_400_000 * 365])(
  "[C6] given a clock that is off by %i ms, when the client signs an assertion, then it uses the server's time",
  async (skew) => {
    const clock = { now: () => Date.now() + skew }
    const privateKey = { key: KEYS.RS256.export({ format: 'jwk' }) }
    const client = { clientId: 'RS256', privateKey, clock, grant: 'client_credentials' } as const
    // The response with the metadata states the server's time.
    const before = server.to('token').length
    const { accessToken, expiresAt } = await issue(oauth({ issuer: server.issuer, ...client }))
    expect(await server.isActive(accessToken)).toBe(true)
    expect(Math.abs((expiresAt ?? 0) - clock.now() - 600_000)).toBeLessThan(30_000)
    expect(server.to('token')).toHaveLength(before + 1)
    // Without metadata, the first token response states it: so the first refresh takes two requests, and the second takes one.
    const source = oauth({
      tokenEndpoint: `${server.issuer}/token`,
      ...client,
      privateKey: { ...privateKey, audience: server.issuer },
    })
    await issue(source)
    await issue(source)
    expect(server.to('token')).toHaveLength(before + 4)
  },
)

describe('challenges', () => {
  test('given an API that demands claims, when the token is refreshed, then the source requests them, and the API accepts the next request', async () => {
    const claims = { access_token: { acrs: { essential: true, value: 'c1' } } }
    const parameter = Buffer.from(JSON.stringify(claims)).toString('base64')
    const granted = new Map<string, unknown>()
    const authorization = await startRecordingServer(({ body }, response) => {
      const demanded = new URLSearchParams(body.toString()).get('claims')
      const token = `token-${granted.size + 1}`
      granted.set(token, demanded === null ? undefined : JSON.parse(demanded))
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ access_token: token, token_type: 'Bearer', expires_in: 60 }))
    })
    const api = await startRecordingServer(({ headers }, response) => {
      const shown = granted.get(headers.authorization?.replace('Bearer ', '') ?? '')
      if (JSON.stringify(shown)?.includes('acrs')) return response.end('let in')
      const challenge = `Bearer realm="", error="insufficient_claims", claims="${parameter}"`
      return response.writeHead(401, { 'www-authenticate': challenge }).end()
    })
    onTestFinished(async () => {
      await Promise.all([authorization.close(), api.close()])
    })
    const source = oauth({
      tokenEndpoint: authorization.origin,
      ...basic,
      grant: 'client_credentials',
      parameters: { claims: JSON.stringify({ id_token: { email: null }, access_token: { xms_cc: null } }) },
    })
    const fetch = refreshingFetch(createCredential({ source }), { origins: [api.origin] })
    expect(await (await fetch(api.origin)).text()).toBe('let in')
    expect([...granted.values()]).toEqual([
      { id_token: { email: null }, access_token: { xms_cc: null } },
      { id_token: { email: null }, access_token: { xms_cc: null, ...claims.access_token } },
    ])
  })

  test("given a user's own source, when a request is rejected, then the source finds the resource metadata in the challenge (RFC 9728)", async () => {
    const api = await startRecordingServer(async ({ headers, path }, response) => {
      const metadata = `${api.origin}/.well-known/oauth-protected-resource`
      if (path === '/.well-known/oauth-protected-resource') {
        response.setHeader('content-type', 'application/json')
        return response.end(JSON.stringify({ resource: api.origin, authorization_servers: [server.issuer] }))
      }
      const token = headers.authorization?.replace('Bearer ', '') ?? ''
      if (await server.isActive(token)) return response.end('let in')
      const challenge = `Basic realm="a, b", Bearer error="invalid_token", resource_metadata="${metadata}"`
      return response.writeHead(401, { 'www-authenticate': challenge }).end()
    })
    onTestFinished(() => api.close())
    let known: Source | undefined
    const source: Source = {
      issue: async (context) => {
        const challenges = await readChallenges(context.challenge ?? '')
        const url = challenges.find(({ scheme }) => scheme === 'bearer')?.parameters['resource_metadata']
        if (url === undefined) return { accessToken: 'none yet' }
        const described: unknown = await (await fetch(url)).json()
        const [issuer] = Reflect.get(Object(described), 'authorization_servers') as string[]
        known ??= oauth({ issuer, ...basic, grant: 'client_credentials' })
        return known.issue(context)
      },
    }
    const wrapped = refreshingFetch(createCredential({ source }), { origins: [api.origin] })
    expect(await (await wrapped(api.origin)).text()).toBe('let in')
  })

  test('given a header that is no challenge, when readChallenges() parses it, then the list is empty', async () => {
    for (const header of ['', '%%% %%%', 'Bearer error="', '🙂'])
      expect(await readChallenges(header)).toEqual([])
  })
})

test('[Z1] given a client secret, when a token is requested, then only the token request carries it, and the printed source does not show it', async () => {
  const { refreshToken } = await server.login('basic')
  const before = server.requests.length
  const source = oauth({ issuer: server.issuer, ...basic })
  await issue(source, { current: { accessToken: 'a', refreshToken } })
  const requests = server.requests.slice(before)
  expect(requests.filter(({ route }) => route !== 'token').every(({ authorization }) => !authorization)).toBe(
    true,
  )
  expect(JSON.parse(JSON.stringify(source))).toEqual({
    spendsRefreshToken: true,
    madeFor: { issuer: server.issuer, client: 'basic' },
  })
})
