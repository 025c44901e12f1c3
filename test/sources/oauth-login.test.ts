import { createServer } from 'node:net'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { type AccessToken, createCredential } from '../../src/index.ts'
import { browserLogin, type BrowserLoginOptions } from '../../src/sources/oauth-browser.ts'
import { deviceLogin, type DevicePrompt, oauth, revoke } from '../../src/sources/oauth/index.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { BELIEVED, type OidcServer, RESOURCE, SECRET, startOidcServer } from '../support/oidc-server.ts'
import { startRecordingServer } from '../support/recording-server.ts'
import { answering, failure, issue, JSON_TYPE, printed, serve } from './helpers.ts'

let server: OidcServer
beforeAll(async () => {
  server = await startOidcServer()
})
afterAll(() => server.close())

const publicClient = () => ({ issuer: server.issuer, clientId: 'public' })

/** Expects that a login's token is valid, and that its refresh token can be redeemed. */
async function expectGood(token: AccessToken): Promise<void> {
  expect(await server.isActive(token.accessToken)).toBe(true)
  const account = createCredential({ source: oauth(publicClient()) })
  await account.login(token)
  const { value } = await account.refresh(await account.snapshot())
  expect(await server.isActive(value.accessToken)).toBe(true)
}

describe('device code (RFC 8628)', () => {
  /** A clock that moves on as soon as the login waits. */
  class Impatient extends ManualClock {
    readonly waits: number[] = []
    /** epoch ms: when the code expires. A poll's timeout ends then, too. */
    codeEnds = 0

    override setTimeout(run: () => void, ms: number): number {
      const id = super.setTimeout(run, ms)
      // The timeout of a request is no wait.
      if (ms === 10_000 || this.now() + ms === this.codeEnds) return id
      this.waits.push(ms)
      queueMicrotask(() => this.tick(ms))
      return id
    }
  }

  test('[K5] given a device code, when a person confirms it, then the login gets a token, and has polled no more often than the server permits', async () => {
    const clock = new Impatient(Date.now())
    let prompt: DevicePrompt | undefined
    const before = server.to('token').length
    const token = await deviceLogin({
      ...publicClient(),
      clock,
      scope: 'openid offline_access',
      fetch: async (input, init) => {
        if (prompt !== undefined && server.to('token').length === before + 2) {
          await server.confirm(prompt.userCode, 'allow')
        }
        return fetch(input, init)
      },
      onPrompt: (shown) => {
        prompt = shown
        clock.codeEnds = shown.expiresAt
      },
    })
    await expectGood(token)
    expect(prompt).toMatchObject({
      userCode: expect.stringMatching(/^[A-Z]{4}-[A-Z]{4}$/),
      verificationUri: `${server.issuer}/device`,
      verificationUriComplete: expect.stringContaining('/device?user_code='),
    })
    expect(Math.abs((prompt?.expiresAt ?? 0) - Date.now() - 600_000)).toBeLessThan(30_000)
    expect(clock.waits).toEqual([5_000, 5_000, 5_000])
    expect(clock.armed).toBe(0)
  })

  test('given a device code, when the person declines, then the error says to log in again', async () => {
    const clock = new Impatient(Date.now())
    const login = deviceLogin({
      ...publicClient(),
      clock,
      onPrompt: ({ userCode, expiresAt }) => {
        clock.codeEnds = expiresAt
        return server.confirm(userCode, 'deny')
      },
    })
    expect(await failure(login)).toMatchObject({ code: 'reauthentication_required', terminal: true })
  })

  /** A server whose token endpoint sends the responses of a list. */
  async function scripted(
    answers: [status: number, body: unknown, headers?: Record<string, string>][],
    more = {},
  ) {
    const asked: number[] = []
    const clock = new Impatient()
    const endpoint = await serve(({ path }, response) => {
      if (path === '/device') {
        const prompt = {
          device_code: 'canary-device-code',
          user_code: 'ABCD',
          verification_uri: 'https://auth.example.com/device',
          expires_in: 60,
          ...more,
        }
        return response.writeHead(200, JSON_TYPE).end(JSON.stringify(prompt))
      }
      asked.push(clock.now())
      const [status, body, headers] = answers.shift() ?? [400, { error: 'authorization_pending' }]
      return response.writeHead(status, { ...JSON_TYPE, ...headers }).end(JSON.stringify(body))
    })
    const login = (options = {}) =>
      deviceLogin({
        tokenEndpoint: `${endpoint.origin}/token`,
        deviceAuthorizationEndpoint: `${endpoint.origin}/device`,
        clientId: 'public',
        clock,
        onPrompt: ({ expiresAt }) => {
          clock.codeEnds = expiresAt
        },
        ...options,
      })
    return { login, clock, asked, endpoint }
  }

  test('given `slow_down` and passing failures, when the login polls, then it waits longer', async () => {
    const { login, clock } = await scripted(
      [
        [400, { error: 'authorization_pending' }],
        [400, { error: 'slow_down' }],
        [503, {}],
        [429, {}, { 'retry-after': '31' }],
        [200, { access_token: 'a' }],
      ],
      { interval: 2, expires_in: 600 },
    )
    expect(await login()).toMatchObject({ accessToken: 'a' })
    expect(clock.waits).toEqual([2_000, 2_000, 7_000, 14_000, 31_000])
  })

  const PENDING: [number, unknown] = [400, { error: 'authorization_pending' }]

  test('[K5] given a response after failures, when the login polls on, then it waits for the usual interval again', async () => {
    const { login, clock } = await scripted(
      [
        [503, {}],
        [502, '<html>'],
        PENDING,
        [429, {}, { 'retry-after': '120' }],
        PENDING,
        PENDING,
        [200, { access_token: 'a' }],
      ],
      { interval: 4, expires_in: 600 },
    )
    expect(await login()).toMatchObject({ accessToken: 'a' })
    expect(clock.waits).toEqual([4_000, 8_000, 16_000, 4_000, 120_000, 4_000, 4_000])
  })

  test.each([
    ['a longer interval', { interval: 30 }, 30_000],
    ['one that is no longer than ours', { interval: 7 }, 9_000],
    ['none', {}, 9_000],
    ['one that makes no sense', { interval: -1 }, 9_000],
  ])(
    '[K5] given a `slow_down` that states %s as the interval, when the login polls on, then all later waits are that long',
    async (_name, more, wait) => {
      const { login, clock } = await scripted(
        [[200, { error: 'slow_down', ...more }], PENDING, [200, { access_token: 'a' }]],
        { interval: 4, expires_in: 600 },
      )
      expect(await login()).toMatchObject({ accessToken: 'a' })
      expect(clock.waits).toEqual([4_000, wait, wait])
    },
  )

  test('given a code that no person confirms, when it expires by our clock or by the server, then the login ends with the same error', async () => {
    const ours = await scripted([])
    const tooLate = await failure(ours.login())
    expect(tooLate).toMatchObject({
      code: 'reauthentication_required',
      message: 'The code was not confirmed in time: log in again.',
    })
    // The login polls every 5 s for 60 s. The twelfth poll would be too late.
    expect(ours.asked).toHaveLength(11)
    const theirs = await scripted([[400, { error: 'expired_token' }]])
    expect(await failure(theirs.login())).toMatchObject({ message: tooLate.message })
    expect(printed(tooLate)).not.toContain('canary')
  })

  test('given a failure that time does not mend, when the login polls, then it ends at once', async () => {
    const { login, asked } = await scripted([[401, { error: 'invalid_client' }]])
    expect(await failure(login())).toMatchObject({ code: 'source_refused' })
    expect(asked).toHaveLength(1)
  })

  test('given a login that waits, when its signal aborts, then it ends, and leaves no timer', async () => {
    const { endpoint } = await scripted([])
    const clock = new ManualClock()
    const controller = new AbortController()
    const login = deviceLogin({
      tokenEndpoint: `${endpoint.origin}/token`,
      deviceAuthorizationEndpoint: `${endpoint.origin}/device`,
      clientId: 'public',
      clock,
      onPrompt: () => queueMicrotask(() => controller.abort(new Error('closed'))),
      signal: controller.signal,
    })
    await expect(login).rejects.toThrow('closed')
    expect(clock.armed).toBe(0)
  })

  test.each([
    ['no code', { device_code: undefined }],
    ['no link', { verification_uri: undefined }],
    ['a link that is no page', { verification_uri: 'javascript:alert(1)' }],
  ])(
    'given a device response with %s, when the login reads it, then the code is source_invalid',
    async (_name, more) => {
      const { login } = await scripted([], more)
      expect(await failure(login())).toMatchObject({ code: 'source_invalid' })
    },
  )

  test('given an `onPrompt` that throws, when the login calls it, then the login throws that error, and polls no more', async () => {
    const { login, asked } = await scripted([])
    const thrown = new Error('no terminal')
    await expect(login({ onPrompt: () => Promise.reject(thrown) })).rejects.toBe(thrown)
    expect(asked).toEqual([])
  })
})

