import fc from 'fast-check'
import { RefreshError } from '../../src/index.ts'

const NAMES =
  'access_token refresh_token token_type expires_in expires_at error error_description scope data token issuer token_endpoint claims code message __proto__ constructor grant_type user_code device_code verification_uri interval'.split(
    ' ',
  )

/** A value as a hostile or broken server may write it. */
const value = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.string({ maxLength: 40, unit: 'binary' }),
  fc.constantFrom(
    'x\r\ny: z',
    '\u001B[2J',
    '\u202E',
    '\uD800',
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

/** A body: JSON, which may be nested or cut off, a form, XML, or any text. */
export const bodies: fc.Arbitrary<string> = fc.oneof(
  object.map((fields) => JSON.stringify(fields)),
  object.map((fields) => JSON.stringify({ data: fields })),
  object.map((fields) => JSON.stringify(fields).slice(0, -3)),
  // A repeated name.
  fc
    .tuple(object, object)
    .map(([one, other]) => `${JSON.stringify(one).slice(0, -1)},${JSON.stringify(other).slice(1)}`),
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

/** A whole response: body, status, content type. */
export const responses: fc.Arbitrary<readonly [string, number, string]> = fc.tuple(
  bodies,
  fc.constantFrom(200, 200, 200, 201, 204, 302, 400, 401, 403, 404, 429, 500, 503),
  fc.constantFrom(
    'application/json',
    'text/plain',
    'text/html',
    'application/x-www-form-urlencoded',
    '',
    'a/b;'.repeat(9),
  ),
)

/** A `WWW-Authenticate` header. */
export const challenges: fc.Arbitrary<string> = fc
  .tuple(
    fc.constantFrom('Bearer ', 'Bearer claims="', ', claims = "', '\\"'.repeat(6_000)),
    fc.oneof(
      bodies.map((json) => Buffer.from(json).toString('base64')),
      fc.string({ maxLength: 300 }),
    ),
  )
  .map(([before, claims]) => `${before}claims="${claims}"`)

/** A point in time. */
export const instants: fc.Arbitrary<unknown> = fc.oneof(
  value,
  fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
  fc.constantFrom(
    `2026-01-01${' '.repeat(90_000)}x`,
    `2026-01-01T00:00:00${'0'.repeat(90_000)}`,
    ` ${'9'.repeat(90_000)} `,
  ),
)

/** A value that a driver, a library or the platform may throw. */
export const thrown: fc.Arbitrary<unknown> = fc.oneof(
  value,
  fc.constantFrom<unknown>(
    new RefreshError('source_unavailable', 'x', { retryAfterMs: 5n as never }),
    new RefreshError('source_unavailable', 'x', { retryAfterMs: '5' as never }),
    Object.assign(new RefreshError('source_unavailable', 'x'), { retryAfterMs: 5n }),
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
  fc.tuple(object, value, value, value).map(([members, message, cause, errors]) =>
    Object.assign(new Error(JSON.stringify(message), { cause }), {
      errors,
      response: { data: members },
    }),
  ),
)

/** A stored record with odd members. */
export const records: fc.Arbitrary<string> = fc.oneof(
  bodies,
  fc
    .dictionary(
      fc.constantFrom(
        'format',
        'version',
        'key',
        'token',
        'failure',
        'madeFor',
        'triedSeeds',
        'session',
        'revision',
        'later',
      ),
      value,
      { maxKeys: 4 },
    )
    .map((odd) => JSON.stringify({ ...RECORD, ...odd })),
  object.map((token) => JSON.stringify({ ...RECORD, token: { accessToken: 'a', ...token } })),
)
const RECORD = {
  format: 'llm-refresh/token',
  version: 1,
  key: 'me',
  token: { accessToken: 'a', refreshToken: 'r', expiresAt: 1 },
  failure: { code: 'source_refused', terminal: false, at: 1 },
  triedSeeds: ['1:2'],
}

/** Targets of requests to a loopback redirect. */
export const targets: fc.Arbitrary<string> = fc.oneof(
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

/** Named bodies of about `length` characters. A reader whose time is not linear is slow on one of them. */
export function largeBodies(length: number): readonly (readonly [string, string])[] {
  const times = (text: string): string => text.repeat(Math.ceil(length / text.length))
  const deep = Math.ceil(length / 9)
  return [
    ['tags', times('<a>')],
    ['tags that close', `<a>${times('<b>1</b>')}</a>`],
    ['form fields', times('&=')],
    ['a form', `access_token=a${times('&a=b')}`],
    ['a form that is none', `${times('a=b&')}<`],
    ['escapes of a form', `a=${times('%')}`],
    ['names', times('"refresh_token":')],
    ['names with blanks', times(`"refresh_token"${' '.repeat(16)}:`)],
    ['open braces', times('{')],
    ['open brackets', times('[')],
    ['quotes', times('"')],
    ['backslashes', `"${times('\\')}`],
    ['blanks', times(' ')],
    ['blanks at the end', `a${times(' ')}a`],
    ['lines', times('\r\n')],
    ['marks', times('\uFEFF')],
    ['depth', `${'{"data":'.repeat(deep)}1${'}'.repeat(deep)}`],
    ['members', `{"access_token":"a",${times('"a":1,')}"z":1}`],
    [
      'different members',
      `{${Array.from({ length: Math.ceil(length / 12) }, (_, n) => `"${n}":${n}`).join(',')}}`,
    ],
    ['digits', `{"access_token":"a","expires_in":${times('9')}}`],
    ...NAMES.map((name): [string, string] => [
      `words in ${name}`,
      JSON.stringify({ access_token: 'a', [name]: times('a ') }),
    ]),
    ...['error', 'error_description', 'access_token', 'refresh_token'].map((name): [string, string] => [
      `one word in ${name}`,
      JSON.stringify({ access_token: 'a', [name]: times('a1') }),
    ]),
  ]
}

/** Named headers of about `length` characters. */
export function largeChallenges(length: number): readonly (readonly [string, string])[] {
  const times = (text: string): string => text.repeat(Math.ceil(length / text.length))
  return [
    ['names', times('claims=')],
    ['names with blanks', times(`claims${' '.repeat(8)}=`)],
    ['open quotes', times(' claims="')],
    ['backslashes', `claims="${times('\\')}`],
    ['escaped quotes', `claims="${times('\\"')}`],
    ['commas', times(',')],
    ['claims', `claims="${btoa(`{"a":"${times('b')}"}`)}"`],
    ['deep claims', `claims="${btoa(times('{"a":'))}"`],
  ]
}

/** Named errors with texts of about `length` characters. */
export function largeThrown(length: number): readonly (readonly [string, unknown])[] {
  const long = (text: string): string => text.repeat(Math.ceil(length / text.length))
  const chain = (links: number): unknown => {
    let error: unknown = undefined
    for (let n = 0; n < links; n++) error = new Error('x', { cause: error })
    return error
  }
  return [
    ...['a', 'a ', ' ', 'a1', '\n', "'", ' - ', 'connect ECONNRESET ', 'AADSTS'].map(
      (text): [string, unknown] => [
        `a message of ${JSON.stringify(text)}`,
        Object.assign(new Error(long(text)), { code: long(text), response: { data: { error: long(text) } } }),
      ],
    ),
    ['a chain of causes', chain(Math.ceil(length / 1_000))],
    [
      'many errors',
      Object.assign(new Error('x'), {
        errors: Array.from({ length: Math.ceil(length / 10) }, () => new Error('y')),
      }),
    ],
  ]
}
