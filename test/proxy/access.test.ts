import { once } from 'node:events'
import { Agent, get, type IncomingMessage } from 'node:http'
import { expect, onTestFinished, test } from 'vitest'
import { Refreshable } from '../../src/index.ts'
import { createProxy, createProxyKey, type ProxyOptions } from '../../src/proxy/index.ts'
import { tokens } from '../surfaces/fetch/cells.ts'
import { ask, errorIn, KEY, say, serve, startProxy } from './proxies.ts'

const upstream = () => serve((_, response) => response.end('ok'))

test('[X1] given no key, a wrong one, or one of another proxy, when a request is made, then it is refused in the vendor’s shape, and nothing reaches the upstream', async () => {
  const server = await upstream()
  const { cell } = tokens()
  const { url, audited } = await startProxy({
    openai: { to: server.origin, credential: cell, preset: 'openai' },
    anthropic: { to: server.origin, credential: cell, preset: 'anthropic' },
    google: { to: server.origin, credential: cell, preset: 'google' },
  })
  const wrong = createProxyKey({ name: 'other' }).key
  const tries = [null, wrong, KEY.slice(0, -1), `${KEY}x`, KEY.toUpperCase(), 'x'.repeat(4_000)]
  for (const key of tries) {
    const { status, text, headers } = await ask(`${url}/openai/v1/models`, { key })
    expect([status, headers['x-should-retry'], errorIn(text).code]).toEqual([401, 'false', 'invalid_api_key'])
  }
  const [anthropic, google] = [
    await ask(`${url}/anthropic/v1/messages`, { method: 'POST', body: '{}', key: wrong }),
    await ask(`${url}/google/v1beta/models?key=${wrong}`, { key: null }),
  ]
  expect(JSON.parse(anthropic.text)).toMatchObject({ type: 'error', error: { type: 'authentication_error' } })
  expect(JSON.parse(google.text)).toMatchObject({ error: { code: 401, status: 'UNAUTHENTICATED' } })
  expect(server.requests).toEqual([])
  const entries = await audited(tries.length + 2)
  expect(new Set(entries.map(({ refused, key }) => `${refused} ${key}`))).toEqual(new Set(['key undefined']))
})

test('[X1, X6] given a key in any vendor’s place, when a request is made, then it is served, and the key does not reach the upstream', async () => {
  const server = await upstream()
  const { url } = await startProxy({
    api: { to: server.origin, credential: tokens().cell, apply: 'x-token' },
  })
  const served = [
    await ask(`${url}/api/v1/x?b=1`, {}),
    ...(await Promise.all(
      ['x-api-key', 'api-key', 'x-goog-api-key', 'X-Api-Key', 'authorization'].map((name) =>
        ask(`${url}/api/v1/x?b=1`, { key: null, headers: { [name]: KEY } }),
      ),
    )),
    await ask(`${url}/api/v1/x?b=1&key=${KEY}&c=2`, { key: null }),
  ]
  expect(served.map(({ status }) => status)).toEqual(served.map(() => 200))
  expect(JSON.stringify(server.requests.map(({ path, headers }) => [path, headers]))).not.toContain(KEY)
  expect(server.requests.at(-1)?.path).toBe('/v1/x?b=1&c=2')
  expect(server.sent('x-token')).toEqual(served.map(() => 't0'))
  // Another API's parameter of that name is none of our business.
  await ask(`${url}/api/kv?key=user-17`)
  expect(server.requests.at(-1)?.path).toBe('/kv?key=user-17')
})

test('[X1, X4] given a key for one route, when another is asked for, then it is refused; when the keys are replaced, then the old ones end at once', async () => {
  const server = await upstream()
  const { cell } = tokens()
  const { key, entry } = createProxyKey({ name: 'ci', routes: ['one'], preset: 'anthropic' })
  expect(key).toMatch(/^sk-ant-api03-/)
  const { url, proxy } = await startProxy(
    { one: { to: server.origin, credential: cell }, two: { to: server.origin, credential: cell } },
    { keys: [entry] },
  )
  const status = async (path: string): Promise<number> => (await ask(url + path, { key })).status
  expect([await status('/one/a'), await status('/two/a'), await status('/three/a')]).toEqual([200, 403, 404])
  expect(() => proxy.keys.replace([{ name: 'x', hash: 'short' }])).toThrow('64 hex digits')
  expect([await status('/one/a'), proxy.keys.names]).toEqual([200, ['ci']])
  proxy.keys.replace([createProxyKey({ name: 'next' }).entry])
  expect([await status('/one/a'), proxy.keys.names]).toEqual([401, ['next']])
  expect(server.requests.map(({ path }) => path)).toEqual(['/a', '/a'])
})