describe('browser (RFC 8252, RFC 7636)', () => {
  test.each([undefined, 'http://[::1]/back'])(
    '[K5] given the redirect URI %s, when a person logs in, then the code arrives there, and is redeemed with its PKCE verifier',
    async (redirectUri) => {
      let page: Response | undefined
      const token = await browserLogin({
        ...publicClient(),
        redirectUri,
        scope: 'openid offline_access',
        parameters: { prompt: 'consent' },
        open: async (url) => {
          page = await server.browse(url)
        },
      })
      await expectGood(token)
      expect(await page?.text()).toContain('You can close this window now')
      const { parameters } = server.to('token').find(({ parameters: sent }) => 'code_verifier' in sent) ?? {}
      expect(parameters).toMatchObject({ grant_type: 'authorization_code' })
      // The loopback server is closed.
      await expect(fetch(String(parameters?.['redirect_uri']))).rejects.toThrow('fetch failed')
    },
  )

  /** A browser that returns with changed parameters, and never visits the server. */
  const bringing =
    (change: (returned: URL) => void): BrowserLoginOptions['open'] =>
    async (url) => {
      const asked = new URL(url)
      const returned = new URL(asked.searchParams.get('redirect_uri') ?? '')
      returned.searchParams.set('state', asked.searchParams.get('state') ?? '')
      returned.searchParams.set('iss', server.issuer)
      change(returned)
      await (await fetch(returned)).text()
    }

  test.each([
    ['access_denied', 'reauthentication_required'],
    ['invalid_scope', 'source_refused'],
    ['<script>', 'source_refused'],
  ])(
    'given a callback with the error %s, when the login reads it, then the code is %s',
    async (word, code) => {
      const open = bringing(({ searchParams }) => searchParams.set('error', word))
      const error = await failure(browserLogin({ ...publicClient(), open }))
      expect(error.code).toBe(code)
      expect(error.message).not.toContain('<')
    },
  )

  test('given a callback that names another issuer, when the login reads it, then it refuses, and sends the code nowhere (RFC 9207)', async () => {
    const before = server.to('token').length
    const open = bringing(({ searchParams }) => {
      searchParams.set('code', 'canary-code')
      searchParams.set('iss', 'https://evil.example')
    })
    const error = await failure(browserLogin({ ...publicClient(), open }))
    expect(error.code).toBe('source_invalid')
    expect(printed(error)).not.toContain('canary')
    expect(server.to('token')).toHaveLength(before)
  })

  test('given a request without the right state, when it reaches the loopback server, then it is refused, and the login goes on', async () => {
    const pages: number[] = []
    const token = await browserLogin({
      ...publicClient(),
      scope: 'openid offline_access',
      parameters: { prompt: 'consent' },
      open: async (url) => {
        const redirect = new URL(url).searchParams.get('redirect_uri') ?? ''
        for (const stranger of [
          `${redirect}?state=x&code=evil`,
          `${redirect}x`,
          new URL('/favicon.ico', redirect),
        ]) {
          pages.push((await fetch(stranger)).status)
        }
        pages.push((await fetch(redirect, { method: 'POST' })).status)
        await server.browse(url)
      },
    })
    expect(pages).toEqual([400, 404, 404, 404])
    await expectGood(token)
  })

  test('given an `open` that does not return, when the browser has returned, then the login finishes', async () => {
    const token = browserLogin({
      ...publicClient(),
      scope: 'openid offline_access',
      open: async (url) => {
        await server.browse(url)
        await new Promise(() => undefined)
      },
    })
    expect((await token).accessToken).toEqual(expect.any(String))
  })

  test('given an `open` that throws, or an abort, when the login ends, then it rejects with that reason, and the port is closed', async () => {
    const redirects: string[] = []
    const remember = (url: string): void => {
      redirects.push(new URL(url).searchParams.get('redirect_uri') ?? '')
    }
    const thrown = new Error('there is no browser')
    const opening = (url: string): Promise<void> => {
      remember(url)
      return Promise.reject(thrown)
    }
    await expect(browserLogin({ ...publicClient(), open: opening })).rejects.toBe(thrown)
    const controller = new AbortController()
    const reason = new Error('closed')
    const open = (url: string): void => {
      remember(url)
      controller.abort(reason)
    }
    await expect(browserLogin({ ...publicClient(), open, signal: controller.signal })).rejects.toBe(reason)
    expect(redirects).toHaveLength(2)
    for (const redirect of redirects) await expect(fetch(redirect)).rejects.toThrow('fetch failed')
  })

  test('given a redirect URI whose port is taken, when a login begins, then the error names the option', async () => {
    const taken = createServer()
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void taken.close())
    const address = taken.address()
    const port = typeof address === 'object' ? address?.port : 0
    const redirectUri = `http://127.0.0.1:${port}/callback`
    const error = await failure(browserLogin({ ...publicClient(), redirectUri, open: () => undefined }))
    expect(error).toMatchObject({ code: 'invalid_option', message: expect.stringContaining("'redirectUri'") })
  })

  test.each([
    'https://127.0.0.1/callback',
    'http://example.com/callback',
    'http://127.0.0.1/callback?x=1',
    'callback',
  ])(
    'given the redirect URI %s, when a login begins, then it throws, because that is no loopback URL',
    async (redirectUri) => {
      const error = await failure(browserLogin({ ...publicClient(), redirectUri, open: () => undefined }))
      expect(error).toMatchObject({
        code: 'invalid_option',
        message: expect.stringContaining("'redirectUri'"),
      })
    },
  )
})

