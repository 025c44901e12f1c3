import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { factsOf } from '../../src/credential/failure-facts.ts'
import { RefreshError } from '../../src/index.ts'
import { browserLogin } from '../../src/sources/oauth-browser.ts'
import {
  deviceLogin,
  type DevicePrompt,
  oauth,
  type OAuthOptions,
  revoke,
} from '../../src/sources/oauth/index.ts'
import { workload } from '../../src/sources/workload/index.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { answering, failure, issue, JSON_TYPE, printed, serve } from './helpers.ts'

const app = { clientId: 'app', clientSecret: 'secret', grant: 'client_credentials' } as const
const TOKEN = { access_token: 'new', expires_in: 60 }

/** A server with the given documents, whose `/token` issues tokens. */
async function described(
  documents: Record<string, (origin: string) => [status: number, body: unknown, type?: string]>,
) {
  const server = await serve(({ path = '' }, response) => {
    if (path === '/token') return response.writeHead(200, JSON_TYPE).end(JSON.stringify(TOKEN))
    const [status, body, type = 'application/json'] = documents[path]?.(server.origin) ?? [
      404,
      '<h1>404</h1>',
      'text/html',
    ]
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    return response.writeHead(status, { 'content-type': type }).end(text)
  })
  return server
}

const OAUTH = '/.well-known/oauth-authorization-server'
const OIDC = '/.well-known/openid-configuration'
const good = (origin: string) => ({ issuer: origin, token_endpoint: `${origin}/token` })

describe('HTTP Basic (RFC 6749 section 2.3.1)', () => {
  test.each([
    ['f3a1c2d4-0000-4111-8222-333344445555', 'plain', 'f3a1c2d4-0000-4111-8222-333344445555:plain'],
    ['my_app.x*', 'Abc.d-e_f~g', 'my_app.x*:Abc.d-e_f~g'],
    ['a b', 'c:d/e+f%', 'a%20b:c%3Ad%2Fe%2Bf%25'],
    ['ä', '€', '%C3%A4:%E2%82%AC'],
  ])(
    '[K18] given the credentials %s:%s, when the client sends them, then it escapes only what HTTP Basic requires',
    async (clientId, clientSecret, sent) => {
      const server = await answering(TOKEN)
      await issue(oauth({ ...app, tokenEndpoint: server.origin, clientId, clientSecret }))
      const [, basic = ''] = server.requests[0]?.headers.authorization?.split(' ') ?? []
      expect(atob(basic)).toBe(sent)
    },
  )
})

