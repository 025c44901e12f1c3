import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { tokens } from '../surfaces/fetch/cells.ts'
import { ask, errorIn, KEY, say, serve, startProxy } from './proxies.ts'

const HEAD = `Host: localhost\r\nApi-Key: ${KEY}\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n`

test.each([
  ['a GET', `GET /api/x HTTP/1.1\r\n${HEAD}\r\n`, ''],
  ['a body of a known length', `POST /api/x HTTP/1.1\r\n${HEAD}Content-Length: 5\r\n\r\nhello`, 'hello'],
  [
    'a body in chunks',
    `POST /api/x HTTP/1.1\r\n${HEAD}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
    'hello',
  ],
])(
  '[X2] [X6] given %s with an offer of HTTP/2, as Java’s client makes it, when the token is stale, then the request is served twice over HTTP/1.1, and a request behind it is not served',
  async (_, text, body) => {
    const server = await serve(({ headers }, response) => {
      response.writeHead(headers.authorization === 'Bearer t0' ? 401 : 200).end('fresh')
    })
    const { port } = await startProxy({ api: { to: server.origin, credential: tokens().cell } })
    const heard = await say(
      port,
      `${text}GET /api/behind HTTP/1.1\r\nHost: localhost\r\nApi-Key: ${KEY}\r\n\r\n`,
    )
    expect(heard).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*connection: close\r\n[^]*fresh/i)
    expect(server.requests.map(({ path, body: sent }) => [path, String(sent)])).toEqual([
      ['/x', body],
      ['/x', body],
    ])
    expect(JSON.stringify(server.requests[0]?.headers)).not.toMatch(/h2c|http2/i)
  },
)

test('[X1] [E1] given a WebSocket’s handshake with a body, when it is refused, then the response says why', async () => {
  const { port } = await startProxy({ api: { to: 'http://127.0.0.1:9', credential: tokens().cell } })
  const head = `Host: localhost\r\nApi-Key: ${KEY}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n`
  const heard = await say(port, `POST /api/x HTTP/1.1\r\n${head}Content-Length: 5\r\n\r\nhello`)
  expect(heard).toMatch(/^HTTP\/1\.1 405 [^]*must be a GET without a body/)
})

test('[X1] [E1] given a program that takes the proxy for one of the machine, when it asks for a whole URL, then the response says what to do', async () => {
  const { port } = await startProxy({ api: { to: 'https://api.example.com', credential: tokens().cell } })
  const heard = await say(
    port,
    `GET http://api.example.com/api/x HTTP/1.1\r\nHost: api.example.com\r\nApi-Key: ${KEY}\r\nConnection: close\r\n\r\n`,
  )
  expect(heard).toMatch(/^HTTP\/1\.1 400 [^]*whole URLs[^]*as a base URL, not as HTTPS_PROXY or HTTP_PROXY/)
})

test.each([
  [
    'headers that are too large',
    `GET /api/x HTTP/1.1\r\nX: ${'a'.repeat(20_000)}\r\n\r\n`,
    431,
    'exceed 16 KiB',
  ],
  ['what is no HTTP', 'hello\r\n\r\n', 400, 'no request of HTTP/1.1'],
])(
  '[X1] [E1] given %s, when they are refused, then the response says why',
  async (_, text, status, words) => {
    const { port } = await startProxy({ api: { to: 'http://127.0.0.1:9', credential: tokens().cell } })
    const [head = '', body = ''] = (await say(port, text)).split('\r\n\r\n')
    expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    expect(errorIn(body).message).toContain(words)
  },
)

test('[X1] given a client that repeats its key in a header of a gateway’s, when it is served, then the key does not reach the upstream', async () => {
  const server = await serve((_, response) => response.end('ok'))
  const { url } = await startProxy({ api: { to: server.origin, credential: tokens().cell } })
  const headers = { apikey: KEY, 'x-gateway-key': `Bearer ${KEY}`, 'x-other': 'stays' }
  for (const again of [1, 2]) expect((await ask(`${url}/api/${again}`, { headers })).status).toBe(200)
  expect(JSON.stringify(server.requests.map((each) => each.headers))).not.toContain(KEY)
  expect(server.requests.map((each) => each.headers['x-other'])).toEqual(['stays', 'stays'])
})

