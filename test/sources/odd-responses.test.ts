import { gzipSync } from 'node:zlib'
import { describe, expect, onTestFinished, test } from 'vitest'
import { factsOf } from '../../src/credential/failure-facts.ts'
import { deviceLogin, oauth } from '../../src/sources/oauth/index.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { startRecordingServer } from '../support/recording-server.ts'
import { failure, issue, printed } from './helpers.ts'

const SECRET = 'canary-5b/+='
const CURRENT = { accessToken: 'old', refreshToken: 'canary-refresh-5b' }
const TOKEN = { access_token: 'fresh', token_type: 'Bearer', expires_in: 3600, refresh_token: 'rotated' }
const JSON_TYPE = { 'content-type': 'application/json' }

type Body = string | Uint8Array | object
const bytesOf = (body: Body): Uint8Array<ArrayBuffer> => {
  if (body instanceof Uint8Array) return new Uint8Array(body)
  return new TextEncoder().encode(typeof body === 'string' ? body : JSON.stringify(body))
}

/** Redeems a refresh token at a server with the given response. */
function redeem(body: Body, status = 200, headers: Record<string, string> = JSON_TYPE) {
  const source = oauth({
    tokenEndpoint: 'https://auth.example.com/token',
    clientId: 'app',
    clientSecret: SECRET,
    fetch: async () =>
      new Response(status === 204 || status === 304 ? null : bytesOf(body), { status, headers }),
    clock: new ManualClock(),
  })
  return issue(source, { current: CURRENT })
}