describe('discovery', () => {
  test.each<[string, Record<string, (origin: string) => [number, unknown, string?]>]>([
    ['there is no RFC 8414 document', { [OIDC]: (origin) => [200, good(origin)] }],
    ['it is forbidden, in JSON', { [OAUTH]: () => [403, {}], [OIDC]: (origin) => [200, good(origin)] }],
    [
      'it is a page',
      { [OAUTH]: () => [200, '<html>', 'text/html'], [OIDC]: (origin) => [200, good(origin)] },
    ],
    ['it is a fault of the server', { [OAUTH]: () => [500, {}], [OIDC]: (origin) => [200, good(origin)] }],
    [
      'it is the page of a proxy without a server',
      { [OAUTH]: () => [502, '<html>', 'text/html'], [OIDC]: (origin) => [200, good(origin)] },
    ],
    ['it is empty', { [OAUTH]: () => [200, ''], [OIDC]: (origin) => [200, good(origin)] }],
    ['it is a list', { [OAUTH]: () => [200, []], [OIDC]: (origin) => [200, good(origin)] }],
    ['it redirects', { [OAUTH]: () => [302, ''], [OIDC]: (origin) => [200, good(origin)] }],
    [
      'it names no issuer',
      { [OAUTH]: () => [200, { token_endpoint: 'x' }], [OIDC]: (origin) => [200, good(origin)] },
    ],
    [
      'it names no token endpoint',
      { [OAUTH]: (origin) => [200, { issuer: origin }], [OIDC]: (origin) => [200, good(origin)] },
    ],
    [
      'its token endpoint is relative',
      {
        [OAUTH]: (origin) => [200, { issuer: origin, token_endpoint: '/token' }],
        [OIDC]: (origin) => [200, good(origin)],
      },
    ],
  ])(
    '[K18] given that %s, when the source reads metadata, then it takes the OpenID document',
    async (_, documents) => {
      const server = await described(documents)
      expect(await issue(oauth({ ...app, issuer: server.origin }))).toMatchObject({ accessToken: 'new' })
    },
  )

  test.each(['text/html', 'text/plain', 'application/octet-stream'])(
    '[K18] given metadata labelled %s, when the source reads them, then it reads them as JSON',
    async (type) => {
      const server = await described({
        [OAUTH]: (origin) => [200, `\uFEFF${JSON.stringify(good(origin))}`, type],
      })
      expect(await issue(oauth({ ...app, issuer: server.origin }))).toMatchObject({ accessToken: 'new' })
    },
  )

  test.each([
    { revocation_endpoint: null },
    { revocation_endpoint: '' },
    { device_authorization_endpoint: 7 },
    { authorization_endpoint: 'http://idp.internal/auth' },
    { token_endpoint_auth_methods_supported: 'client_secret_post' },
  ])(
    '[K18] given metadata with %j, when a grant does not use that member, then it gets a token',
    async (more) => {
      const server = await described({ [OAUTH]: (origin) => [200, { ...good(origin), ...more }] })
      expect(await issue(oauth({ ...app, issuer: server.origin }))).toMatchObject({ accessToken: 'new' })
    },
  )

  test('[K18] given an RFC 8414 document that never arrives, when the source reads metadata, then it requests the OpenID document', async () => {
    const clock = new ManualClock()
    const fetch: typeof globalThis.fetch = async (input, init) => {
      const { pathname, origin } = new URL(new Request(input).url)
      if (pathname === OIDC) return Response.json(good(origin))
      if (pathname === '/token') return Response.json(TOKEN)
      return new Promise((_, reject) => {
        init?.signal?.addEventListener('abort', () => reject(new Error('aborted')))
      })
    }
    const issued = issue(oauth({ ...app, issuer: 'https://auth.example.com', fetch, clock }))
    for (let n = 0; n < 20; n++) await clock.advance(1_000)
    expect(await issued).toMatchObject({ accessToken: 'new' })
  })

  test.each([
    ['down, and the other is not there', 503, 404, 'source_unavailable', /cannot respond now \(503\)/],
    ['not there, and the other is down', 404, 503, 'source_unavailable', /cannot respond now \(503\)/],
    ['limited', 429, 200, 'source_rate_limited', /asks to wait \(429\)/],
  ])(
    '[E1, K3] given metadata that are %s, when a token is requested, then the error says so',
    async (_, first, second, code, says) => {
      const server = await described({ [OAUTH]: () => [first, {}], [OIDC]: () => [second, {}] })
      const failed = await failure(issue(oauth({ ...app, issuer: server.origin })))
      expect(failed.code).toBe(code)
      expect(failed.message).toMatch(says)
      // After a 429 the second path is not requested.
      if (first === 429) expect(server.requests).toHaveLength(1)
    },
  )

  test.each([5, {}, 'ftp://auth.example.com/token', '/token'])(
    '[E1] given metadata with %j as token endpoint, when a token is requested, then the message says that it cannot be used',
    async (endpoint) => {
      const document = (origin: string): [number, unknown] => [
        200,
        { issuer: origin, token_endpoint: endpoint },
      ]
      const server = await described({ [OAUTH]: document, [OIDC]: document })
      const failed = await failure(issue(oauth({ ...app, issuer: server.origin })))
      expect(failed.code).toBe('source_invalid')
      expect(failed.message).toContain('name a token_endpoint that is no https URL')
    },
  )

  test('[E1] given metadata of another issuer, when the source reads them, then it refuses them, and the error names both issuers', async () => {
    const other = 'https://evil.example'
    const server = await described({
      [OAUTH]: (origin) => [200, { ...good(origin), issuer: other }],
      [OIDC]: (origin) => [200, good(origin)],
    })
    const error = await failure(issue(oauth({ ...app, issuer: server.origin })))
    expect(error.code).toBe('source_invalid')
    expect(error.message).toContain(other)
    expect(error.message).toContain(server.origin)
    expect(server.requests).toHaveLength(1)
  })

  test('given an issuer that differs by a slash at the end, when the source reads its metadata, then it accepts them', async () => {
    const server = await described({
      '/.well-known/oauth-authorization-server/realm': (origin) => [
        200,
        { ...good(origin), issuer: `${origin}/realm` },
      ],
    })
    expect(await issue(oauth({ ...app, issuer: `${server.origin}/realm/` }))).toMatchObject({
      accessToken: 'new',
    })
  })

  test.each<[string, (origin: string) => [number, unknown, string?]]>([
    [
      'name an http endpoint',
      (origin) => [200, { issuer: origin, token_endpoint: 'http://idp.internal/token' }],
    ],
    ['are down', () => [503, 'down']],
    ['are absent', () => [404, '']],
    ['are those of another issuer', () => [200, { issuer: 'https://internal.example', token_endpoint: 'x' }]],
    ['cannot be read', () => [200, '{']],
  ])(
    '[K18] given a tokenEndpoint and metadata that %s, when tokens are requested, then they are issued, and the metadata are not requested each time',
    async (_, document) => {
      const server = await described({ [OAUTH]: document, [OIDC]: document })
      const source = oauth({
        ...app,
        issuer: server.origin,
        tokenEndpoint: `${server.origin}/token`,
        clock: new ManualClock(),
      })
      for (let n = 0; n < 3; n++) expect(await issue(source)).toMatchObject({ accessToken: 'new' })
      const asked = server.requests.filter(({ path }) => path !== '/token')
      expect(asked.length).toBeLessThanOrEqual(2)
    },
  )

  test('[K18] given a tokenEndpoint and metadata that are out of reach, when a token is requested, then it is issued', async () => {
    const server = await answering(TOKEN)
    const source = oauth({ ...app, issuer: 'http://127.0.0.1:1', tokenEndpoint: server.origin })
    expect(await issue(source)).toMatchObject({ accessToken: 'new' })
  })
})

