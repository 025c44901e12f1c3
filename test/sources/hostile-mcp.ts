import assert from 'node:assert/strict'
import fc from 'fast-check'
import { memoryStore } from '../../src/index.ts'
import { Discovery } from '../../src/sources/mcp/discovery.ts'
import { mcpLogin } from '../../src/sources/mcp/index.ts'
import { register } from '../../src/sources/mcp/register.ts'
import { readHttp } from '../../src/sources/shared/token-request.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { bodies, challenges, largeBodies, largeChallenges } from './hostile-inputs.ts'
import { checkBound, checkError, LONGEST, type Reader } from './hostile-reader.ts'

const SERVER = 'https://mcp.example.com/mcp'
const ISSUER = 'https://auth.example.com'
const METADATA = {
  issuer: ISSUER,
  token_endpoint: `${ISSUER}/token`,
  authorization_endpoint: `${ISSUER}/authorize`,
  code_challenge_methods_supported: ['S256'],
  registration_endpoint: `${ISSUER}/register`,
}
const RESOURCE = { resource: SERVER, authorization_servers: [ISSUER] }

/** URLs to which a hostile server may send a client. */
const places = fc.oneof(
  fc.constantFrom(
    SERVER,
    ISSUER,
    `${ISSUER}/`,
    'https://mcp.example.com',
    'https://mcp.example.com/other',
    'http://auth.example.com',
    'https://169.254.169.254/latest',
    'https://10.0.0.1',
    'https://[::1]',
    'https://[::ffff:10.0.0.1]',
    'https://2130706433/',
    'https://localhost./',
    'https://user:pass@auth.example.com',
    'https://auth.example.com#x',
    'https://auth.example.com?x=1',
    'javascript:alert(1)',
    'file:///etc/passwd',
    '//auth.example.com',
    'https://',
    'https://a\r\nb',
    `https://${'a.'.repeat(2_000)}example.com`,
  ),
  fc.webUrl(),
  fc.string({ maxLength: 60, unit: 'binary' }),
)
const part = fc.oneof(places, fc.array(places, { maxLength: 5 }), fc.jsonValue({ maxDepth: 2 }))
/** A document like `good` with odd members, any body, or `good` itself. */
const oddly = (good: object, names: readonly string[]): fc.Arbitrary<string> =>
  fc.oneof(
    {
      weight: 3,
      arbitrary: fc
        .dictionary(fc.constantFrom(...names), part, { maxKeys: 3 })
        .map((odd) => JSON.stringify({ ...good, ...odd })),
    },
    { weight: 1, arbitrary: bodies },
    { weight: 1, arbitrary: fc.constant(JSON.stringify(good)) },
  )
const resources = oddly(RESOURCE, ['resource', 'authorization_servers', 'scopes_supported', '__proto__'])
const issuers = oddly(METADATA, [
  'issuer',
  'token_endpoint',
  'authorization_endpoint',
  'registration_endpoint',
  'token_endpoint_auth_methods_supported',
  'code_challenge_methods_supported',
  'scopes_supported',
])

const status = fc.constantFrom(200, 200, 200, 200, 201, 302, 400, 401, 404, 429, 503)
const signal = new AbortController().signal

type Documents = readonly [resource: string, issuer: string, status: number, challenge: string]

