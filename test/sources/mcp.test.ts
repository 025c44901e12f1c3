import { describe, expect, test } from 'vitest'
import { createCredential, memoryStore } from '../../src/index.ts'
import { mcp, type McpOptions } from '../../src/sources/mcp/index.ts'
import { oauth } from '../../src/sources/oauth/index.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { failure, issue, printed } from './helpers.ts'
import {
  metadataOf,
  PATH_METADATA,
  ROOT_METADATA,
  SERVER_METADATA,
  startPlace,
  startWorld,
} from './mcp-world.ts'

const CLIENT = { clientId: 'app' }
const seeded = { ...CLIENT, grant: { type: 'refresh_token', refreshToken: 'r1' } } as const
const machine = { ...CLIENT, clientSecret: 'canary-s3cret', grant: 'client_credentials' } as const

/** A fetch that records the URLs of its requests. */
const recording =
  (asked: string[]): typeof fetch =>
  (input, init) => {
    asked.push(new Request(input).url)
    return fetch(input, init)
  }

describe('discovery', () => {
  test('[A1] given metadata at the well-known URL of the path, when a token is requested, then the request names the resource, verbatim', async () => {
    const { api, auth, url } = await startWorld()
    const token = await issue(mcp(url, seeded))
    expect(token).toMatchObject({ accessToken: 'a2', refreshToken: 'r2' })
    expect(auth.posted('/token')).toEqual([
      { grant_type: 'refresh_token', refresh_token: 'r1', resource: url, client_id: 'app' },
    ])
    expect(api.server.requests.map(({ path }) => path)).toEqual([PATH_METADATA])
  })

  test('[A1] given metadata at the root only, or an HTML page at the path, when the source reads metadata, then it takes those of the root', async () => {
    const { api, auth, url } = await startWorld()
    const resource = `${api.origin}/`
    api.routes.set(ROOT_METADATA, { body: { resource, authorization_servers: [auth.origin] } })
    api.routes.set(PATH_METADATA, { body: '<!doctype html><p>app' })
    await issue(mcp(url, seeded))
    api.routes.delete(PATH_METADATA)
    await issue(mcp(url, seeded))
    expect(auth.posted('/token').map((posted) => posted['resource'])).toEqual([resource, resource])
  })

  test("[A1] given a challenge, or no challenge, when the source reads metadata, then it reads them at the challenge's URL, or at the URL of the server's own 401", async () => {
    const { api, auth, url } = await startWorld()
    const body = { resource: url, authorization_servers: [auth.origin] }
    api.routes.delete(PATH_METADATA)
    api.routes.set('/elsewhere', { body })
    const challenge = `Bearer realm="x", error="invalid_token", resource_metadata="${api.origin}/elsewhere"`
    expect((await issue(mcp(url, seeded), { challenge })).accessToken).toBe('a2')
    expect(api.asked(PATH_METADATA)).toBe(0)
    api.routes.set('/mcp', { status: 401, headers: { 'www-authenticate': challenge } })
    expect((await issue(mcp(url, seeded))).accessToken).toBe('a3')
  })

  test("[A1] given a challenge that names a URL without metadata, when the source reads metadata, then it tries the well-known URLs; if they have none, the error names the challenge's URL", async () => {
    const { api, auth, url } = await startWorld()
    const challenge = `Bearer error="invalid_token", resource_metadata="${api.origin}/gone"`
    expect((await issue(mcp(url, seeded), { challenge })).accessToken).toBe('a2')
    expect(api.server.requests.map(({ path }) => path)).toEqual(['/gone', PATH_METADATA])
    api.routes.clear()
    expect(await failure(issue(mcp(url, seeded), { challenge }))).toMatchObject({
      code: 'source_invalid',
      message: expect.stringMatching(/\/gone.*'resourceMetadata'/),
    })
    // Metadata of another server are an error. The source does not go on to the next place.
    api.routes.set('/gone', {
      body: { resource: 'https://other.example', authorization_servers: [auth.origin] },
    })
    expect((await failure(issue(mcp(url, seeded), { challenge }))).message).toContain("another server's")
    expect(auth.asked('/token')).toBe(1)
  })

  test('[A1] given an issuer with a path, when the source reads its metadata, then it tries the three well-known URLs in turn', async () => {
    const { api, auth, url } = await startWorld()
    const issuer = `${auth.origin}/tenant`
    api.routes.set(PATH_METADATA, { body: { resource: url, authorization_servers: [issuer] } })
    auth.routes.set('/tenant/.well-known/openid-configuration', {
      body: metadataOf(issuer, { token_endpoint: `${auth.origin}/token` }),
    })
    await issue(mcp(url, seeded))
    expect(auth.server.requests.map(({ path }) => path)).toEqual([
      `${SERVER_METADATA}/tenant`,
      '/.well-known/openid-configuration/tenant',
      '/tenant/.well-known/openid-configuration',
      '/token',
    ])
  })

  test.each(['//:', '//other.example', '///x'])(
    "[A1, A2] given an issuer with the path %s, when the source reads its metadata, then it requests them only from the issuer's host",
    async (path) => {
      const { api, auth, url } = await startWorld()
      api.routes.set(PATH_METADATA, { body: { resource: url, authorization_servers: [auth.origin + path] } })
      expect(await failure(issue(mcp(url, seeded)))).toMatchObject({ code: 'source_invalid' })
      expect(auth.server.requests.map((request) => request.path)).toEqual([
        SERVER_METADATA + path,
        `/.well-known/openid-configuration${path}`,
        `${path}/.well-known/openid-configuration`,
      ])
    },
  )

  test('[A1] given a discovery within the last hour, when a token is refreshed, then the source reads no metadata; after it, an outage of the metadata fails no refresh', async () => {
    const { api, auth, url } = await startWorld()
    const clock = new ManualClock()
    const source = mcp(url, { ...seeded, clock })
    await issue(source)
    await issue(source)
    expect([api.server.requests.length, auth.asked(SERVER_METADATA)]).toEqual([1, 1])
    clock.jump(3_600_001)
    api.routes.set(PATH_METADATA, { status: 503 })
    expect((await issue(source)).accessToken).toBe('a4')
    expect(api.server.requests.length).toBe(2)
  })

  test('[A1] given a server’s URL with a query, when the source requests its metadata, then the request has the query, and the source refuses metadata of another query', async () => {
    const { api, auth, url } = await startWorld()
    const server = `${url}?tenant=canary-a`
    const source = mcp(server, seeded)
    await issue(source)
    expect(api.server.requests.map(({ path }) => path)).toEqual([`${PATH_METADATA}?tenant=canary-a`])
    for (const [query, code] of [
      ['?tenant=canary-a', undefined],
      ['?tenant=b', 'source_invalid'],
    ] as const) {
      api.routes.set(PATH_METADATA, {
        body: { resource: `${url}${query}`, authorization_servers: [auth.origin] },
      })
      const asked = issue(mcp(server, seeded)).then(
        () => undefined,
        (error: unknown) => error,
      )
      expect(await asked).toEqual(code && expect.objectContaining({ code }))
      expect(printed(await asked)).not.toContain('canary')
    }
    expect(auth.posted('/token').map(({ resource }) => resource)).toEqual([url, server])
  })

  test("[A1] given the option 'issuer', when a token is requested, then the MCP server need not publish metadata", async () => {
    const { api, auth, url } = await startWorld()
    await issue(mcp(url, { ...seeded, issuer: auth.origin }))
    expect(api.server.requests).toEqual([])
    expect(auth.posted('/token')[0]).toMatchObject({ resource: url })
  })

  test("[A1] given several authorization servers, when the source chooses one, then it takes the first of 'issuers' that the server names", async () => {
    const { api, auth, url } = await startWorld()
    const authorization_servers = ['https://a.example', auth.origin, 'https://b.example']
    api.routes.set(PATH_METADATA, { body: { resource: url, authorization_servers } })
    expect(
      (await issue(mcp(url, { ...seeded, issuers: [auth.origin, 'https://a.example'] }))).accessToken,
    ).toBe('a2')
  })
})