test('[X1] given a client that keeps its connection, when it shows another key, or its key is replaced, then the proxy judges each request by itself', async () => {
  const server = await upstream()
  const { url, proxy } = await startProxy({ api: { to: server.origin, credential: tokens().cell } })
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  onTestFinished(() => agent.destroy())
  const ports = new Set<number | undefined>()
  const status = async (headers: Record<string, string>): Promise<number | undefined> => {
    const sent = get(`${url}/api/x`, { agent, headers })
    const [response] = (await once(sent, 'response')) as [IncomingMessage]
    ports.add(response.socket.localPort)
    await once(response.resume(), 'end')
    return response.statusCode
  }
  const right = { authorization: `Bearer ${KEY}` }
  expect([await status(right), await status(right), await status({ 'x-api-key': KEY })]).toEqual([
    200, 200, 200,
  ])
  const wrong = `${KEY.slice(0, -1)}${KEY.endsWith('A') ? 'B' : 'A'}`
  expect([await status({ authorization: `Bearer ${wrong}` }), await status({}), await status(right)]).toEqual(
    [401, 401, 200],
  )
  expect(await status({ ...right, host: 'rebound.example' })).toBe(421)
  proxy.keys.replace([createProxyKey({ name: 'next' }).entry])
  expect(await status(right)).toBe(401)
  expect([ports.size, server.requests.length]).toEqual([1, 4])
})

test.each([
  ['a rebound name', { host: 'evil.example' }, 421],
  ['a rebound name with our port', { host: 'evil.example:80' }, 421],
  ['a name that ends like ours', { host: 'localhost.evil.example' }, 421],
  ['a name of this machine by DNS', { host: 'a.localhost' }, 421],
  ['a user before the host', { host: 'localhost@evil.example' }, 421],
  ['a page’s origin', { origin: 'https://evil.example' }, 403],
  ['a page without an origin', { origin: 'null' }, 403],
  ['a page of another port of this machine', { origin: 'http://localhost:3000' }, 403],
  ['a cross-site request', { 'sec-fetch-site': 'cross-site' }, 403],
  ['a same-site request', { 'sec-fetch-site': 'same-site' }, 403],
  ['a preflight', { origin: 'https://evil.example', 'access-control-request-method': 'POST' }, 403],
  ['a form that a page posts', { origin: 'null', 'content-type': 'text/plain' }, 403],
] as const)(
  '[X1] given %s, even with a key, when it asks, then it is refused without CORS, and nothing is sent',
  async (_, headers, expected) => {
    const server = await upstream()
    const { url } = await startProxy({ api: { to: server.origin, credential: tokens().cell } })
    for (const method of ['GET', 'POST', 'OPTIONS']) {
      const got = await ask(`${url}/api/v1/x`, { method, headers })
      expect(got.status).toBe(expected)
      expect(got.rawHeaders.join().toLowerCase()).not.toContain('access-control')
    }
    expect(server.requests).toEqual([])
  },
)

test('[X1] given a web page that hides its origin, when it posts a form, then the request has no key, and is refused', async () => {
  const server = await upstream()
  const { url } = await startProxy({ api: { to: server.origin, credential: tokens().cell } })
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  expect((await ask(`${url}/api/x`, { method: 'POST', headers, body: 'a=b', key: null })).status).toBe(401)
  expect(server.requests).toEqual([])
})

test.each([
  '/api/../other/x',
  '/api/v1/..',
  '/api/./x',
  '/api/%2e%2e/x',
  '/api/%2E./x',
  '/api/..%2fx',
  '/api/a%2f..%2f..%2fx',
  '/api/%252e%252e/x',
  '/api/%25252e%25252e/x',
  '/api/..;/x',
  '/api/..%5cx',
  '/api/\\..\\x',
  '/api/a%00b',
  '/api/a%0d%0ax: y',
  '/api/x#fragment',
  '//api/x',
  '/%61pi/x',
  '/api%2fx',
  '*',
  'http://127.0.0.1/api/x',
  'http://evil.example/api/x',
  'x',
])(
  '[X1, X4] given the path %s, when it is asked for, then it is refused, and nothing is sent',
  async (path) => {
    const server = await upstream()
    const { port } = await startProxy({ api: { to: `${server.origin}/base`, credential: tokens().cell } })
    const heard = await say(
      port,
      `GET ${path} HTTP/1.1\r\nHost: localhost\r\nApi-Key: ${KEY}\r\nConnection: close\r\n\r\n`,
    )
    expect(heard).toMatch(/^HTTP\/1\.1 40[04] /)
    expect(server.requests).toEqual([])
  },
)