/** Runs a discovery. It must send few requests, only over https, and none into a private network. */
async function discover([resource, issuer, code, challenge]: Documents): Promise<void> {
  const asked: URL[] = []
  const fetch: typeof globalThis.fetch = async (input) => {
    const url = new URL(new Request(input).url)
    asked.push(url)
    const isServer = url.hostname === 'mcp.example.com'
    return new Response(isServer ? resource : issuer, { status: isServer ? code : 200 })
  }
  const http = readHttp({ fetch, clock: new ManualClock() })
  const discovery = new Discovery(SERVER, {}, http)
  await discovery.find(challenge, signal).then((found) => {
    checkBound(found)
    assert.equal(new URL(found.resource).origin, 'https://mcp.example.com')
    assert.equal(found.described.metadata.issuer, found.issuer)
  }, checkError)
  assert(asked.length <= 8, 'it asks too often')
  for (const { protocol, hostname, username } of asked) {
    assert.equal(`${protocol}${username}`, 'https:')
    assert.doesNotMatch(hostname, /^(?:10|127|169\.254)\.|^\[|localhost/)
  }
}

async function registerWith([body, code]: readonly [string, number]): Promise<void> {
  const fetch = async (): Promise<Response> => new Response(body, { status: code })
  const http = readHttp({ fetch, clock: new ManualClock() })
  const described = { metadata: METADATA, unusable: new Set<never>() }
  const client = { clientName: 'app', redirectUri: 'http://127.0.0.1/callback' }
  await register(http, { described }, client, signal).then((registered) => {
    const { id, secret = '', expiresAt = 0 } = registered
    assert(id !== '' && id.length <= 4_096, 'the id is not bounded')
    assert(secret.length <= 4_096, 'the secret is not bounded')
    assert(Number.isFinite(expiresAt))
    checkBound(registered)
  }, checkError)
}

/** Begins a login, and finishes it with a hostile callback. */
async function comeBack([query, isState]: readonly [string, boolean]): Promise<void> {
  const fetch: typeof globalThis.fetch = async (input) => {
    const { hostname, pathname } = new URL(new Request(input).url)
    if (pathname === '/token') return Response.json({ access_token: 'a', token_type: 'Bearer' })
    return Response.json(hostname === 'mcp.example.com' ? RESOURCE : METADATA)
  }
  const login = mcpLogin(SERVER, { clientId: 'app', fetch, clock: new ManualClock(), store: memoryStore() })
  const { url, binding } = await login.begin()
  const state = isState ? `state=${new URL(url).searchParams.get('state')}&` : ''
  await login.finish(`/callback?${state}${query}`, { binding }).then(({ accessToken }) => {
    assert.equal(accessToken, 'a')
  }, checkError)
}

const queries = fc.oneof(
  fc
    .array(
      fc.tuple(fc.constantFrom('code', 'state', 'iss', 'error', 'error_description', 'response', 'x'), part),
      {
        maxLength: 4,
      },
    )
    .map((fields) =>
      new URLSearchParams(
        fields.map(([name, value]): [string, string] => [
          name,
          typeof value === 'string' ? value : JSON.stringify(value),
        ]),
      ).toString(),
    ),
  fc.string({ maxLength: 80, unit: 'binary' }),
  fc.constantFrom(
    'code=x',
    'code=',
    'code=a&code=b',
    'error=access_denied',
    `iss=${encodeURIComponent(ISSUER)}&code=x`,
  ),
)

/** Readers of what MCP servers, their authorization servers, and browsers send. */
export const MCP_READERS: readonly Reader[] = [
  {
    name: 'metadata of MCP servers',
    inputs: fc.tuple(resources, issuers, status, challenges),
    share: 80,
    read: discover,
    large: (size) => [
      ...largeBodies(Math.floor(LONGEST * size)).flatMap(([name, body]): [string, Documents][] => [
        [`the resource’s, ${name}`, [body, '{}', 200, '']],
        [`the issuer’s, ${name}`, [JSON.stringify(RESOURCE), body, 200, '']],
      ]),
      ...largeChallenges(Math.floor(16_384 * size)).map(([name, challenge]): [string, Documents] => [
        `a challenge, ${name}`,
        [JSON.stringify(RESOURCE), JSON.stringify(METADATA), 200, challenge],
      ]),
    ],
  },
  {
    name: 'registrations',
    inputs: fc.tuple(
      oddly({ client_id: 'a', client_secret: 'b' }, [
        'client_id',
        'client_secret',
        'client_secret_expires_at',
        'token_endpoint_auth_method',
        'error',
        'error_description',
      ]),
      status,
    ),
    share: 30,
    read: registerWith,
    large: (size) => {
      const long = 'a1'.repeat(Math.floor((LONGEST * size) / 2))
      return [
        ...largeBodies(Math.floor(LONGEST * size)).map(([name, body]): [string, unknown] => [
          name,
          [body, 201],
        ]),
        ['a long id', [JSON.stringify({ client_id: long }), 201]],
        ['a long secret', [JSON.stringify({ client_id: 'a', client_secret: long }), 201]],
      ]
    },
  },
  {
    name: 'callbacks of MCP logins',
    inputs: fc.tuple(queries, fc.boolean()),
    share: 20,
    read: comeBack,
    large: (size) =>
      ['code=', 'error=', 'iss=', 'error_description='].flatMap((name) =>
        ['%', 'a=b&', 'state=x&', 'a', '\n'].map((text): [string, unknown] => [
          `${name} and ${JSON.stringify(text)}`,
          [name + text.repeat((16_000 * size) / text.length), true],
        ]),
      ),
  },
]