describe('how a client authenticates', () => {
  test('[K5] given the platform’s token as client assertion (RFC 7523 section 2.2), when tokens are requested, then the source reads it each time', async () => {
    const server = await answering(TOKEN)
    let n = 0
    const clientAssertion = async (): Promise<string> => `projected-${++n}\n`
    const source = oauth({
      tokenEndpoint: server.origin,
      clientId: 'app',
      clientAssertion,
      grant: 'client_credentials',
    })
    await issue(source)
    await issue(source)
    const sent = server.requests.map(({ body }) => Object.fromEntries(new URLSearchParams(body.toString())))
    expect(sent[1]).toEqual({
      grant_type: 'client_credentials',
      client_id: 'app',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: 'projected-2',
    })
    expect(server.requests[1]?.headers.authorization).toBeUndefined()
    const refused = await answering({ error: 'invalid_client' }, 401)
    const at = oauth({
      tokenEndpoint: refused.origin,
      clientId: 'app',
      clientAssertion,
      grant: 'client_credentials',
    })
    const error = await failure(issue(at))
    expect(error.message).toMatch(/client 'app' \(client assertion\).*clock right\?$/)
    expect(printed(error)).not.toContain('projected')
  })

  test('[K5] given an extension grant, when a token is requested, then the request holds its type and parameters unchanged', async () => {
    const server = await answering({ ...TOKEN, expiration: 1_893_456_000 })
    const type = 'urn:ibm:params:oauth:grant-type:apikey'
    const apikey = { issue: async () => ({ accessToken: 'canary-key' }) }
    const source = oauth({
      tokenEndpoint: server.origin,
      clientId: 'bx',
      clientSecret: 'bx',
      grant: { type, parameters: { apikey } },
    })
    expect(source.spendsRefreshToken).toBe(false)
    await issue(source)
    expect(Object.fromEntries(new URLSearchParams(server.requests[0]?.body.toString()))).toEqual({
      grant_type: type,
      apikey: 'canary-key',
    })
  })

  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  test.each([
    ['as it is', pem],
    ['with escaped line ends', pem.replaceAll('\n', String.raw`\n`)],
    ['with escaped Windows line ends', pem.replaceAll('\n', String.raw`\r\n`)],
    ['in one line', pem.replaceAll('\n', ' ')],
    ['in quotes’ rest', ` ${pem} `],
  ])('[K5] given a PEM %s, when the client signs, then it reads the key', async (_, key) => {
    const server = await answering(TOKEN)
    const source = oauth({
      tokenEndpoint: server.origin,
      clientId: 'app',
      privateKey: { key },
      grant: 'client_credentials',
    })
    expect(await issue(source)).toMatchObject({ accessToken: 'new' })
  })

  test('[E1] given client credentials without a secret, a key or an assertion, when the source is made, then it throws', () => {
    const make = (more: Partial<OAuthOptions>) => () =>
      oauth({ tokenEndpoint: 'https://a.example', clientId: 'app', grant: 'client_credentials', ...more })
    expect(make({})).toThrow(/'clientSecret' is missing \(an unset variable\?\)/)
    expect(make({ clientSecret: undefined, fetch })).toThrow(/'clientSecret' is missing/)
    // A fetch of the user's may present a client certificate.
    expect(make({ fetch })).not.toThrow()
    expect(make({ clientSecret: 'x', clientAssertion: 'y' })).toThrow(
      /'clientAssertion' must not be given besides/,
    )
  })
})

