import { createServer, type Socket } from 'node:net'
import { EnvHttpProxyAgent, fetch as fetchThrough } from 'undici'
import { describe, expect, onTestFinished, test } from 'vitest'
import { factsOf } from '../../src/credential/failure-facts.ts'
import { browserLogin } from '../../src/sources/oauth-browser.ts'
import { oauth, type OAuthOptions } from '../../src/sources/oauth/index.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { startOidcServer } from '../support/oidc-server.ts'
import { settled } from '../support/settled.ts'
import { answering, failure, Gone, issue, JSON_TYPE, printed, serve } from './helpers.ts'

const client = { clientId: 'client', clientSecret: 'canary-secret' }
const current = { accessToken: 'old', refreshToken: 'canary-rt-1' }
const NEW = { access_token: 'new', refresh_token: 'rt-2', expires_in: 3600, token_type: 'Bearer' }

function source(origin: string, more: Partial<OAuthOptions> = {}) {
  return oauth({ tokenEndpoint: `${origin}/token`, ...client, ...more })
}

/** A promise that the test can resolve. */
class Signal {
  tell = (): void => undefined
  readonly told = new Promise<void>((resolve) => {
    this.tell = resolve
  })
}

/** A server that responds when the test releases it. */
async function slow(path: string, body: unknown) {
  const [asked, release] = [new Signal(), new Signal()]
  const gone = new Gone()
  const server = await serve(async (request, response) => {
    if (request.path !== path) return response.writeHead(404).end()
    gone.watch(response)
    asked.tell()
    await release.told
    return response.writeHead(200, JSON_TYPE).end(JSON.stringify(body))
  })
  return { ...server, asked: asked.told, release: release.tell, gone }
}

describe('[K13] a request that redeems something ends only with its signal', () => {
  test('given an endpoint that is slower than `timeout`, when a refresh token is redeemed, then it is sent once, and the response counts', async () => {
    const clock = new ManualClock()
    const server = await slow('/token', NEW)
    const issued = issue(source(server.origin, { clock, timeout: 10_000 }), { current })
    await server.asked
    await clock.advance(149_000)
    expect(server.gone.isGone).toBe(false)
    server.release()
    expect(await issued).toMatchObject({ accessToken: 'new', refreshToken: 'rt-2' })
    expect(server.requests).toHaveLength(1)
    expect(clock.armed).toBe(0)
  })

  test('given a slow endpoint, when the flight ends, then the request ends with its reason', async () => {
    const clock = new ManualClock()
    const server = await slow('/token', NEW)
    const controller = new AbortController()
    const issued = issue(source(server.origin, { clock }), { current, signal: controller.signal })
    await server.asked
    const reason = new Error('five deadlines have passed')
    controller.abort(reason)
    await expect(issued).rejects.toBe(reason)
    await server.gone.gone
  })

  test('given slow metadata, when `timeout` has passed, then the request for them ends, and the refresh token was not sent', async () => {
    const clock = new ManualClock()
    const server = await slow('/.well-known/oauth-authorization-server', {})
    const told: string[] = []
    const slowIssuer = oauth({ issuer: server.origin, ...client, clock, timeout: 4_000 })
    const issued = failure(issue(slowIssuer, { current, sent: () => told.push('sent') }))
    await server.asked
    await clock.advance(4_000)
    const error = await issued
    expect(error.code).toBe('source_unreachable')
    expect(factsOf(error).reach).toBe('unsent')
    expect(told).toEqual([])
  })

  test('given a slow endpoint, when an authorization code is redeemed, then it is sent once', async () => {
    const oidc = await startOidcServer()
    onTestFinished(() => oidc.close())
    const clock = new ManualClock(Date.now())
    let codes = 0
    const token = await browserLogin({
      issuer: oidc.issuer,
      clientId: 'public',
      clock,
      timeout: 1_000,
      scope: 'openid offline_access',
      parameters: { prompt: 'consent' },
      open: async (url) => void (await oidc.browse(url)),
      fetch: async (input, init) => {
        if (!new Request(input).url.endsWith('/token')) return fetch(input, init)
        codes++
        const response = await fetch(input, init)
        await clock.advance(60_000)
        return response
      },
    })
    expect(token.refreshToken).toBeDefined()
    expect(codes).toBe(1)
  })

  test('given metadata and secrets to read, when a token is requested, then `sent` is called after them, just before fetch', async () => {
    const steps: string[] = []
    const metadata = { issuer: 'https://auth.example.com', token_endpoint: 'https://auth.example.com/token' }
    const told = oauth({
      issuer: metadata.issuer,
      clientId: 'client',
      clientSecret: () => (steps.push('secret'), 'secret'),
      fetch: async (input) => {
        steps.push(new URL(new Request(input).url).pathname)
        return Response.json(new Request(input).url.endsWith('/token') ? NEW : metadata)
      },
    })
    await issue(told, { current, sent: () => steps.push('sent') })
    expect(steps).toEqual(['/.well-known/oauth-authorization-server', 'secret', 'sent', '/token'])
    const spendsNothing = oauth({
      tokenEndpoint: metadata.token_endpoint,
      ...client,
      grant: 'client_credentials',
      fetch: async () => Response.json(NEW),
    })
    steps.length = 0
    await issue(spendsNothing, { sent: () => steps.push('sent') })
    expect(steps).toEqual([])
  })
})