test('[X2] given escapes and slashes that are part of a name, when a request is made, then they arrive as they are', async () => {
  const server = await upstream()
  const { url } = await startProxy({ api: { to: `${server.origin}/base/`, credential: tokens().cell } })
  for (const path of ['/a%2Fb/c%20d', '//x', '/.hidden/a..b/...', '/a;v=1/x?q=../..&r=%2e%2e', '', '/'])
    await ask(url, { path: `/api${path}` })
  expect(server.requests.map(({ path }) => path)).toEqual([
    '/base/a%2Fb/c%20d',
    '/base//x',
    '/base/.hidden/a..b/...',
    '/base/a;v=1/x?q=../..&r=%2e%2e',
    '/base',
    '/base/',
  ])
})

const LINES = `Host: localhost\r\nApi-Key: ${KEY}\r\nConnection: close\r\n`
const INNER = `GET /api/smuggled HTTP/1.1\r\nHost: localhost\r\nApi-Key: ${KEY}\r\n\r\n`
test.each([
  ['two lengths', `POST /api/x HTTP/1.1\r\n${LINES}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!`],
  [
    'a length and chunks',
    `POST /api/x HTTP/1.1\r\n${LINES}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${INNER}`,
  ],
  [
    'chunks that are not last',
    `POST /api/x HTTP/1.1\r\n${LINES}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${INNER}`,
  ],
  ['a blank before the colon', `POST /api/x HTTP/1.1\r\n${LINES}Content-Length : 5\r\n\r\nhello`],
  ['a folded line', `POST /api/x HTTP/1.1\r\n${LINES}X-A: 1\r\n b\r\n\r\n`],
  ['a bare line feed', `GET /api/x HTTP/1.1\n${LINES.replaceAll('\r', '')}\n`],
  ['a zero byte in a value', `GET /api/x HTTP/1.1\r\n${LINES}X-A: a\0b\r\n\r\n`],
  ['a bare carriage return', `GET /api/x HTTP/1.1\r\n${LINES}X-A: a\rX-B: c\r\n\r\n`],
  ['a negative length', `POST /api/x HTTP/1.1\r\n${LINES}Content-Length: -1\r\n\r\n`],
  ['a bad size of a chunk', `POST /api/x HTTP/1.1\r\n${LINES}Transfer-Encoding: chunked\r\n\r\nzz\r\n`],
  ['two hosts', `GET /api/x HTTP/1.1\r\n${LINES}Host: evil.example\r\n\r\n`],
  ['the same host twice', `GET /api/x HTTP/1.1\r\n${LINES}Host: localhost\r\n\r\n`],
  ['no host', `GET /api/x HTTP/1.0\r\nApi-Key: ${KEY}\r\n\r\n`],
  ['huge headers', `GET /api/x HTTP/1.1\r\n${LINES}X-A: ${'a'.repeat(70_000)}\r\n\r\n`],
  [
    'an origin behind many headers',
    `GET /api/x HTTP/1.1\r\n${LINES}${'a:\r\n'.repeat(2_100)}Origin: https://evil.example\r\n\r\n`,
  ],
  ['TRACE, which would show the credential', `TRACE /api/x HTTP/1.1\r\n${LINES}\r\n`],
  ['a tunnel', `CONNECT evil.example:443 HTTP/1.1\r\n${LINES}\r\n`],
  [
    'a handshake with a body',
    `GET /api/x HTTP/1.1\r\nHost: localhost\r\nApi-Key: ${KEY}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 5\r\n\r\nhello`,
  ],
  ['what is no HTTP', `\x16\x03\x01\x02\0\x01\0`],
])(
  '[X1] given %s, when the proxy gets it, then it is refused, and no complete request reaches the upstream',
  async (_, text) => {
    const server = await upstream()
    const { port } = await startProxy({ api: { to: server.origin, credential: tokens().cell } })
    const heard = await say(port, text)
    expect(heard === '' || /^HTTP\/1\.1 4\d\d /.test(heard) || heard.startsWith('HTTP/1.1 502')).toBe(true)
    expect(server.requests).toEqual([])
  },
)