describe('plain http (plainHttpEndpoints)', () => {
  const keycloak = 'http://keycloak:8080'
  test('[E1] given a plain http endpoint, when the source is made, then it throws, and the message names the option', () => {
    for (const make of [
      () => oauth({ ...app, issuer: `${keycloak}/realms/x` }),
      () => oauth({ ...app, tokenEndpoint: 'http://app.localhost:8080/token' }),
      () => workload({ for: { tokenEndpoint: `${keycloak}/token` }, subjectToken: () => 'x' }),
    ]) {
      expect(make).toThrow(/"plainHttpEndpoints": \["http:\/\/(?:keycloak|app\.localhost):8080"\]/)
    }
    for (const plainHttpEndpoints of [
      'x',
      ['keycloak:8080'],
      ['https://a.example'],
      [`${keycloak}/path`],
      [7],
    ]) {
      expect(() =>
        oauth({ ...app, issuer: 'https://a.example', plainHttpEndpoints: plainHttpEndpoints as never }),
      ).toThrow("'plainHttpEndpoints' must be a list of http origins")
    }
  })

  test('[K7] given an origin in the option, when a token is requested, then the source requests it there, and at endpoints of that origin that its metadata name', async () => {
    const asked: string[] = []
    const fetch: typeof globalThis.fetch = async (input) => {
      const { url } = new Request(input)
      asked.push(url)
      return Response.json(
        url.endsWith('/token') ? TOKEN : { issuer: keycloak, token_endpoint: `${keycloak}/token` },
      )
    }
    await issue(oauth({ ...app, issuer: keycloak, plainHttpEndpoints: [keycloak], fetch }))
    const forWorkload = { for: { tokenEndpoint: `${keycloak}/token` }, subjectToken: () => 'x' }
    await issue(workload({ ...forWorkload, plainHttpEndpoints: [keycloak], fetch }))
    expect(asked).toEqual([`${keycloak}${OAUTH}`, `${keycloak}/token`, `${keycloak}/token`])
  })
})