describe('a response that spent the refresh token', () => {
  test.each<[string, Body, Record<string, string>?]>([
    ['names in Pascal case', { AccessToken: 'fresh', RefreshToken: 'rotated', ExpiresIn: 3600 }],
    ['names in capitals', { ACCESS_TOKEN: 'fresh', REFRESH_TOKEN: 'rotated', EXPIRES_IN: 3600 }],
    ['names with hyphens', { 'access-token': 'fresh', 'refresh-token': 'rotated', 'expires-in': 3600 }],
    [
      'under AuthenticationResult (Cognito’s own API)',
      { AuthenticationResult: { AccessToken: 'fresh', RefreshToken: 'rotated', ExpiresIn: 3600 } },
    ],
    ['two levels down', { result: { data: TOKEN } }],
    ['under a name of the server’s own', { login: TOKEN, user: { id: 1 } }],
    ['beside an empty error', { error: null, success: true, data: TOKEN }],
    [
      'each token an object of its own',
      { access_token: { token: 'fresh' }, refresh_token: { token: 'rotated' }, expires_in: 3600 },
    ],
    ...['text/html', 'multipart/form-data; boundary=x', 'application/xml', 'image/png'].map(
      (type): [string, string, Record<string, string>] => [
        `a form that is labelled ${type}`,
        'access_token=fresh&refresh_token=rotated&expires_in=3600',
        { 'content-type': type },
      ],
    ),
    ['a lifetime with its unit', { ...TOKEN, expires_in: '3600s' }],
    ...[
      '1h',
      '60m',
      '60 min',
      '60 minutes',
      '1 hour',
      '0.5h 30m',
      'PT1H',
      'P0DT60M',
      '01:00:00',
      '0.01:00:00',
    ].map((text): [string, Body] => [`a lifetime of ${text}`, { ...TOKEN, expires_in: text }]),
    ['a lifetime in ms (Matrix)', { ...TOKEN, expires_in: undefined, expires_in_ms: 3_600_000 }],
    ['the scheme before the token', { ...TOKEN, access_token: 'Bearer fresh' }],
    ['a guard against inclusion', `)]}',\n${JSON.stringify(TOKEN)}`],
    ['JSONP', `/**/callback(${JSON.stringify(TOKEN)});`],
    [
      'a notice of PHP',
      `<br />\n<b>Notice</b>: x {main}<br />\n${JSON.stringify(TOKEN)}`,
      { 'content-type': 'text/html' },
    ],
    ['what a plug-in adds', `${JSON.stringify(TOKEN)}\n0`],
    ['gzip without a label', gzipSync(JSON.stringify(TOKEN))],
    ['UTF-16 with a mark', Buffer.from(`\uFEFF${JSON.stringify(TOKEN)}`, 'utf16le')],
    ['UTF-16 without one', Buffer.from(JSON.stringify(TOKEN), 'utf16le').swap16()],
    [
      'Latin-1, labelled',
      Buffer.from(JSON.stringify({ ...TOKEN, name: 'Müller' }), 'latin1'),
      { 'content-type': 'application/json; charset=ISO-8859-1' },
    ],
  ])(
    '[K13, K18] given %s, when a refresh token is redeemed, then the source reads the token',
    async (_, body, headers) => {
      const token = await redeem(body, 200, headers)
      expect(token).toMatchObject({
        accessToken: 'fresh',
        refreshToken: 'rotated',
        expiresAt: new ManualClock().now() + 3_600_000,
      })
      expect(JSON.stringify(token.extra ?? {})).not.toMatch(/fresh|rotated/)
    },
  )

  test.each<[string, string, object]>([
    ['behind its last brace', JSON.stringify(TOKEN), { accessToken: 'fresh', refreshToken: 'rotated' }],
    ['with the refresh token here', '{"refresh_token":"rotated","access_to', { refreshToken: 'rotated' }],
  ])(
    '[K13] given a connection that breaks %s, when a refresh token is redeemed, then it is not sent again',
    async (_, sent, kept) => {
      let asked = 0
      const server = await startRecordingServer((_request, response) => {
        asked++
        response.writeHead(200, { ...JSON_TYPE, 'content-length': sent.length + 50 })
        response.write(sent, () => response.destroy())
      })
      onTestFinished(() => server.close())
      const source = oauth({ tokenEndpoint: `${server.origin}/token`, clientId: 'app', clientSecret: SECRET })
      const token = await issue(source, { current: CURRENT }).catch(
        (error: unknown) => factsOf(error).received,
      )
      expect(token).toMatchObject(kept)
      expect(asked).toBe(1)
    },
  )

  test('[K9] given a connection that breaks earlier, when a refresh token is redeemed, then the error says that the response did not arrive whole', async () => {
    const server = await startRecordingServer((_request, response) => {
      response.writeHead(200, { ...JSON_TYPE, 'content-length': 500 })
      response.write('{"access_token":"fresh","refresh_tok', () => response.destroy())
    })
    onTestFinished(() => server.close())
    const source = oauth({ tokenEndpoint: `${server.origin}/token`, clientId: 'app', clientSecret: SECRET })
    const error = await failure(issue(source, { current: CURRENT }))
    expect(error.code).toBe('source_unreachable')
    expect(factsOf(error).reach).toBe('broken')
  })

  test('[K18] given an HTML page that shows an example of a response, when the source reads it, then it takes no token from it', async () => {
    const page = `<!DOCTYPE html><pre>${JSON.stringify(TOKEN)}</pre><script>x = ${JSON.stringify(TOKEN)}</script>}`
    const error = await failure(redeem(page, 200, { 'content-type': 'text/html' }))
    expect(error.code).toBe('source_unavailable')
    expect(factsOf(error).received).toBeUndefined()
  })

  test('[K18] given a refusal as a form that is labelled as HTML, when a login is refreshed, then the login does not end', async () => {
    const error = await failure(redeem('error=invalid_grant', 400, { 'content-type': 'text/html' }))
    expect([error.code, error.terminal]).toEqual(['source_unavailable', false])
  })

  test('[K18] given an echo of the request at any depth, when the source reads it, then it takes no token from it', async () => {
    const form = { grant_type: 'refresh_token', refresh_token: CURRENT.refreshToken }
    const error = await failure(redeem({ json: null, data: '', form, headers: {} }))
    expect(error.code).toBe('source_invalid')
    expect(factsOf(error).received).toBeUndefined()
  })

  test('[K9, K18] given a response with more members than the source searches, when a login is refreshed, then its new refresh token is kept', async () => {
    const members = Object.fromEntries(Array.from({ length: 5_000 }, (_, n) => [`m${n}`, n]))
    const error = await failure(redeem({ ...TOKEN, ...members }))
    expect([error.code, error.message]).toEqual(['source_invalid', expect.stringContaining('cannot be read')])
    expect(factsOf(error).received).toEqual({ refreshToken: 'rotated' })
  })

  test('[K1] given a placeholder instead of the access token, when a login is refreshed, then the source refuses it, and keeps the new refresh token', async () => {
    const error = await failure(redeem({ ...TOKEN, access_token: 'undefined' }))
    expect(error.code).toBe('source_invalid')
    expect(factsOf(error).received).toMatchObject({ refreshToken: 'rotated' })
  })
})

