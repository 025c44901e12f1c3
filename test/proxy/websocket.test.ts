import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { WebSocket } from 'undici'
import { expect, onTestFinished, test } from 'vitest'
import { tokens } from '../surfaces/fetch/cells.ts'
import { ask, KEY, say, serve, startProxy } from './proxies.ts'

interface Upstream {
  readonly origin: string
  readonly handshakes: IncomingMessage[]
  readonly sockets: Duplex[]
}

/** Echoes short texts. It takes any token but the first. */
async function webSocketServer(accepts: (token: string) => boolean): Promise<Upstream> {
  const [handshakes, sockets]: [IncomingMessage[], Duplex[]] = [[], []]
  const server = createServer((_, response) => response.writeHead(401).end())
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    handshakes.push(request)
    socket.on('error', () => undefined)
    if (!accepts((request.headers.authorization ?? '').replace('Bearer ', ''))) {
      socket.end('HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno')
      return
    }
    sockets.push(socket)
    const magic = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
    const accept = createHash('sha1')
      .update(`${request.headers['sec-websocket-key']}${magic}`)
      .digest('base64')
    const lines = [
      'HTTP/1.1 101 Switching Protocols',
      'Upgrade: websocket',
      'Connection: Upgrade',
      'Set-Cookie: a=b',
    ]
    socket.write(`${[...lines, `Sec-WebSocket-Accept: ${accept}`].join('\r\n')}\r\n\r\n`)
    const echo = (frame: Buffer): void => {
      const size = (frame[1] ?? 0) & 127
      const text = frame.subarray(6, 6 + size).map((byte, at) => byte ^ (frame[2 + (at % 4)] ?? 0))
      socket.write(Buffer.concat([Buffer.from([frame[0] ?? 0, size]), text]))
      // A close frame (RFC 6455 section 5.5.1).
      if (((frame[0] ?? 0) & 15) === 8) socket.end()
    }
    if (head.length > 0) echo(head)
    socket.on('data', echo)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, handshakes, sockets }
}

async function echoed(socket: WebSocket, text: string): Promise<unknown> {
  socket.send(text)
  const [{ data }] = (await once(socket, 'message')) as [MessageEvent]
  return data
}

test('[X2] given a stale token, when a WebSocket is opened, then there is one more handshake with the fresh one, and both sides receive each other’s messages', async () => {
  const upstream = await webSocketServer((token) => token === 't1')
  const { cell, refreshes } = tokens()
  const { url, audited } = await startProxy({ api: { to: `${upstream.origin}/v1`, credential: cell } })
  const socket = new WebSocket(`${url.replace('http', 'ws')}/api/realtime?model=m`, {
    headers: { authorization: `Bearer ${KEY}` },
  })
  await once(socket, 'open')
  expect([await echoed(socket, 'one'), await echoed(socket, 'two')]).toEqual(['one', 'two'])
  expect(upstream.handshakes.map(({ url: path, headers }) => [path, headers.authorization])).toEqual([
    ['/v1/realtime?model=m', 'Bearer t0'],
    ['/v1/realtime?model=m', 'Bearer t1'],
  ])
  expect(refreshes()).toBe(1)
  socket.close()
  await once(socket, 'close')
  expect(await audited(1)).toMatchObject([{ status: 101, retried: true, route: 'api' }])
})

test('[X2] given an upstream that ends its WebSocket, when it does, then the client’s ends, too; and the other way round', async () => {
  const upstream = await webSocketServer(() => true)
  const { url } = await startProxy({ api: { to: upstream.origin, credential: tokens().cell } })
  const open = async (): Promise<WebSocket> => {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/api/`, { headers: { 'x-api-key': KEY } })
    socket.addEventListener('error', () => undefined)
    await once(socket, 'open')
    return socket
  }
  const first = await open()
  const closed = once(first, 'close')
  upstream.sockets[0]?.destroy()
  await closed
  const second = await open()
  const gone = once(upstream.sockets[1] ?? process, 'close')
  second.close()
  await gone
  expect(upstream.handshakes).toHaveLength(2)
})

test('[X1, X2] given a handshake that is refused, by the upstream or by the proxy, when it is, then the client gets a plain response', async () => {
  const upstream = await webSocketServer(() => false)
  const { url, port } = await startProxy({ api: { to: upstream.origin, credential: tokens().cell } })
  const handshake = (more: string): Promise<string> =>
    say(
      port,
      `GET /api/x HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n${more}\r\n`,
    )
  expect(await handshake(`Api-Key: ${KEY}\r\n`)).toMatch(/^HTTP\/1\.1 401 [^]*no$/)
  expect(upstream.handshakes).toHaveLength(2)
  expect(await handshake('')).toMatch(/^HTTP\/1\.1 401 [^]*no valid key/)
  expect(await handshake(`Api-Key: ${KEY}\r\nOrigin: https://evil.example\r\n`)).toMatch(/^HTTP\/1\.1 403 /)
  expect(upstream.handshakes).toHaveLength(2)
  expect((await ask(`${url}/-/healthz`)).status).toBe(200)
})

const H2C =
  'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n'
const HEAD = `HTTP/1.1\r\nHost: localhost\r\nApi-Key: ${KEY}\r\n`

test.each([
  ['without a body', `GET /api/1 ${HEAD}${H2C}\r\n`, 'GET /1 '],
  ['with a body of a length', `POST /api/1 ${HEAD}${H2C}Content-Length: 5\r\n\r\nhello`, 'POST /1 hello'],
  [
    'with chunks',
    `POST /api/1 ${HEAD}${H2C}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
    'POST /1 hello',
  ],
])(
  '[X2] [X6] given a request %s that asks for h2c, when its token has expired, then it gets an ordinary response, the upstream gets no h2c, and the connection ends with it, whatever the client sent after it',
  async (_, text, sent) => {
    const { cell, refreshes } = tokens()
    const server = await serve(({ method, path, body, headers }, response) => {
      if (headers.authorization === 'Bearer t0') response.writeHead(401).end()
      else response.end(`${method} ${path} ${body.toString()}`)
    })
    const { port } = await startProxy({ api: { to: server.origin, credential: cell } })
    const heard = await say(port, `${text}GET /api/2 ${HEAD}\r\n`)
    expect(heard).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
    expect(heard.match(/HTTP\/1\.1 /g)).toHaveLength(1)
    expect(heard.toLowerCase()).toContain('connection: close')
    expect(heard).toContain(sent)
    expect(server.requests.map(({ path }) => path)).toEqual(['/1', '/1'])
    expect([...server.sent('upgrade'), ...server.sent('http2-settings')]).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ])
    expect(refreshes()).toBe(1)
  },
)