describe('revocation (RFC 7009)', () => {
  test('given a login, when it is revoked, then the server revokes the refresh token first, and then the access token', async () => {
    const login = await server.login('basic')
    const options = { issuer: server.issuer, clientId: 'basic', clientSecret: SECRET }
    await revoke(login, options)
    expect(server.to('revocation').map(({ parameters }) => parameters)).toEqual([
      { token: login.refreshToken, token_type_hint: 'refresh_token' },
      { token: login.accessToken, token_type_hint: 'access_token' },
    ])
    const error = await failure(issue(oauth(options), { current: login }))
    expect(error.code).toBe('reauthentication_required')
    expect(await server.isActive(login.accessToken)).toBe(false)
    // Revoking a revoked token is no error (RFC 7009 section 2.2).
    await revoke(login, options)
  })

  test('given a server that cannot revoke access tokens, or one that sends an HTML page, when a login is revoked, then only the second fails', async () => {
    const login = { accessToken: `${BELIEVED}-access`, refreshToken: BELIEVED }
    const cannot = await startRecordingServer(({ body }, response) => {
      const isAccess = body.toString().includes('access_token')
      response.writeHead(isAccess ? 400 : 200, JSON_TYPE)
      response.end(isAccess ? '{"error":"unsupported_token_type"}' : '')
    })
    onTestFinished(() => cannot.close())
    const options = { tokenEndpoint: cannot.origin, revocationEndpoint: cannot.origin, clientId: 'public' }
    await revoke(login, options)
    expect(cannot.requests).toHaveLength(2)
    const portal = await answering('<html>', 200, { 'content-type': 'text/html' })
    const error = await failure(revoke(login, { ...options, revocationEndpoint: portal.origin }))
    expect(error.code).toBe('source_unavailable')
    expect(printed(error)).not.toContain(BELIEVED)
  })

  test('given no revocation endpoint, when a login is revoked, then the error asks for one', async () => {
    const error = await failure(
      revoke({ accessToken: 'a' }, { tokenEndpoint: 'https://auth.example.com/token', clientId: 'x' }),
    )
    expect(error).toMatchObject({
      code: 'invalid_option',
      message: "'revocationEndpoint' is missing, and the server names none.",
    })
  })
})