describe('a refusal', () => {
  test.each(['INVALID_GRANT', 'invalid-grant'])(
    '[K3, K18] given the code %s, when the source reads it, then it counts as invalid_grant',
    async (error) => {
      expect((await failure(redeem({ error }, 400))).code).toBe('reauthentication_required')
    },
  )

  // Only `error` of a JSON object ends a login. For these responses the message advises a new login.
  test.each<[string, Body, number?, Record<string, string>?]>([
    ['X', { error: 'invalid_request', error_description: 'Value passed for the token was invalid.' }],
    ['HubSpot', { status: 'BAD_REFRESH_TOKEN', message: 'missing or invalid refresh token' }],
    ['HubSpot’s next version', { category: 'VALIDATION_ERROR', message: 'Invalid refresh token' }],
    ['Bitbucket', { error: 'invalid_request', error_description: 'Invalid refresh_token' }],
    ['Square', { message: 'Invalid refresh token', type: 'service.not_authorized' }, 401],
    ['WeChat', { errcode: 40_030, errmsg: 'invalid refresh_token' }, 200],
    ['AWS', { __type: 'com.amazonaws#NotAuthorizedException', message: 'Refresh Token has expired' }],
    ['a list of errors', { errors: [{ code: 'bad_token', message: 'the session has expired' }] }],
    [
      'a header alone',
      '',
      401,
      { 'www-authenticate': 'Bearer error_description="The refresh token expired"' },
    ],
  ])(
    '[K15, E1] given a refusal in the words of %s, when a login is refreshed, then the login does not end, and the message says what to do',
    async (_, body, status = 400, headers = JSON_TYPE) => {
      const error = await failure(redeem(body, status, headers))
      expect(error.code).toBe('source_refused')
      expect(error.terminal).toBe(false)
      expect(error.message).toMatch(/saying ".*(?:token|session)/i)
      expect(error.message).toContain("client 'app' (client_secret_basic)")
      expect(error.message).toMatch(/log in again\.$/)
    },
  )

  test.each<[string, Body, number?]>([
    ['a code of rates', { error: 'too_many_requests' }],
    ['a code of AWS', { __type: 'com.amazonaws#TooManyRequestsException' }],
    ['an error inside', { error: 'internal_error' }, 401],
  ])(
    '[K3] given %s, when the source reads it, then the code is source_unavailable',
    async (_, body, status = 400) => {
      expect((await failure(redeem(body, status))).code).toBe('source_unavailable')
    },
  )

  test.each<[string, number, number?]>([
    ['of a server whose time agrees', 30_000],
    ['of a server whose time is an hour ahead', 3_630_000, 3_600_000],
    ['of a server whose time is an hour behind', 30_000 - 3_600_000, -3_600_000],
  ])(
    '[K9] given a Retry-After that is a date %s, when the source reads it, then the pause is half a minute',
    async (_, after, ahead) => {
      const now = new ManualClock().now()
      const date = (ms: number): string => new Date(now + ms).toUTCString()
      const told: Record<string, string> = ahead === undefined ? {} : { date: date(ahead) }
      expect(await failure(redeem({}, 429, { 'retry-after': date(after), ...told }))).toMatchObject({
        retryAfterMs: 30_000,
      })
      const seconds = String((now + after) / 1000)
      expect(await failure(redeem({}, 429, { 'retry-after': seconds, ...told }))).toMatchObject({
        retryAfterMs: 30_000,
      })
    },
  )

  test('[K9] given a response from a cache, when the source reads its Retry-After, then it does not use the date of that response', async () => {
    const now = new ManualClock().now()
    const headers = {
      'retry-after': new Date(now + 9_000).toUTCString(),
      date: new Date(now - 600_000).toUTCString(),
      age: '600',
    }
    expect(await failure(redeem({}, 503, headers))).toMatchObject({ retryAfterMs: 9_000 })
  })

  test('[K9] given a 403 with a Retry-After, when the source reads it, then the error holds that pause', async () => {
    const error = await failure(
      redeem({ message: 'secondary rate limit' }, 403, { ...JSON_TYPE, 'retry-after': '60' }),
    )
    expect(error.retryAfterMs).toBe(60_000)
  })

  test.each<[string, Body, number, Record<string, string>?]>([
    ['nothing', '', 400],
    ['a sentence', 'Unsupported Media Type', 415, { 'content-type': 'text/plain' }],
    ['a JSON text', '"no such tenant"', 400],
    ['a list of details', { detail: [{ loc: ['body'], msg: 'field required' }] }, 422],
    ['no token', { code: 99_991_663, msg: 'token attach failed' }, 200],
    ['nothing at all', '', 204],
    ['its JSON cut off', '{"access_tok', 200],
    ['not modified', '', 304],
  ])(
    '[E1] given the response “%s”, when the source reads it, then the message says what came, and what to do',
    async (_, body, status, headers) => {
      const { message } = await failure(redeem(body, status, headers))
      expect(message).toMatch(/^auth\.example\.com (?:refuses|responded|redirects)/)
      expect(message).toMatch(/\?$/)
      const words = /Unsupported Media Type|no such tenant|field required|attach failed/.exec(message)
      expect(words !== null).toBe(typeof body === 'object' || body.includes(' '))
    },
  )

  test('[K7, Z1] given a redirect, when the source gets it, then the message names the host, and nothing else of the URL', async () => {
    const location = `https://login.example.net/${CURRENT.refreshToken}?code=${SECRET}`
    const error = await failure(redeem('', 302, { location }))
    expect(error.message).toContain('redirects to login.example.net,')
    expect(printed(error)).not.toContain('canary')
    const host = await failure(redeem('', 302, { location: `https://${CURRENT.refreshToken}.example.net/` }))
    expect(host.message).toContain('redirects, which')
  })
})

describe('a login by device', () => {
  const login = (polls: readonly [Body, number][]) => {
    const clock = new ManualClock()
    let polled = 0
    const done = deviceLogin({
      tokenEndpoint: 'https://auth.example.com/token',
      deviceAuthorizationEndpoint: 'https://auth.example.com/device',
      clientId: 'app',
      clock,
      onPrompt: () => undefined,
      fetch: async (input) => {
        const isPrompt = new Request(input).url.endsWith('/device')
        const verification = {
          deviceCode: 'd',
          userCode: 'AB',
          verificationUri: 'https://auth.example.com/x',
        }
        const [body, status] = isPrompt
          ? ([{ ...verification, expiresIn: 60, interval: 5 }, 200] as const)
          : (polls[polled++] ?? (['', 500] as const))
        return new Response(bytesOf(body), { status, headers: JSON_TYPE })
      },
    })
    return { clock, done, polled: () => polled }
  }

  test('[K5] given a server with its own spelling of OAuth’s names, when a person logs in by device, then the login gets a token', async () => {
    const { clock, done, polled } = login([
      [{ error: 'AUTHORIZATION_PENDING' }, 400],
      [{ error: 'authorization_pending: The user has not confirmed' }, 403],
      [{ AccessToken: 'fresh' }, 200],
    ])
    for (let n = 0; n < 10 && polled() < 3; n++) await clock.advance(5_000)
    expect((await done).accessToken).toBe('fresh')
    expect(polled()).toBe(3)
  })

  test("[K3, E1] given a person who declined, when the server says so, also with Auth0's 403, then the error says so", async () => {
    const { clock, done, polled } = login([
      [{ error: 'access_denied', error_description: 'User cancelled' }, 403],
    ])
    const failed = failure(done)
    for (let n = 0; n < 10 && polled() < 1; n++) await clock.advance(5_000)
    const { code, message } = await failed
    expect(code).toBe('reauthentication_required')
    expect(message).toBe(
      'The person, or a rule of the server, declined the login, saying "User cancelled": log in again.',
    )
  })
})
