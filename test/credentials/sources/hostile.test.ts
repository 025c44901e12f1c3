import { connect } from 'node:net'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { asRefreshError } from '../../../src/core/events.ts'
import { claimsOf } from '../../../src/credentials/challenge.ts'
import { cloudFailure } from '../../../src/credentials/cloud-failure.ts'
import { connectionOf } from '../../../src/credentials/connection.ts'
import { readInstant } from '../../../src/credentials/instant.ts'
import { readOutput } from '../../../src/credentials/read-output.ts'
import { browserLogin } from '../../../src/credentials/sources/oauth-browser.ts'
import { deviceLogin } from '../../../src/credentials/sources/oauth.ts'
import { readMetadata } from '../../../src/credentials/sources/oauth/metadata.ts'
import { readTokens } from '../../../src/credentials/token-endpoint.ts'
import { type AccessToken, RefreshError } from '../../../src/index.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const NOW = Date.UTC(2026, 10, 1)
const NAMES =
  'access_token refresh_token token_type expires_in expires_at error error_description scope data token issuer token_endpoint claims code message __proto__ constructor grant_type user_code device_code verification_uri interval'.split(
    ' ',
  )

/** What a hostile or broken server puts where a value belongs. */
const value = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.string({ maxLength: 40, unit: 'binary' }),
  fc.constantFrom(
    'x\r\ny: z',
    '\u001B[2J',
    '\u202E',
    'Bearer',
    'DPoP',
    'invalid_grant',
    '9'.repeat(400),
    -1,
    0,
    1e308,
    2 ** 31,
    '',
    null,
    true,
    [],
    {},
  ),
  fc.nat({ max: 300 }).map((length) => 'a '.repeat(length)),
)
const object = fc.dictionary(fc.constantFrom(...NAMES), value, { maxKeys: 8 })
const nested = fc.nat({ max: 300 }).map((depth) => `${'{"data":'.repeat(depth)}1${'}'.repeat(depth)}`)
const text = fc.oneof(
  object.map((fields) => JSON.stringify(fields)),
  object.map((fields) => JSON.stringify({ data: fields })),
  object.map((fields) => JSON.stringify(fields).slice(0, -3)),
  object.map((fields) =>
    new URLSearchParams(
      Object.entries(fields).map(([name, given]) => [name, JSON.stringify(given)]),
    ).toString(),
  ),
  object.map(
    (fields) =>
      `<a>${Object.entries(fields)
        .map(([name, given]) => `<${name}>${JSON.stringify(given)}</${name}>`)
        .join('')}</a>`,
  ),
  fc.string({ maxLength: 200, unit: 'binary' }),
  nested,
)
/** Long enough to show what is not linear; a few of each kind. */
const LONG = [
  '<a>'.repeat(20_000),
  '&='.repeat(40_000),
  `a=${'%'.repeat(60_000)}`,
  '"refresh_token":'.repeat(9_000),
  '{'.repeat(100_000),
  '['.repeat(100_000),
  `${'{"data":'.repeat(20_000)}1${'}'.repeat(20_000)}`,
  ...NAMES.map((name) => JSON.stringify({ access_token: 'a', [name]: 'a '.repeat(50_000) })),
]

const type = fc.constantFrom(
  'application/json',
  'text/plain',
  'text/html',
  'application/x-www-form-urlencoded',
  '',
  'a/b;'.repeat(9),
)
const status = fc.constantFrom(200, 200, 200, 201, 204, 302, 400, 401, 403, 404, 429, 500, 503)

const whole = (body: string, code: number, label: string) => ({
  host: 'auth.example.com',
  response: new Response(code === 204 ? null : '', {
    status: code,
    headers: label === '' ? {} : { 'content-type': label },
  }),
  text: body,
  sentAt: NOW,
  secrets: ['canary'],
})
const ASKING = { person: true, spends: true, carriesClaims: true, isSigned: true }

/** It gives something bounded, or fails with an error of ours that can be shown. */
function check(read: () => unknown): void {
  try {
    expect(JSON.stringify(read() ?? null).length).toBeLessThan(400_000)
  } catch (error) {
    checkError(error)
  }
}

function checkError(error: unknown): void {
  if (!(error instanceof RefreshError)) throw error
  expect(error.message.length).toBeLessThan(1_500)
  // oxlint-disable-next-line no-control-regex
  expect(error.message).not.toMatch(/[\u0000-\u001F\u202E]/)
}

const property = (
  numRuns: number,
  arbitraries: fc.Arbitrary<unknown>[],
  read: (...given: never[]) => void,
): void => {
  fc.assert(
    fc.property(fc.tuple(...arbitraries), (given) => read(...(given as never[]))),
    { numRuns },
  )
}

test.each(LONG.map((body) => [body.slice(0, 40), body] as const))(
  '[K18] however long: %s',
  async (_, body) => {
    for (const label of ['application/json', 'text/html', '']) {
      check(() => readTokens(whole(body, 200, label), ASKING, NOW))
      check(() => readTokens(whole(body, 400, label), ASKING, NOW))
    }
    check(() => readMetadata(whole(body, 200, ''), new URL('https://auth.example.com'), []))
    await readOutput(body, { of: 'x', since: NOW }).catch(checkError)
  },
)

test('[K18, Z1] token responses', () => {
  property(4_000, [text, status, type], (body: string, code: number, label: string) => {
    check(() => {
      const token = readTokens(whole(body, code, label), ASKING, NOW)
      expect(token.accessToken).toMatch(/^[\u0021-\u007E]+$/)
      expect(JSON.stringify(token.extra ?? {}).length).toBeLessThan(20_000)
      return token
    })
  })
})