test('[X1] [E1] given a program that takes the proxy for one of the machine, when it asks for a tunnel, then the response says what to do', async () => {
  const { port } = await startProxy({ api: { to: 'https://api.example.com', credential: tokens().cell } })
  const heard = await say(port, 'CONNECT api.example.com:443 HTTP/1.1\r\nHost: api.example.com:443\r\n\r\n')
  expect(heard).toMatch(/^HTTP\/1\.1 405 /)
  expect(heard).toContain('as a base URL, not as HTTPS_PROXY')
})

test('[X1] given a client that never ends its head, when its time is over, then its connection is closed', async () => {
  const { port } = await startProxy(
    { api: { to: 'http://127.0.0.1:9', credential: tokens().cell } },
    { timeouts: { requestHead: 50 } },
  )
  expect(await say(port, 'GET /api/x HTTP/1.1\r\nHost: localhost\r\n')).toMatch(/^HTTP\/1\.1 408 /)
})

test('[X1] given a client that never ends its body, when its time is over, then its connection is closed, and the upstream has no request', async () => {
  const server = await upstream()
  const { port } = await startProxy(
    { api: { to: server.origin, credential: tokens().cell } },
    { timeouts: { client: 50 } },
  )
  await say(port, `POST /api/x HTTP/1.1\r\n${LINES}Content-Length: 10\r\n\r\nhalf`)
  expect(server.requests).toEqual([])
})

test('[X1] given names of a compose network, when they are allowed, then they are served, and no others', async () => {
  const server = await upstream()
  const { url } = await startProxy(
    { api: { to: server.origin, credential: tokens().cell } },
    { allowHosts: ['LLM-Proxy'] },
  )
  const status = async (host: string): Promise<number> =>
    (await ask(`${url}/api/x`, { headers: { host } })).status
  expect([
    await status('llm-proxy:8080'),
    await status('127.0.0.1'),
    await status('[::1]:1'),
    await status('other'),
  ]).toEqual([200, 200, 200, 421])
})

const GOOD = {
  routes: {
    api: {
      to: 'https://api.example.com',
      credential: new Refreshable({ initial: 't', refresh: async () => 't' }),
    },
  },
  keys: [],
}
const route = (more: object): Partial<ProxyOptions> => ({ routes: { api: { ...GOOD.routes.api, ...more } } })
test.each<[string, Partial<ProxyOptions>, string]>([
  ['an address that others reach', { host: '0.0.0.0' }, 'allowRemote: true'],
  [
    'an upstream over plain http',
    route({ to: 'http://litellm:4000' }),
    "plainHttpOrigins: ['http://litellm:4000']",
  ],
  ['an upstream with a query', route({ to: 'https://api.example.com/?a=b' }), "'to' must be a URL"],
  ['an unknown preset', route({ preset: 'other' }), "'preset' must be one of"],
  ['an option that does not exist', route({ target: 'x' }), "'target' does not exist"],
  ['a name with a slash', { routes: { 'a/b': GOOD.routes.api } }, 'no segment of a path'],
  ['our own name', { routes: { '-': GOOD.routes.api } }, 'no segment of a path'],
  ['no routes', { routes: {} }, "'routes' must name an upstream"],
  [
    'a key for a route that does not exist',
    { keys: [createProxyKey({ name: 'k', routes: ['b'] }).entry] },
    "a route 'b'",
  ],
  ['a host with a port', { allowHosts: ['a:80'] }, 'without a port'],
  ['a timeout that is none', { timeouts: { head: 0 } }, "'timeouts.head' must be ms"],
])('[E1] given %s, when a proxy is created, then it says what is wrong', (_, options, said) => {
  expect(() => createProxy({ ...GOOD, ...options })).toThrow(said)
})

test('[E1] given a route that leads to the proxy itself, or a port that is taken, when it listens, then it says so', async () => {
  const { port } = await startProxy({ api: { to: 'https://api.example.com', credential: tokens().cell } })
  const taken = createProxy({ ...GOOD, port })
  await expect(taken.listen()).rejects.toThrow('EADDRINUSE')
  const loop = createProxy({
    ...GOOD,
    port: 0,
    routes: { api: { ...GOOD.routes.api, to: 'http://127.0.0.1:1' } },
  })
  const free = (await loop.listen()).port
  await loop.close()
  const again = createProxy({
    ...GOOD,
    port: free,
    routes: { api: { ...GOOD.routes.api, to: `http://localhost:${free}/api` } },
  })
  await expect(again.listen()).rejects.toThrow('must not lead to this very proxy')
})