test('[K13] given a process that was frozen past the timeout, when it wakes with the response in its socket, then the response counts', async () => {
  const clock = new ManualClock()
  const server = await slow('/token', NEW)
  const issued = issue(source(server.origin, { clock, timeout: 4_000, grant: 'client_credentials' }))
  await server.asked
  // The event loop runs timers before it reads sockets. Here the timer is due, and the response is in the socket.
  server.release()
  await new Promise((resolve) => setImmediate(resolve))
  clock.tick(12_000)
  expect((await issued).accessToken).toBe('new')
})

test('[K13] given a body that arrives slowly for ever, when the timeout has passed, then the request ends', async () => {
  const clock = new ManualClock()
  const gone = new Gone()
  const asked = new Signal()
  const server = await serve((_, response) => {
    gone.watch(response)
    response.writeHead(200, JSON_TYPE)
    const drip = setInterval(() => response.write(' '), 1)
    response.once('close', () => clearInterval(drip))
    asked.tell()
  })
  const issued = failure(issue(source(server.origin, { clock, timeout: 4_000, grant: 'client_credentials' })))
  await asked.told
  await settled()
  clock.tick(4_000)
  expect((await issued).code).toBe('source_unreachable')
  await gone.gone
})

describe('how far a failed request got', () => {
  /** A server that speaks no HTTP. */
  async function raw(handler: (socket: Socket) => void): Promise<string> {
    const server = createServer((socket) => {
      socket.on('error', () => undefined)
      handler(socket)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
    const address = server.address()
    return `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
  }
  const withCode = (code: string, words = 'x', more: object = {}, named = '') =>
    source(`https://auth.example.com${named}`, {
      fetch: () => {
        const cause = Object.assign(new Error(words), { code, ...more })
        return Promise.reject(new TypeError('fetch failed', { cause }))
      },
    })
  /** A source whose requests go through a proxy of the machine. The proxy sends this response to the request for a tunnel. */
  const throughProxy = async (said: string) => {
    const httpsProxy = await raw((socket) => socket.once('data', () => socket.end(said)))
    const dispatcher = new EnvHttpProxyAgent({ httpsProxy, noProxy: '' })
    onTestFinished(() => dispatcher.destroy())
    const send = fetchThrough as unknown as (input: unknown, init: object) => Promise<Response>
    return source('https://auth.example.com', {
      fetch: (input, init) => send(input, { ...init, dispatcher }),
    })
  }
  const dialling = (address: string, port: number, named = '') =>
    withCode('ECONNREFUSED', 'x', { address, port }, named)

  test.each([
    ['nothing listens', async () => source('http://127.0.0.1:1'), /refused|bad port/],
    ['no such host', async () => withCode('ENOTFOUND'), /ENOTFOUND: there is no such host name/],
    ['the DNS is down', async () => withCode('EAI_AGAIN'), /EAI_AGAIN/],
    ['a certificate that has expired', async () => withCode('CERT_HAS_EXPIRED'), /CERT_HAS_EXPIRED/],
    [
      'a certificate of one’s own',
      async () => withCode('DEPTH_ZERO_SELF_SIGNED_CERT'),
      /NODE_EXTRA_CA_CERTS/,
    ],
    ['no connection in time', async () => withCode('UND_ERR_CONNECT_TIMEOUT'), /CONNECT_TIMEOUT/],
    ['TLS that is none', async () => withCode('ERR_SSL_WRONG_VERSION_NUMBER'), /is it an http endpoint/],
    [
      'a proxy of the machine that is gone',
      async () => dialling('127.0.0.1', 3128),
      /ECONNREFUSED at 127\.0\.0\.1:3128, the proxy of this machine\?: nothing listens there/,
    ],
    [
      'a proxy of the machine that wants a login',
      async () => throughProxy('HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n'),
      /\(the proxy of this machine responded 407 and let nothing through: it demands a name and a password/,
    ],
    [
      'a proxy of the machine that is not well',
      async () => throughProxy('HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n'),
      /\(the proxy of this machine responded 503 and let nothing through: are HTTPS_PROXY and NO_PROXY right/,
    ],
    [
      'a proxy of the machine that breaks off',
      async () => withCode('UND_ERR_PRX_CONN'),
      /\(the proxy of this machine broke off the connection/,
    ],
    ['one by IPv6', async () => dialling('::1', 3128), /ECONNREFUSED at \[::1\]:3128, the proxy/],
    ['the endpoint itself', async () => dialling('192.0.2.1', 443), /\(ECONNREFUSED: nothing listens there/],
    ['the port that was named', async () => dialling('::1', 8443, ':8443'), /\(ECONNREFUSED: nothing/],
    ['Bun', async () => withCode('ConnectionRefused'), /nothing listens there/],
    ['Deno', async () => withCode('', 'client error (Connect): tcp connect error'), /could not be reached/],
  ])(
    '[K9, E1] given a failure (%s), when a token is requested, then the error says that nothing was sent',
    async (_, make, says) => {
      const error = await failure(issue(await make(), { current }))
      expect(error.code).toBe('source_unreachable')
      expect(factsOf(error).reach).toBe('unsent')
      expect(error.message).toMatch(says)
      expect(printed(error)).not.toContain('canary')
    },
  )

  test.each([
    [
      'the connection is closed without a response',
      (socket: Socket) => socket.once('data', () => socket.destroy()),
    ],
    [
      'the head breaks off',
      (socket: Socket) => socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-')),
    ],
    [
      'the body breaks off',
      (socket: Socket) =>
        socket.once('data', () =>
          socket.end('HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"access_token":'),
        ),
    ],
    ['it is no HTTP', (socket: Socket) => socket.once('data', () => socket.end('SSH-2.0-x\r\n'))],
  ])(
    '[K9] given a failure (%s), when a token is requested, then the error says that the request was sent, and no whole response arrived',
    async (_, handler) => {
      const error = await failure(issue(source(await raw(handler)), { current }))
      expect(error.code).toBe('source_unreachable')
      expect(factsOf(error).reach).toBe('broken')
      expect(error.message).toContain('did not arrive whole')
    },
  )

  test.each([
    [503, '{}', 'answered'],
    [429, '{}', 'answered'],
    [400, '{"error":"invalid_grant"}', 'answered'],
    [200, '{"error":"bad_refresh_token"}', 'answered'],
    [200, '<html>', 'accepted'],
    [200, '', 'accepted'],
    [200, '{"error":"temporarily_unavailable"}', 'accepted'],
    [200, '{"token_type":"Bearer"}', 'accepted'],
  ])(
    'given status %i and body %s, when a token is requested, then the request counts as %s',
    async (status, body, reach) => {
      const error = await failure(issue(source((await answering(body, status)).origin), { current }))
      expect(factsOf(error).reach).toBe(reach)
    },
  )

  test('given a failure before the request, when a token is requested, then the request counts as unsent', async () => {
    const none = await failure(issue(source('https://auth.example.com')))
    expect(none).toMatchObject({ code: 'reauthentication_required', terminal: true })
    expect(none.message).toMatch(/^Nobody is logged in, .*: log in\. /)
    expect(factsOf(none).reach).toBe('unsent')
    const noSecret = oauth({ tokenEndpoint: 'https://a.example', clientId: 'c', clientSecret: () => '' })
    expect(factsOf(await failure(issue(noSecret, { current }))).reach).toBe('unsent')
  })
})

describe('[K18] a whole success is read by its shape', () => {
  const FORM = 'access_token=new&refresh_token=rt-2&expires_in=3600&token_type=bearer'
  const XML =
    '<?xml version="1.0"?>\n<OAuth><access_token>new</access_token><refresh_token>rt-2</refresh_token><scope/></OAuth>'
  test.each<[string, string, unknown]>([
    ['a form', 'application/x-www-form-urlencoded', FORM],
    ['a form with a charset', 'application/x-www-form-urlencoded; charset=utf-8', FORM],
    ['a form as plain text', 'text/plain', FORM],
    ['a form with a line end', 'text/plain', `${FORM}\n`],
    ['a form without a type', '', FORM],
    ['a form that is labelled a page', 'text/html', FORM],
    ['XML', 'application/xml', XML],
    ['JSON as HTML', 'text/html', NEW],
    ['JSON with a byte order mark', 'application/json', `\uFEFF${JSON.stringify(NEW)}`],
    ['JSON in a list', 'application/json', [NEW]],
    ['JSON one level down: data', 'application/json', { code: 0, message: 'success', data: NEW }],
    ['JSON one level down: result', 'application/json', { result: NEW }],
    ['JSON one level down: response', 'application/json', { response: NEW }],
    ['JSON one level down: token', 'application/json', { token: NEW }],
    ['JSON one level down: authed_user', 'application/json', { ok: true, authed_user: NEW }],
    ['JSON in camel case', 'application/json', { accessToken: 'new', refreshToken: 'rt-2', expiresIn: 60 }],
  ])('%s', async (_, type, body) => {
    const server = await answering(body, 200, { 'content-type': type })
    expect(await issue(source(server.origin), { current })).toMatchObject({
      accessToken: 'new',
      refreshToken: 'rt-2',
    })
    expect(server.requests).toHaveLength(1)
  })

  test.each<[string, string, string]>([
    [
      'an echo of our own request',
      'text/plain',
      'grant_type=refresh_token&refresh_token=canary-rt-1&access_token=x',
    ],
    ['a form that holds neither', 'text/plain', 'a=b&c=d'],
    ['a sentence', 'text/plain', 'access_token=x is what you want'],
    ['a page', 'text/html', '<p>access_token=x&refresh_token=y</p>'],
    ['a page of XML', 'application/xhtml+xml', '<html><access_token>x</access_token></html>'],
  ])(
    'given %s, when a refresh token is redeemed, then the source takes no token from it, and pauses as long as in an outage',
    async (_, type, body) => {
      const server = await answering(body, 200, { 'content-type': type })
      const error = await failure(issue(source(server.origin), { current }))
      expect(error).toMatchObject({ code: 'source_unavailable', retryAfterMs: 5_000, terminal: false })
      expect(factsOf(error)).toEqual({ reach: 'accepted' })
      expect(printed(error)).not.toContain('canary')
    },
  )

  test.each<[string, unknown]>([
    ['no access token', { refresh_token: 'rt-2', scope: 's' }],
    ['an access token that no header can carry', { ...NEW, access_token: 'a\nb', scope: 's' }],
    ['an access token that is no text', { ...NEW, access_token: { v: 1 }, scope: 's' }],
    ...['DPoP', 'DPoP ', 'PoP', 'MAC', 'Basic', 'AWS4-HMAC-SHA256', 'N_A', 'bearer\r\nx: y'].map(
      (type): [string, unknown] => [
        `the type ${JSON.stringify(type)}`,
        { ...NEW, token_type: type, scope: 's' },
      ],
    ),
    ['the new refresh token one level down', { data: { refresh_token: 'rt-2', scope: 's' } }],
  ])(
    '[K13] given %s beside a new refresh token, when a login is refreshed, then the refresh token is kept',
    async (_, body) => {
      const error = await failure(issue(source((await answering(body)).origin), { current }))
      expect(error.code).toBe('source_invalid')
      expect(factsOf(error)).toMatchObject({
        reach: 'accepted',
        received: { refreshToken: 'rt-2', scope: 's' },
      })
      expect(printed(error)).not.toContain('rt-2')
    },
  )

  test.each([
    ['JSON that is cut off', '{"refresh_token": "rt-2", "access_token": "ne'],
    ['JSON with a remark behind it', `${JSON.stringify(NEW)} // cached`],
  ])('[K13] given %s, when a login is refreshed, then the new refresh token is kept', async (_, body) => {
    const error = await failure(issue(source((await answering(body)).origin), { current }))
    expect(error.code).toBe('source_invalid')
    expect(factsOf(error)).toMatchObject({ reach: 'accepted', received: { refreshToken: 'rt-2' } })
  })

  test('given an echo of the request in JSON, when a login is refreshed, then the source keeps no token from it', async () => {
    const body = { grant_type: 'refresh_token', refresh_token: 'canary-rt-1', client_secret: 'canary-secret' }
    const error = await failure(issue(source((await answering(body)).origin), { current }))
    expect(error.code).toBe('source_invalid')
    expect(factsOf(error).received).toBeUndefined()
  })

  test('[K18] given an unknown token type, when a token is requested, then the source accepts the token, and keeps its type', async () => {
    const server = await answering({ ...NEW, token_type: 'urn:vendor:token' })
    expect(await issue(source(server.origin), { current })).toMatchObject({ tokenType: 'urn:vendor:token' })
  })
})

describe('[K18] a login ends only by a JSON object whose `error` says so', () => {
  const ENDED = { code: 'reauthentication_required', terminal: true }
  const TYPES = ['text/html; charset=utf-8', 'text/plain', '', 'application/json']
  const LABELLED = [400, 401, 200].flatMap((status) => TYPES.map((type) => [status, type] as const))
  test.each(LABELLED)(
    'given an `error` with status %i, labelled "%s", when a login is refreshed, then the login ends',
    async (status, type) => {
      for (const error of ['invalid_grant', 'bad_refresh_token', 'token_revoked']) {
        const server = await answering({ error }, status, { 'content-type': type })
        expect(await failure(issue(source(server.origin), { current }))).toMatchObject(ENDED)
      }
    },
  )

  test.each([
    'mfa_required',
    'token_expired',
    // Ory sends this for a refresh token that was used before.
    'token_inactive',
    'invalid_token',
    'authorization_declined',
    'code_expired',
    'interaction_required',
  ])('[C6] given the error %s, when a login is refreshed, then the login ends', async (error) => {
    const server = await answering({ error }, error === 'mfa_required' ? 403 : 400)
    const failed = await failure(issue(source(server.origin), { current }))
    expect(failed).toMatchObject(ENDED)
    expect(failed.message).toMatch(/log in again\.$/)
  })

  test.each([200, 400])(
    '[C6] given an error inside the error (%i, ArcGIS), when a login is refreshed, then the login ends',
    async (status) => {
      const error = { code: 400, error: 'invalid_grant', message: 'Invalid refresh_token', details: [] }
      const server = await answering({ error }, status)
      expect(await failure(issue(source(server.origin), { current }))).toMatchObject(ENDED)
    },
  )

  test.each(['refresh_token_not_found', 'refresh_token_already_used'])(
    '[C6] given a code of Supabase that names the refresh token (%s), when a login is refreshed, then the login ends',
    async (code) => {
      const server = await answering({ code: 400, error_code: code, msg: 'Invalid Refresh Token' }, 400)
      expect(await failure(issue(source(server.origin), { current }))).toMatchObject(ENDED)
    },
  )

  test.each<[number, unknown, string]>([
    [400, { code: 400, error_code: 'invalid_grant', msg: 'canary' }, 'source_refused'],
    [403, { code: 403, error_code: 'refresh_token_not_found' }, 'source_refused'],
    [400, { code: 400, error_code: 'validation_failed', msg: 'refresh_token_not_found' }, 'source_refused'],
    [500, { error: 'invalid_grant' }, 'source_unavailable'],
    [503, { error: 'invalid_grant' }, 'source_unavailable'],
    [429, { error: 'invalid_grant' }, 'source_rate_limited'],
    [401, { error: 'client_inactive' }, 'source_refused'],
    [403, { error: 'access_denied' }, 'source_refused'],
    [404, { error: 'invalid_grant' }, 'source_refused'],
    [400, 'error=invalid_grant', 'source_refused'],
    [400, '"invalid_grant"', 'source_refused'],
    [400, { message: 'invalid_grant' }, 'source_refused'],
    [400, { data: { error: 'invalid_grant' } }, 'source_refused'],
    [400, { data: { error: 'invalid_grant', refresh_token: 'x' } }, 'source_refused'],
    [400, [{ error: 'invalid_grant' }], 'source_refused'],
    [400, '<OAuth><error>invalid_grant</error></OAuth>', 'source_refused'],
    [200, { errorCode: 'invalid_grant' }, 'source_refused'],
  ])(
    'given status %i and body %j, when a login is refreshed, then the login does not end',
    async (status, body, code) => {
      const server = await answering(body, status)
      expect(await failure(issue(source(server.origin), { current }))).toMatchObject({
        code,
        terminal: false,
      })
    },
  )
})

describe('the facts of an oauth source', () => {
  const make = (more: Partial<OAuthOptions> = {}) =>
    oauth({
      issuer: 'https://auth.example.com',
      ...client,
      scope: 'chat',
      audience: ['a', 'b'],
      resource: 'https://api.example.com',
      ...more,
    })
  const signal = new AbortController().signal

  test('[K16] given an oauth source, when its `madeFor` is read, then it holds issuer, client, audience, resource and scope, and no secret', () => {
    expect(make().madeFor).toEqual({
      issuer: 'https://auth.example.com',
      client: 'client',
      audience: 'a b',
      resource: 'https://api.example.com',
      scope: 'chat',
    })
    const { madeFor } = make({ issuer: undefined, tokenEndpoint: 'https://auth.example.com/token' })
    expect(madeFor?.issuer).toBe('https://auth.example.com/token')
  })

  test('[K14] given an oauth source, when any part of its request changes, then `presented` changes', async () => {
    const told = async (more: Partial<OAuthOptions>, now = current): Promise<string> =>
      JSON.stringify(await make(more).presented?.({ current: now, signal }))
    const grant = { type: 'refresh_token', refreshToken: 'seed' } as const
    const all = await Promise.all([
      told({}),
      told({}, { ...current, refreshToken: 'other' }),
      told({ clientId: 'other' }),
      told({ clientSecret: async () => 'other' }),
      told({ issuer: 'https://other.example.com' }),
      told({ tokenEndpoint: 'https://other.example.com/token' }),
      told({ scope: 'other' }),
    ])
    expect(new Set(all).size).toBe(all.length)
    expect(await told({ grant })).toBe(all[0])
    const seeded = await make({ grant }).presented?.({ current: undefined, signal })
    expect(seeded?.[0]).toBe('seed')
  })

  test("[K14, Z1] given a private key, when `presented` is read, then it holds the key's name, not the key", async () => {
    const { privateKey } = (await import('node:crypto')).generateKeyPairSync('ed25519')
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
    const presented = await make({ clientSecret: undefined, privateKey: { key } }).presented?.({
      current,
      signal,
    })
    expect(JSON.stringify(presented)).not.toContain('PRIVATE')
    expect(presented?.join(' ')).toMatch(/[0-9a-f]{64}/)
  })

  test('[K16] given a refresh token in the configuration, when `seed` is read, then it is that token', async () => {
    const refreshToken = async (): Promise<string> => ' seed\n'
    expect(await make({ grant: { type: 'refresh_token', refreshToken } }).seed?.(signal)).toBe('seed')
    expect(make().seed).toBeUndefined()
  })
})