describe('metadata that are wrong or hostile', () => {
  const metadata = (change: object) => ({ body: change })

  test.each<[string, (origin: string, url: string) => object, string, RegExp]>([
    [
      'name no authorization server',
      (_, resource) => ({ resource }),
      'source_invalid',
      /no authorization server/,
    ],
    [
      'name an empty list',
      (_, resource) => ({ resource, authorization_servers: [] }),
      'source_invalid',
      /no authorization server/,
    ],
    [
      'name ten',
      (_, resource) => ({
        resource,
        authorization_servers: Array.from({ length: 10 }, (_each, n) => `https://a${n}.example`),
      }),
      'source_invalid',
      /name 10 authorization servers: .*'issuers'/,
    ],
    [
      'name another server',
      (origin) => ({ resource: 'https://other.example/mcp', authorization_servers: [origin] }),
      'source_invalid',
      /another server's/,
    ],
    [
      'name a sibling path',
      (origin, url) => ({ resource: `${url}2`, authorization_servers: [origin] }),
      'source_invalid',
      /another server's/,
    ],
    ['name no resource', (origin) => ({ authorization_servers: [origin] }), 'source_invalid', /no resource/],
    [
      'lead over http',
      (_, resource) => ({ resource, authorization_servers: ['http://auth.example'] }),
      'source_refused',
      /no https URL/,
    ],
    [
      'lead to a private address',
      (_, resource) => ({ resource, authorization_servers: ['https://169.254.169.254'] }),
      'source_refused',
      /private network/,
    ],
    [
      'lead to a private address in IPv6',
      (_, resource) => ({ resource, authorization_servers: ['https://[::ffff:10.0.0.1]'] }),
      'source_refused',
      /private network/,
    ],
    [
      'lead to a private name',
      (_, resource) => ({ resource, authorization_servers: ['https://vault.internal'] }),
      'source_refused',
      /private network/,
    ],
    [
      'lead to what is no URL',
      (_, resource) => ({ resource, authorization_servers: ['::'] }),
      'source_refused',
      /no URL/,
    ],
  ])(
    '[A2] given metadata that %s, when the source reads them, then it throws one clear error, and requests nothing else',
    async (_, change, code, says) => {
      const { api, auth, url } = await startWorld()
      api.routes.set(PATH_METADATA, metadata(change(auth.origin, url)))
      const asked: string[] = []
      const error = await failure(issue(mcp(url, { ...seeded, fetch: recording(asked) })))
      expect(error).toMatchObject({ code, terminal: false, message: expect.stringMatching(says) })
      expect(asked).toEqual([`${api.origin}${PATH_METADATA}`])
    },
  )

  test.each([
    ['another host', () => 'https://evil.example/.well-known/oauth-protected-resource'],
    ['another port', () => 'http://127.0.0.1:1/metadata'],
    ['a private address', () => 'http://169.254.169.254/latest/meta-data'],
    ['a user in it', (origin: string) => origin.replace('http://', 'http://user:pass@')],
    ['no URL', () => 'not a url'],
  ])(
    '[A2] given a challenge with %s, when the source reads it, then it refuses, and sends no request',
    async (_, place) => {
      const { api, auth, url } = await startWorld()
      const asked: string[] = []
      const source = mcp(url, {
        ...seeded,
        fetch: recording(asked),
      })
      const challenge = `Bearer resource_metadata="${place(api.origin)}"`
      expect(await failure(issue(source, { challenge }))).toMatchObject({
        code: 'source_refused',
        message: expect.stringContaining("'resourceMetadata'"),
      })
      expect([asked, auth.server.requests]).toEqual([[], []])
    },
  )

  test('[A2] given metadata behind a redirect, when the source requests them, then it does not follow the redirect', async () => {
    const { api, url } = await startWorld()
    const target = await startPlace()
    api.routes.set(PATH_METADATA, { status: 302, headers: { location: `${target.origin}/x` } })
    expect(await failure(issue(mcp(url, seeded)))).toMatchObject({
      code: 'source_refused',
      message: expect.stringContaining('redirects'),
    })
    expect(target.server.requests).toEqual([])
  })

  test("[A2] given an authorization server that 'issuers' does not list, when a login is refreshed, then the refresh token is not sent", async () => {
    const { auth, url } = await startWorld()
    const error = await failure(issue(mcp(url, { ...seeded, issuers: ['https://auth.example.com'] })))
    expect(error).toMatchObject({ code: 'source_refused' })
    expect(error.message).toContain(auth.origin)
    expect(error.message).toContain('https://auth.example.com')
    expect(auth.server.requests).toEqual([])
  })

  test('[A2] given metadata of another issuer, even by one slash, when the source reads them, then it refuses them, and the error names both issuers', async () => {
    const { auth, url } = await startWorld()
    auth.routes.set(SERVER_METADATA, { body: metadataOf(`${auth.origin}/`) })
    const error = await failure(issue(mcp(url, seeded)))
    expect(error).toMatchObject({ code: 'source_invalid', message: expect.stringContaining('byte for byte') })
    expect(error.message).toContain(`'${auth.origin}/'`)
    expect(error.message).toContain(`'${auth.origin}'`)
    expect(auth.asked('/token')).toBe(0)
  })

  test.each([
    ['the MCP server', '', '/'],
    ['the authorization server', '/', ''],
  ])(
    "[A1, A2] given an issuer that only %s writes with a slash, when 'issuers' spells it as the authorization server does, then it is used; otherwise the message names the option",
    async (_, own, listed) => {
      const { api, auth, url } = await startWorld()
      const issuer = `${auth.origin}${own}`
      auth.routes.set(SERVER_METADATA, {
        body: metadataOf(auth.origin, { issuer, token_endpoint: `${auth.origin}/token` }),
      })
      api.routes.set(PATH_METADATA, {
        body: { resource: url, authorization_servers: [`${auth.origin}${listed}`] },
      })
      expect(await failure(issue(mcp(url, seeded)))).toMatchObject({
        code: 'source_invalid',
        message: expect.stringContaining(`If you trust '${issuer}', name it in 'issuers'.`),
      })
      expect((await issue(mcp(url, { ...seeded, issuers: [issuer] }))).extra?.['mcp']).toMatchObject({
        issuer,
      })
      const other = mcp(url, { ...seeded, issuers: [`${issuer}//`] })
      expect(await failure(issue(other))).toMatchObject({ code: 'source_refused' })
      expect(auth.asked('/token')).toBe(1)
    },
  )

  test("[A2] given metadata of another issuer, when the user gives it as the 'issuer', as the message advises, then it is used", async () => {
    const { api, auth, url } = await startWorld()
    api.routes.set(PATH_METADATA, { body: { resource: url, authorization_servers: [url] } })
    api.routes.set(`${SERVER_METADATA}/mcp`, { body: metadataOf(auth.origin) })
    expect((await failure(issue(mcp(url, seeded)))).message).toContain(
      `If you trust '${auth.origin}', give it as the 'issuer'.`,
    )
    expect(auth.asked('/token')).toBe(0)
    expect((await issue(mcp(url, { ...seeded, issuer: auth.origin }))).accessToken).toBe('a2')
  })

  test('[A2] given metadata that name a token endpoint in a private network, when a login is refreshed, then the source sends it no request', async () => {
    const { auth, url } = await startWorld()
    auth.routes.set(SERVER_METADATA, {
      body: metadataOf(auth.origin, { token_endpoint: 'https://10.0.0.1/token' }),
    })
    expect(await failure(issue(mcp(url, seeded)))).toMatchObject({
      code: 'source_invalid',
      message: expect.stringContaining('may not be asked'),
    })
  })

  test.each([
    '[2002:a00:1::1]',
    '[2001:0:a00:1::]',
    '[64:ff9b::a00:1]',
    '[::a00:1]',
    '127.1',
    '0x7f.0.0.1',
    '017700000001',
    '１２７.0.0.1',
    'metadata.google.internal.',
    'router',
  ])(
    '[A2] given metadata that name an issuer at %s, when the source reads them, then it sends no request there',
    async (host) => {
      const server = 'https://mcp.example.com/mcp'
      const asked: string[] = []
      const answer: typeof fetch = async (input) => {
        asked.push(new URL(new Request(input).url).hostname)
        return Response.json({ resource: server, authorization_servers: [`https://${host}/`] })
      }
      expect(await failure(issue(mcp(server, { ...seeded, fetch: answer })))).toMatchObject({
        code: 'source_refused',
        message: expect.stringContaining('private network'),
      })
      expect(asked).toEqual(['mcp.example.com'])
    },
  )

  test.each([
    ['another host there', 'https://tokens.corp/t', undefined],
    ['a link local address', 'https://169.254.169.254/t', 'source_invalid'],
    ['this machine', 'https://127.0.0.1/t', 'source_invalid'],
  ])(
    '[A2] given an issuer in a private network that the user names, when its token endpoint is at %s, then only another host of that network gets a request',
    async (_, token_endpoint, code) => {
      const [server, issuer] = ['https://mcp.example.com/mcp', 'https://auth.corp']
      const asked: string[] = []
      const answer: typeof fetch = async (input) => {
        const { hostname, href } = new URL(new Request(input).url)
        asked.push(href)
        if (hostname === 'mcp.example.com') {
          return Response.json({ resource: server, authorization_servers: [issuer] })
        }
        if (hostname === 'auth.corp') return Response.json({ issuer, token_endpoint })
        return Response.json({ access_token: 'a2', token_type: 'Bearer' })
      }
      const issued = issue(mcp(server, { ...seeded, issuers: [issuer], fetch: answer }))
      if (code === undefined) expect((await issued).accessToken).toBe('a2')
      else expect(await failure(issued)).toMatchObject({ code })
      expect(asked.includes(token_endpoint)).toBe(code === undefined)
    },
  )

  test('[A2] given a URL that is no MCP server, when the source looks for metadata, then the message says which option to give', async () => {
    const { api, url } = await startWorld()
    api.routes.clear()
    expect(await failure(issue(mcp(url, seeded)))).toMatchObject({
      code: 'source_invalid',
      message: expect.stringContaining("give its 'issuer'"),
    })
    const unreachable = mcp('http://127.0.0.1:1/mcp', seeded)
    expect(await failure(issue(unreachable))).toMatchObject({ code: 'source_unreachable' })
  })

  test.each<[unknown, McpOptions]>([
    ['no url', CLIENT],
    ['ftp://a.example', CLIENT],
    ['http://a.example/mcp', CLIENT],
    [undefined, CLIENT],
    ['https://user:pass@a.example/mcp', CLIENT],
    ['https://a.example/mcp#x', CLIENT],
    ['https://a.example/mcp', { ...CLIENT, issuers: [] }],
    ['https://a.example/mcp', { ...CLIENT, issuer: 'https://b.example', issuers: ['https://c.example'] }],
    ['https://a.example/mcp', { clientSecret: 'x' }],
    ['https://a.example/mcp', { ...CLIENT, clientMetadataUrl: 'https://c.example/c.json' }],
    ['https://a.example/mcp', { clientMetadataUrl: 'https://c.example' }],
    ['https://a.example/mcp', { clientMetadataUrl: 'https://c.example/x/../c.json' }],
    ['https://a.example/mcp', { clientMetadataUrl: 'https://c.example/%2E%2e/c.json' }],
    ['https://a.example/mcp', { clientMetadataUrl: 'https://c.example/c.json#x' }],
    ['https://a.example/mcp', { clientMetadataUrl: 'https://c.example/c.json', clientSecret: 'x' }],
    [
      'https://a.example/mcp',
      { clientMetadataUrl: 'https://c.example/c.json', clientAuth: 'client_secret_post' },
    ],
    ['https://a.example/mcp', { grant: 'client_credentials' }],
    ['https://a.example/mcp', { ...CLIENT, grant: 'client_credentials' }],
  ])('[A2] given %s with %o, when mcp() is called, then it throws', (url, options) => {
    expect(() => mcp(url as string, options)).toThrow(expect.objectContaining({ code: 'invalid_option' }))
  })
})