describe('further members of a token response', () => {
  const extraOf = async (body: unknown) =>
    (await issue(oauth({ ...app, tokenEndpoint: (await answering(body)).origin }))).extra

  test('[K2] given further members of any type, when the source reads the token, then it keeps them, up to 16 KiB', async () => {
    const more = {
      refresh_token_expires_in: 15_897_600,
      is_new: true,
      none: null,
      endpoints: { api: ['https://x'] },
    }
    expect(await extraOf({ ...TOKEN, ...more })).toEqual(more)
    const large = { first: 'x'.repeat(12_000), second: 'y'.repeat(12_000), third: 'z' }
    expect(Object.keys((await extraOf({ ...TOKEN, ...large })) ?? {})).toEqual(['first', 'third'])
    const deep = `${'['.repeat(6_000)}${']'.repeat(6_000)}`
    expect(await extraOf(`{"access_token":"new","deep":${deep},"a":1}`)).toEqual({ a: 1 })
  })

  const NOW = Date.UTC(2026, 10, 1)
  const AT = NOW + 3_600_000
  const iso = new Date(AT).toISOString()
  test.each<[string, Record<string, unknown>]>([
    ['seconds from now', { expires_in: 3600 }],
    ['seconds from now, as text', { expires_in: '3600' }],
    ['an instant where seconds are expected', { expires_in: AT / 1000 }],
    ['expires_at in seconds', { expires_at: AT / 1000 }],
    ['expires_at in ms', { expires_at: AT }],
    ['expires_on as text', { expires_on: String(AT / 1000) }],
    ['expiration', { expiration: AT / 1000 }],
    ['a date', { expires_at: iso }],
    ['a date without ms, with a zone', { expires: iso.replace('.000Z', '+00:00') }],
    ['a date of Go', { expiry: iso.replace('T', ' ').replace('.000Z', '.123456789 +0000 UTC m=+3600.1') }],
    ['a date of AWS', { expiration: iso.replaceAll(/[-:]|\.000/g, '') }],
    ['an HTTP date', { expires_at: new Date(AT).toUTCString() }],
    ['Google’s name', { expireTime: iso }],
    ['Facebook’s', { expires: 3600 }],
  ])(
    '[K1] given a token response that states its expiry as %s, when the source reads it, then the token has that expiry',
    async (_, more) => {
      const server = await answering({ access_token: 'new', ...more })
      const clock = new ManualClock(NOW)
      const { expiresAt } = await issue(oauth({ ...app, tokenEndpoint: server.origin, clock }))
      expect(Math.abs((expiresAt ?? 0) - AT)).toBeLessThan(1_000)
    },
  )

  test.each([
    { expires_in: 0 },
    { expires_in: 1e12 },
    { expires_in: 946_684_800 * 1.1 },
    { expires_at: '0001-01-01T00:00:00Z' },
    { expires_at: `2026-01-01${' '.repeat(50_000)}x` },
    { expires_at: '9'.repeat(50_000) },
  ])(
    '[K1] given an expiry that makes no sense, when the source reads the token, then it has no expiry %#',
    async (more) => {
      const server = await answering({ access_token: 'new', ...more })
      const clock = new ManualClock(NOW)
      expect((await issue(oauth({ ...app, tokenEndpoint: server.origin, clock }))).expiresAt).toBeUndefined()
    },
  )
})

describe('a refusal in other words', () => {
  test.each<[unknown, number, RegExp]>([
    [
      { errorCode: 'E0000011', errorSummary: 'Invalid token provided' },
      401,
      /\(401, E0000011\), saying "Invalid token provided"/,
    ],
    [
      { errorCode: 'BXNIM0415E', errorMessage: 'Provided API key could not be found.' },
      400,
      /BXNIM0415E.*could not be found/,
    ],
    [{ code: 'invalid_key', message: 'no such key' }, 400, /invalid_key.*no such key/],
    [{ Error: { Code: 'AccessDenied', Message: 'Not yours' } }, 403, /AccessDenied.*Not yours/],
    [
      { fault: { faultstring: 'Invalid ApiKey', detail: { errorcode: 'oauth.v2.InvalidApiKey' } } },
      401,
      /oauth\.v2\.InvalidApiKey.*Invalid ApiKey/,
    ],
    [{ errcode: 40_029, errmsg: 'invalid code' }, 200, /40029.*invalid code/],
    [{ error: 'The client is disabled' }, 400, /The client is disabled/],
    [{ title: 'Forbidden', detail: 'IP not allowed' }, 403, /IP not allowed/],
    ['error=invalid_scope&error_description=too+much', 400, /invalid_scope.*too much/],
  ])(
    '[E1] given the refusal %j with status %i, when the source reads it, then the message shows its code and its words',
    async (body, status, says) => {
      const server = await answering(
        body,
        status,
        typeof body === 'string' ? { 'content-type': 'text/plain' } : {},
      )
      const error = await failure(issue(oauth({ ...app, tokenEndpoint: server.origin })))
      expect(error.code).toBe('source_refused')
      expect(error.message).toMatch(says)
      expect(error.message.length).toBeLessThan(600)
    },
  )

  test('[Z1] given a refusal that quotes the request or holds control characters, when its error is printed, then it shows neither', async () => {
    const secret = 'hunter2'
    const said = `client secret ${secret} for bob@example.com is\u001B[2J wrong\u202E ${'a1'.repeat(40)}`
    const server = await answering({ error: 'invalid_client', error_description: said, code: secret }, 401)
    const error = await failure(issue(oauth({ ...app, clientSecret: secret, tokenEndpoint: server.origin })))
    expect(error.message).toContain("client 'app' (client_secret_basic)")
    expect(printed(error)).not.toMatch(/hunter2|bob@|a1a1|\u202E/)
    // oxlint-disable-next-line no-control-regex
    expect(error.message).not.toMatch(/[\u0000-\u001F]/)
  })
})