test.each<[string, unknown]>([
  ['options', undefined],
  ['clientId', {}],
  ['clientId', { clientId: '' }],
  ['clientID', { clientID: 'x', clientId: 'x' }],
  ['issuer', { issuer: undefined }],
  ['issuer', { issuer: 'auth.example.com' }],
  ['issuer', { issuer: 'http://auth.example.com' }],
  ['tokenEndpoint', { tokenEndpoint: 'http://auth.example.com/token' }],
  ['tokenEndpoint', { tokenEndpoint: 'https://user:pass@auth.example.com/token' }],
  ['clientSecret', { clientSecret: '' }],
  ['clientSecret', { clientSecret: 7 }],
  ['clientAuth', { clientAuth: 'basic' }],
  ['privateKey', { clientSecret: 'x', privateKey: { key: 'x' } }],
  ['privateKey.key', { privateKey: {} }],
  ['timeout', { timeout: -1 }],
  ['fetch', { fetch: 'node-fetch' }],
  ['grant', { grant: 'password' }],
  ['grant', { grant: {} }],
  ['grant.refreshToken', { grant: { type: 'refresh_token', refreshToken: '' } }],
  ['token', { grant: { type: 'refresh_token', token: '' } }],
  ['grant.subjectToken', { grant: { type: 'token_exchange' } }],
  ['grant.assertion', { grant: { type: 'jwt_bearer' } }],
  ['scope', { scope: ['a'] }],
  ['scope', { scope: '' }],
  ['resource', { resource: [RESOURCE, 7] }],
  ['parameters', { parameters: { client_secret: 'x' } }],
  ['parameters', { parameters: { tenant: 7 } }],
])(
  "given an invalid option, when the source is made, then it throws an error that names '%s'",
  (name, more) => {
    const good = { issuer: 'https://auth.example.com', clientId: 'x' }
    const { clientId, ...rest } = good
    const base = name === 'clientId' ? rest : good
    const options = more === undefined ? undefined : { ...base, ...(more as object) }
    const make = (): unknown => oauth(options as never)
    expect(clientId).toBe('x')
    expect(make).toThrow(
      expect.objectContaining({ code: 'invalid_option', message: expect.stringContaining(`'${name}'`) }),
    )
  },
)

test('[Z1] given a private key that cannot be read, when a token is requested, then the error shows nothing of the key', async () => {
  const canary = 'canary-private-key'
  const keys = [
    `-----BEGIN PRIVATE KEY-----\n${Buffer.from(canary).toString('base64')}\n-----END PRIVATE KEY-----`,
    `-----BEGIN RSA PRIVATE KEY-----\n${canary}\n-----END RSA PRIVATE KEY-----`,
    JSON.stringify({ kty: 'oct', k: canary }),
    { kty: 'RSA', d: canary },
    canary,
    `{${canary}`,
  ]
  for (const key of keys) {
    const source = oauth({
      tokenEndpoint: 'https://auth.example.com/token',
      clientId: 'x',
      privateKey: { key },
      grant: 'client_credentials',
      fetch: () => Promise.reject(new Error('It must not be asked.')),
    })
    const error = await failure(issue(source))
    expect(error).toMatchObject({
      code: 'invalid_option',
      message: expect.stringContaining("'privateKey.key'"),
    })
    expect(printed(error)).not.toContain(canary)
    expect(printed(error)).not.toContain(Buffer.from(canary).toString('base64'))
  }
})