test('[X1] [X6] given a WebSocket that takes no headers, when its key is among its protocols, then it opens, and the key does not reach the upstream', async () => {
  const seen: unknown[] = []
  const upstream = createServer()
  upstream.on('upgrade', ({ headers }, socket: Socket) => {
    seen.push([headers.authorization, headers['sec-websocket-protocol']])
    const key = headers['sec-websocket-key'] ?? ''
    socket.end(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${key}\r\nSec-WebSocket-Protocol: realtime\r\n\r\n`,
    )
  })
  upstream.listen(0, '127.0.0.1')
  await once(upstream, 'listening')
  onTestFinished(() => void upstream.close())
  const to = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`
  const { port } = await startProxy({ api: { to, credential: tokens().cell } })
  const head =
    'Host: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'
  const offer = (key: string): string =>
    `GET /api/x HTTP/1.1\r\n${head}Sec-WebSocket-Protocol: realtime, openai-insecure-api-key.${key}, openai-beta.realtime-v1\r\n\r\n`
  expect(await say(port, offer(KEY))).toMatch(/^HTTP\/1\.1 101 [^]*sec-websocket-protocol: realtime\r\n/i)
  expect(seen).toEqual([['Bearer t0', 'realtime, openai-beta.realtime-v1']])
  expect(await say(port, offer('sk-another'))).toMatch(/^HTTP\/1\.1 401 /)
})

/** Sets the machine's proxy for this test. */
async function machineProxy(onTunnel: (socket: Socket) => void): Promise<void> {
  const machine = createTcpServer((socket) => {
    socket.on('error', () => undefined)
    socket.once('data', () => onTunnel(socket))
  })
  machine.listen(0, '127.0.0.1')
  await once(machine, 'listening')
  const { HTTPS_PROXY } = process.env
  process.env['HTTPS_PROXY'] = `http://127.0.0.1:${(machine.address() as AddressInfo).port}`
  onTestFinished(() => {
    machine.close()
    if (HTTPS_PROXY === undefined) Reflect.deleteProperty(process.env, 'HTTPS_PROXY')
    else process.env['HTTPS_PROXY'] = HTTPS_PROXY
  })
}

test('[X4] [E1] given a proxy of the machine that makes no tunnel, when an upstream is asked, then the response says that the upstream was not reached', async () => {
  await machineProxy((socket) =>
    socket.end('HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n'),
  )
  const { url } = await startProxy({ far: { to: 'https://api.invalid', credential: tokens().cell } })
  const { status, text } = await ask(`${url}/far/x`)
  expect([status, errorIn(text).message]).toEqual([
    502,
    "llm-refresh: upstream_unreachable: The upstream of the route 'far', https://api.invalid, was not asked (the proxy of this machine responded 407 and let nothing through: it demands a name and a password, which HTTPS_PROXY can hold).",
  ])
})

test('[X4] [E1] given a proxy of the machine that breaks off, when an upstream is asked, then it is asked once for a tunnel, and the response says so', async () => {
  let tunnels = 0
  await machineProxy((socket) => {
    tunnels++
    socket.destroy()
  })
  const { url } = await startProxy({ far: { to: 'https://api.invalid', credential: tokens().cell } })
  const { status, text } = await ask(`${url}/far/x`)
  expect([status, tunnels]).toEqual([502, 1])
  expect(errorIn(text).message).toContain('was not asked (the proxy of this machine broke off the connection')
})

test('[E1] given an upstream that speaks no TLS, when it is asked over https, then the response says what to check', async () => {
  const server = await serve((_, response) => response.end('ok'))
  const { url } = await startProxy({
    far: { to: server.origin.replace('http:', 'https:'), credential: tokens().cell },
  })
  const { text } = await ask(`${url}/far/x`)
  expect(errorIn(text).message).toContain('TLS could not be agreed; is it an http endpoint?')
})