test('[K18] metadata', () => {
  const read = (body: string): void =>
    check(() => readMetadata(whole(body, 200, ''), new URL('https://auth.example.com'), []))
  expect(() => property(4_000, [text], read)).not.toThrow()
})

test('[K18] challenges', () => {
  const claims = fc.oneof(
    text.map((json) => Buffer.from(json).toString('base64')),
    fc.string({ maxLength: 300 }),
  )
  const challenge = fc.tuple(
    fc.constantFrom('Bearer ', 'Bearer claims="', ', claims = "', '\\"'.repeat(6_000)),
    claims,
  )
  const read = ([before, given]: [string, string]): void =>
    check(() => claimsOf(`${before}claims="${given}"`))
  expect(() => property(4_000, [challenge], read)).not.toThrow()
})

test('[K1] points in time', () => {
  const dates = fc.oneof(
    value,
    fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
    fc.constantFrom(
      `2026-01-01${' '.repeat(90_000)}x`,
      `2026-01-01T00:00:00${'0'.repeat(90_000)}`,
      ` ${'9'.repeat(90_000)} `,
    ),
  )
  property(3_000, [dates], (given: unknown) => {
    const at = readInstant(given, NOW)
    expect(at === undefined || (at >= Date.UTC(2000) && Number.isFinite(at))).toBe(true)
  })
})

test('[K18, Z1] what a helper prints', async () => {
  await fc.assert(
    fc.asyncProperty(text, async (printed) => {
      await readOutput(printed, { of: 'What helper printed', since: NOW }).then(
        (token: AccessToken) => expect(token.accessToken).toMatch(/^[\u0021-\u007E]+$/),
        checkError,
      )
    }),
    { numRuns: 3_000 },
  )
})

test('[C14] whatever is thrown becomes an error that can be reckoned with', () => {
  const thrown = fc.oneof(
    value,
    fc.constantFrom<unknown>(
      new RefreshError('source_unavailable', 'x', { retryAfter: 5n as never }),
      new RefreshError('source_unavailable', 'x', { retryAfter: '5' as never }),
      Object.assign(new RefreshError('source_unavailable', 'x'), { retryAfter: 5n }),
      new Proxy(new RefreshError('source_unavailable', 'x'), {
        get: () => {
          throw new Error('trap')
        },
      }),
      {
        cause: {
          get code(): never {
            throw new Error('trap')
          },
        },
        errors: [1, null, {}],
      },
      Object.assign(new Error('x'), { response: { headers: { get: () => 7 }, data: '{' } }),
    ),
  )
  property(1_000, [thrown], (given: unknown) => {
    const { retryAfter, code } = asRefreshError(given)
    expect(retryAfter === undefined || typeof retryAfter === 'number').toBe(true)
    expect(code).toMatch(/^[a-z_]+$/)
    expect(connectionOf(given).why.length).toBeLessThan(600)
    if (given instanceof RefreshError) return
    const remedy = { who: 'Cloud', logIn: 'log in', configure: 'configure', login: /\blogin\b/ }
    check(() => cloudFailure(given, remedy, NOW).message)
  })
})

test('[K18] device responses', async () => {
  const clock = new ManualClock()
  await fc.assert(
    fc.asyncProperty(text, async (body) => {
      const stop = new AbortController()
      const login = deviceLogin({
        tokenEndpoint: 'https://auth.example.com/token',
        deviceAuthorizationEndpoint: 'https://auth.example.com/device',
        clientId: 'app',
        clock,
        signal: stop.signal,
        fetch: async () => new Response(body),
        onPrompt: ({ userCode, verificationUri }) => {
          expect(`${userCode}${verificationUri}`).not.toMatch(/\p{C}/u)
          stop.abort(new RefreshError('refresh_failed', 'stopped'))
        },
      })
      await login.then(() => undefined, checkError)
    }),
    { numRuns: 800 },
  )
  expect(clock.armed).toBe(0)
})

test('[K18] whatever is sent to the loopback redirect, the login waits on', async () => {
  const stop = new AbortController()
  let told = (_redirect: URL): void => undefined
  const listening = new Promise<URL>((resolve) => {
    told = resolve
  })
  const login = browserLogin({
    tokenEndpoint: 'https://auth.example.com/token',
    authorizationEndpoint: 'https://auth.example.com/auth',
    clientId: 'app',
    signal: stop.signal,
    open: (link) => told(new URL(new URL(link).searchParams.get('redirect_uri') ?? '')),
  }).catch((error: unknown) => error)
  const redirect = await listening
  const port = Number(redirect.port)
  const target = fc.oneof(
    fc.constantFrom(
      '//[',
      '//',
      'http://[',
      '*',
      'http://:99999999',
      '//\u00FF%',
      '//[::1',
      String.raw`/\\[`,
      '///[',
      '/callback?state=x',
      '/callback?state=%',
      '/%',
    ),
    fc.string({ maxLength: 60 }).map((path) => `/${path.replaceAll(/\s/g, '')}`),
  )
  const send = (line: string): Promise<void> =>
    new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1', () =>
        socket.end(`${line}\r\nHost: a\r\nConnection: close\r\n\r\n`),
      )
      socket.on('data', () => undefined).on('close', () => resolve())
      socket.on('error', () => resolve())
    })
  await fc.assert(
    fc.asyncProperty(fc.constantFrom('GET', 'POST', 'OPTIONS', '\u0000'), target, async (method, path) => {
      await send(`${method} ${path} HTTP/1.1`)
    }),
    { numRuns: 200 },
  )
  const reason = new Error('enough')
  stop.abort(reason)
  expect(await login).toBe(reason)
})