describe('a person’s login', () => {
  test.each([
    'http://127.0.0.1',
    'http://localhost',
    'http://127.0.0.1/',
    'http://127.0.0.1/callback',
    'http://[::1]/x',
  ])(
    '[K5] given the redirect URI %s, when a login begins, then the URI is sent as the user spelled it, with the port of the loopback server',
    async (redirectUri) => {
      const server = await answering(TOKEN)
      let sent = ''
      await browserLogin({
        tokenEndpoint: server.origin,
        authorizationEndpoint: `${server.origin}/auth`,
        clientId: 'app',
        redirectUri,
        open: async (link) => {
          const asked = new URL(link).searchParams
          sent = asked.get('redirect_uri') ?? ''
          await fetch(`${sent}?code=c&state=${asked.get('state')}`)
        },
      })
      expect(sent.replace(/:\d{4,5}(?=\/|$)/, '')).toBe(redirectUri)
      expect(new URLSearchParams(server.requests[0]?.body.toString()).get('redirect_uri')).toBe(sent)
    },
  )

  test.each([
    ['two codes', '&code=a&code=b', /'code' came more than once/],
    ['no code', '', /holds no 'code'/],
    ['two errors', '&error=a&error=b', /'error' came more than once/],
  ])(
    '[K18] given a callback with %s, when the login reads it, then it fails, and the message says why',
    async (_, query, says) => {
      const login = browserLogin({
        tokenEndpoint: 'https://auth.example.com/token',
        authorizationEndpoint: 'https://auth.example.com/auth',
        clientId: 'app',
        open: async (link) => {
          const asked = new URL(link).searchParams
          await fetch(`${asked.get('redirect_uri')}?state=${asked.get('state')}${query}`)
        },
      })
      const error = await failure(login)
      expect(error.code).toBe('source_invalid')
      expect(error.message).toMatch(says)
    },
  )

  const prompted = async (more: Record<string, unknown>): Promise<DevicePrompt | RefreshError> => {
    const body = {
      device_code: 'd',
      user_code: 'ABCD-EFGH',
      verification_uri: 'https://auth.example.com/device',
      ...more,
    }
    const server = await answering(body)
    let shown: DevicePrompt | undefined
    const stop = new AbortController()
    const login = deviceLogin({
      tokenEndpoint: `${server.origin}/token`,
      deviceAuthorizationEndpoint: `${server.origin}/device`,
      clientId: 'app',
      signal: stop.signal,
      onPrompt: (prompt) => {
        shown = prompt
        stop.abort(new RefreshError('refresh_failed', 'stopped'))
      },
    })
    const error = await failure(login)
    return shown ?? error
  }

  test.each([
    { user_code: 'AB\u001B[2J' },
    { user_code: 'AB\nCD' },
    { user_code: 'AB\u202ECD' },
    { user_code: 'x'.repeat(65) },
    { verification_uri: 'https://a.example/\u001B[2J' },
    { verification_uri: 'file:///etc/passwd' },
  ])(
    '[K18] given a prompt that no terminal should show, when the login reads it, then it throws, and does not show it %#',
    async (more) => {
      expect(await prompted(more)).toMatchObject({ code: 'source_invalid' })
    },
  )

  test('[K18] given a link with shell characters, when the login shows it, then they are escaped', async () => {
    const shown = await prompted({ verification_uri: 'https://a.example/$(touch pwned)`x`?a=1' })
    expect(shown).toMatchObject({ verificationUri: 'https://a.example/%24%28touch%20pwned%29%60x%60?a=1' })
  })

  test.each([2 ** 31, 1e300, '5', -1, null])(
    '[C13] given an interval of %s, when the login polls, then it neither polls in a tight loop nor stops',
    async (interval) => {
      const clock = new ManualClock()
      const polls: number[] = []
      const login = deviceLogin({
        tokenEndpoint: 'https://auth.example.com/token',
        deviceAuthorizationEndpoint: 'https://auth.example.com/device',
        clientId: 'app',
        clock,
        onPrompt: () => undefined,
        fetch: async (input) => {
          if (new Request(input).url.endsWith('/device')) {
            return Response.json({
              device_code: 'd',
              user_code: 'U',
              verification_uri: 'https://a.example',
              interval,
              expires_in: 200,
            })
          }
          polls.push(clock.now())
          return Response.json({ error: 'authorization_pending' }, { status: 400 })
        },
      })
      const failed = failure(login)
      for (let n = 0; n < 50; n++) await clock.advance(5_000)
      expect((await failed).code).toBe('reauthentication_required')
      expect(polls.length).toBeGreaterThan(1)
      expect(polls.length).toBeLessThanOrEqual(40)
      expect(clock.armed).toBe(0)
    },
  )
})