describe('a refresh token goes only to the server that issued it', () => {
  test('[A3] given an MCP server that names another authorization server, when a login is refreshed, then the error names both', async () => {
    const { api, auth, url } = await startWorld()
    const other = await startPlace()
    other.routes.set(SERVER_METADATA, { body: metadataOf(other.origin) })
    const store = memoryStore()
    const first = createCredential({ source: mcp(url, seeded), store, key: 'me' })
    expect((await first.snapshot()).value.accessToken).toBe('a2')
    expect(await store.read('me')).toMatchObject({
      madeFor: { issuer: auth.origin, client: 'app', resource: url },
      token: { extra: { mcp: { issuer: auth.origin, client: 'app' } } },
    })
    api.routes.set(PATH_METADATA, { body: { resource: url, authorization_servers: [other.origin] } })
    const second = createCredential({ source: mcp(url, CLIENT), store, key: 'me' })
    const error = await failure(second.refresh(await second.snapshot()))
    expect(error).toMatchObject({ code: 'reauthentication_required', terminal: true })
    expect(error.message).toContain(auth.origin)
    expect(error.message).toContain(other.origin)
    expect(other.asked('/token')).toBe(0)
    await second.login({ accessToken: 'new' })
    expect((await second.snapshot()).value.accessToken).toBe('new')
  })

  test("[A3] given client credentials, when the MCP server names another authorization server, then the secret is not sent there, unless 'issuers' lists it", async () => {
    const { api, auth, url } = await startWorld()
    const other = await startPlace()
    other.routes.set(SERVER_METADATA, { body: metadataOf(other.origin) })
    other.routes.set('/token', { body: { access_token: 'other', token_type: 'Bearer' } })
    const current = await issue(mcp(url, machine))
    api.routes.set(PATH_METADATA, { body: { resource: url, authorization_servers: [other.origin] } })
    const error = await failure(issue(mcp(url, machine), { current }))
    expect(error).toMatchObject({ code: 'source_refused', terminal: false })
    expect(error.message).toContain(auth.origin)
    expect(error.message).toContain(other.origin)
    expect(other.asked('/token')).toBe(0)
    const listed = mcp(url, { ...machine, issuers: [auth.origin, other.origin] })
    expect((await issue(listed, { current })).accessToken).toBe('other')
  })

  test('[A3] given a configuration with another client id, when a stored login is refreshed, then its refresh token is not sent', async () => {
    const { auth, url } = await startWorld()
    const token = await issue(mcp(url, seeded))
    const error = await failure(issue(mcp(url, { clientId: 'other' }), { current: token }))
    expect(error).toMatchObject({ code: 'reauthentication_required' })
    expect(error.message).toMatch(/'app'.*'other'/)
    expect(auth.asked('/token')).toBe(1)
  })

  test('[A3] given a login that has ended, when the next token is requested, then the source reads the metadata again', async () => {
    const { api, auth, url } = await startWorld()
    const source = mcp(url, seeded)
    await issue(source)
    auth.routes.set('/token', { status: 400, body: { error: 'invalid_grant' } })
    expect(await failure(issue(source))).toMatchObject({ code: 'reauthentication_required' })
    expect(await failure(issue(source))).toMatchObject({ code: 'reauthentication_required' })
    expect(api.asked(PATH_METADATA)).toBe(2)
  })
})