describe('a text that no request can carry', () => {
  const half = 'cut\uD83D'
  test.each<[string, Partial<OAuthOptions>]>([
    ['clientId', { clientId: half }],
    ['clientSecret', { clientSecret: half }],
    ['scope', { scope: half }],
    ['audience', { audience: ['a', half] }],
  ])(
    '[E1] given a lone surrogate in %s, when the source is made, then it throws an error that names the option',
    (name, options) => {
      const make = (): unknown =>
        oauth({ ...app, tokenEndpoint: 'https://auth.example.com/token', ...options })
      expect(make).toThrow(expect.objectContaining({ code: 'invalid_option' }))
      expect(make).toThrow(`'${name}' holds half a character`)
    },
  )

  test('[E1] given a function that returns a lone surrogate, when a token is requested, then the error names the option', async () => {
    const tokenEndpoint = 'https://auth.example.com/token'
    const failed = await failure(issue(oauth({ ...app, tokenEndpoint, clientSecret: () => half })))
    expect(failed).toMatchObject({ code: 'source_invalid' })
    expect(failed.message).toContain("'clientSecret' holds half a character")
  })

  test('[E1] given a surrogate pair in an option, when a token is requested, then it is sent unchanged', async () => {
    const server = await answering(TOKEN)
    await issue(oauth({ ...app, tokenEndpoint: server.origin, clientSecret: 'whole\u{1F600}' }))
    expect(server.requests).toHaveLength(1)
  })
})

describe('a missing endpoint', () => {
  test('[E1] given a 404 of any endpoint, when the caller reads the message, then it names the kind of that endpoint', async () => {
    const server = await answering('not found', 404, { 'content-type': 'text/plain' })
    const client = { clientId: 'app', tokenEndpoint: `${server.origin}/token` }
    const device = deviceLogin({
      ...client,
      deviceAuthorizationEndpoint: `${server.origin}/device`,
      onPrompt: () => undefined,
    })
    expect((await failure(device)).message).toMatch(/Is this the device authorization endpoint\?$/)
    const revoked = revoke({ accessToken: 'a' }, { ...client, revocationEndpoint: `${server.origin}/revoke` })
    expect((await failure(revoked)).message).toMatch(/Is this the revocation endpoint\?$/)
    const issued = issue(oauth({ ...client, clientSecret: 'x', grant: 'client_credentials' }))
    expect((await failure(issued)).message).toMatch(/Is this the token endpoint\?$/)
  })

  test.each(['incorrect_device_code', 'bad_verification_code'])(
    '[E1] given %s at a poll, when the login reads it, then the error says to log in again',
    async (error) => {
      const clock = new ManualClock()
      const fetch: typeof globalThis.fetch = async (input) =>
        new Request(input).url.endsWith('/device')
          ? Response.json({ device_code: 'd', user_code: 'u', verification_uri: 'https://a.example/' })
          : Response.json({ error, error_description: 'The code is incorrect or expired.' })
      const login = failure(
        deviceLogin({
          clientId: 'app',
          tokenEndpoint: 'https://auth.example.com/token',
          deviceAuthorizationEndpoint: 'https://auth.example.com/device',
          fetch,
          clock,
          onPrompt: () => undefined,
        }),
      )
      for (let n = 0; n < 3; n++) await clock.advance(5_000)
      const failed = await login
      expect(failed.code).toBe('reauthentication_required')
      expect(failed.message).toMatch(/log in again\.$/)
    },
  )
})

describe('a fetch of the user’s', () => {
  test('[E2, Z1] given a fetch that puts the request into its error, when it fails, then the cause names the fault, and holds no secret', async () => {
    const secret = 'canary-4f2ad871-secret'
    const fetch: typeof globalThis.fetch = async (input, init) => {
      const inner = Object.assign(new Error(`POST ${secret}`), {
        code: 'ECONNRESET',
        config: init,
      })
      const hidden = Object.assign(new Error(secret, { cause: inner }), { input, init, options: { secret } })
      Object.defineProperty(hidden, 'request', { value: { body: secret }, enumerable: false })
      throw hidden
    }
    const tokenEndpoint = 'https://auth.example.com/token'
    const failed = await failure(issue(oauth({ ...app, tokenEndpoint, clientSecret: secret, fetch })))
    expect(failed.code).toBe('source_unreachable')
    expect(failed.message).toContain('ECONNRESET')
    expect(failed.cause).toMatchObject({ cause: { code: 'ECONNRESET' } })
    expect(printed(failed)).not.toContain('canary')
    expect(Object.getOwnPropertyNames(failed.cause)).not.toContain('request')
  })
})

describe('a claims challenge', () => {
  const challenge = (claims: string): string => `Bearer error="insufficient_claims", claims="${btoa(claims)}"`
  const source = (origin: string) => oauth({ tokenEndpoint: origin, clientId: 'app', clientSecret: 's' })
  const current = { accessToken: 'a', refreshToken: 'rt' }

  const FINE = challenge('{"access_token":{"acrs":{"essential":true,"value":"c1"}}}')
  test.each(['interaction_required', 'login_required', 'consent_required', 'mfa_required'])(
    '[K18] given a claims challenge, when the endpoint refuses it with %s, then the login does not end',
    async (word) => {
      const server = await answering({ error: word }, 400)
      const refused = await failure(issue(source(server.origin), { current, challenge: FINE }))
      expect(factsOf(refused)).toMatchObject({ reach: 'answered', refusedWish: 'challenge' })
      const without = await failure(issue(source(server.origin), { current }))
      expect(factsOf(without).refusedWish).toBeUndefined()
    },
  )

  test('[K18] given a claims challenge, when the endpoint responds with invalid_grant, then the login ends', async () => {
    const server = await answering({ error: 'invalid_grant', suberror: 'interaction_required' }, 400)
    const refused = await failure(issue(source(server.origin), { current, challenge: FINE }))
    expect(refused.terminal).toBe(true)
    expect(factsOf(refused).refusedWish).toBeUndefined()
  })

  test.each([
    ['5,900 levels', `{"a":${'['.repeat(5_900)}${']'.repeat(5_900)}}`],
    ['9 levels', `{"a":${'['.repeat(8)}${']'.repeat(8)}}`],
    ['more than 2 KiB', JSON.stringify({ a: 'x'.repeat(2_100) })],
    ['a list', '[1]'],
    ['no JSON', '{'],
  ])(
    '[K18] given a claims challenge of %s, when a token is requested, then the source ignores the challenge',
    async (_, claims) => {
      const server = await answering(TOKEN)
      expect(await issue(source(server.origin), { current, challenge: challenge(claims) })).toMatchObject({
        accessToken: 'new',
      })
      expect(server.requests[0]?.body.toString()).not.toContain('claims')
    },
  )
})