describe('enterprise', () => {
  test("[A4] given client credentials, when a token is requested, then the request names the challenge's scopes, or those that the server lists", async () => {
    const { api, auth, url } = await startWorld()
    const body = { resource: url, authorization_servers: [auth.origin], scopes_supported: ['read', 'write'] }
    api.routes.set(PATH_METADATA, { body })
    const source = mcp(url, machine)
    await issue(source)
    await issue(source, { challenge: 'Bearer error="invalid_token", scope="read"' })
    await issue(mcp(url, { ...machine, scope: 'own' }))
    expect(auth.posted('/token').map(({ scope, resource }) => [scope, resource])).toEqual([
      ['read write', url],
      ['read', url],
      ['own', url],
    ])
  })

  test('[A4] given an identity assertion of an identity provider (ID-JAG), when a token is requested, then the source exchanges it at the authorization server', async () => {
    const { auth, url } = await startWorld()
    const idp = await startPlace()
    const ID_JAG = 'urn:ietf:params:oauth:token-type:id-jag'
    idp.routes.set('/token', {
      body: { access_token: 'canary-id-jag', issued_token_type: ID_JAG, token_type: 'N_A', expires_in: 300 },
    })
    const assertion = oauth({
      tokenEndpoint: `${idp.origin}/token`,
      clientId: 'app-at-idp',
      audience: auth.origin,
      resource: url,
      grant: {
        type: 'token_exchange',
        subjectToken: 'canary-id-token',
        subjectTokenType: 'id_token',
        requestedTokenType: ID_JAG,
      },
    })
    const token = await issue(mcp(url, { ...CLIENT, grant: { type: 'jwt_bearer', assertion } }))
    expect(token.accessToken).toBe('a2')
    expect(idp.posted('/token')[0]).toMatchObject({ requested_token_type: ID_JAG, audience: auth.origin })
    expect(auth.posted('/token')[0]).toMatchObject({
      grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
      assertion: 'canary-id-jag',
      resource: url,
    })
  })

  test('[Z1] given a refusal, when its error is printed, then it shows no secret', async () => {
    const { auth, url } = await startWorld()
    auth.routes.set('/token', ({ body, headers }) => ({
      status: 400,
      body: { error: 'invalid_scope', error_description: `${body.toString()} ${headers.authorization}` },
    }))
    const error = await failure(issue(mcp(url, machine)))
    expect(error.code).toBe('source_refused')
    expect(printed(error)).not.toContain('canary')
  })
})
