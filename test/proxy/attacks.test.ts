import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { createProxyKey } from '../../src/proxy/index.ts'
import { tokens } from '../surfaces/fetch/cells.ts'
import { ask, KEY, say, serve, startProxy } from './proxies.ts'

const HEAD = `Host: localhost\r\nApi-Key: ${KEY}\r\n`
const LAST = `${HEAD}Connection: close\r\n`
const INNER = `GET /api/smuggled HTTP/1.1\r\n${HEAD}\r\n`
const chunked = 'Transfer-Encoding: chunked'

/** An upstream that says which requests it took for such, and what their bodies were. */
async function world(): Promise<{ port: number; url: string; requests(): string[]; started(): object[] }> {
  const server = await serve(({ body }, response) => response.end(body))
  const { port, url } = await startProxy({ api: { to: server.origin, credential: tokens().cell } })
  return {
    port,
    url,
    requests: () => server.requests.map(({ method, path, body }) => `${method} ${path} ${body.toString()}`),
    started: () => server.requests.map(({ headers }) => headers),
  }
}

test.each([
  ['chunks twice', `POST /api/x HTTP/1.1\r\n${LAST}${chunked}\r\n${chunked}\r\n\r\n0\r\n\r\n${INNER}`],
  [
    'chunks and a length',
    `POST /api/x HTTP/1.1\r\n${LAST}${chunked}\r\nContent-Length: 4\r\n\r\n0\r\n\r\n${INNER}`,
  ],
  [
    'chunks by another name',
    `POST /api/x HTTP/1.1\r\n${LAST}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${INNER}`,
  ],
  [
    'chunks behind a tab',
    `POST /api/x HTTP/1.1\r\n${LAST}Transfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n${INNER}`,
  ],
  ['chunks over HTTP/1.0', `POST /api/x HTTP/1.0\r\n${LAST}${chunked}\r\n\r\n0\r\n\r\n${INNER}`],
  ['lengths in a list', `POST /api/x HTTP/1.1\r\n${LAST}Content-Length: 5, 5\r\n\r\nhello`],
  ['a length with a sign', `POST /api/x HTTP/1.1\r\n${LAST}Content-Length: +5\r\n\r\nhello`],
  ['a length in hex', `POST /api/x HTTP/1.1\r\n${LAST}Content-Length: 0x5\r\n\r\nhello`],
  [
    'a bare line feed behind a chunk’s size',
    `POST /api/x HTTP/1.1\r\n${LAST}${chunked}\r\n\r\n5\nhello\r\n0\r\n\r\n`,
  ],
  [
    'a chunk that is longer than its size',
    `POST /api/x HTTP/1.1\r\n${LAST}${chunked}\r\n\r\n2\r\nhello\r\n0\r\n\r\n`,
  ],
  [
    'a size of a chunk beyond all numbers',
    `POST /api/x HTTP/1.1\r\n${LAST}${chunked}\r\n\r\n${'f'.repeat(20)}\r\n`,
  ],
  ['a folded line behind the first', `GET /api/x HTTP/1.1\r\n Host: localhost\r\n${LAST}\r\n`],
  ['a header without a name', `GET /api/x HTTP/1.1\r\n${LAST}: value\r\n\r\n`],
  ['a header without a colon', `GET /api/x HTTP/1.1\r\n${LAST}name\r\n\r\n`],
  ['a request line of HTTP/0.9', `GET /api/x\r\n${LAST}\r\n`],
  ['a line of HTTP/2', `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n`],
  ['a path to another server', `GET //evil.example/api/x HTTP/1.1\r\n${LAST}\r\n`],
  ['a path with a user', `GET @evil.example/api/x HTTP/1.1\r\n${LAST}\r\n`],
  ['a URL of our own host', `GET http://localhost/api/x HTTP/1.1\r\n${LAST}\r\n`],
  [
    'a name that ends in a dot',
    `GET /api/x HTTP/1.1\r\nHost: localhost.\r\nApi-Key: ${KEY}\r\nConnection: close\r\n\r\n`,
  ],
  ['a bare carriage return in a path', `GET /api/x\rY HTTP/1.1\r\n${LAST}\r\n`],
  ['a header of 1 MB', `GET /api/x HTTP/1.1\r\n${LAST}X-A: ${'a'.repeat(1_000_000)}\r\n\r\n`],
  ['a path of 100 KB', `GET /api/${'a'.repeat(100_000)} HTTP/1.1\r\n${LAST}\r\n`],
])(
  '[X1] given %s, when the proxy gets it, then it is refused, and no complete request reaches the upstream',
  async (_, text) => {
    const { port, requests } = await world()
    const heard = await say(port, text)
    expect(heard === '' || /^HTTP\/1\.1 (?:4\d\d|502) /.test(heard)).toBe(true)
    expect(heard).not.toMatch(/HTTP\/1\.1 200/)
    expect(requests()).toEqual([])
  },
)

test.each([
  ['a GET', `GET /api/x HTTP/1.1\r\n${LAST}Content-Length: ${INNER.length}\r\n\r\n${INNER}`, `GET /api/x`],
  [
    'a chunk with extensions',
    `POST /api/x HTTP/1.1\r\n${LAST}${chunked}\r\n\r\n${INNER.length.toString(16)};a="${'b'.repeat(200)}";c=d\r\n${INNER}\r\n0;e=f\r\n\r\n`,
    'POST /api/x',
  ],
  [
    'a POST whose Connection names its length',
    `POST /api/x HTTP/1.1\r\n${HEAD}Connection: close, content-length, transfer-encoding, host\r\nContent-Length: ${INNER.length}\r\n\r\n${INNER}`,
    'POST /api/x',
  ],
])(
  '[X1] given a request in the body of %s, when it is passed on, then it is a body and no request',
  async (_, text, line) => {
    const { port, requests } = await world()
    const heard = await say(port, text)
    expect(heard.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200'])
    expect(requests()).toEqual([`${line.replace('/api', '')} ${INNER}`])
  },
)

test('[X1] given a request in the body of one that is refused, when it arrives, early or late, then it is never read as a request', async () => {
  const { port, requests } = await world()
  const heard = await say(
    port,
    `POST /none/x HTTP/1.1\r\n${HEAD}Content-Length: ${INNER.length}\r\n\r\n${INNER}${INNER}`,
  )
  expect(heard).toMatch(/^HTTP\/1\.1 404 /)
  const late = connect(port, '127.0.0.1')
  onTestFinished(() => void late.destroy())
  late.on('error', () => undefined)
  late.write(`POST /none/x HTTP/1.1\r\n${HEAD}Content-Length: ${INNER.length}\r\n\r\n`)
  expect(String((await once(late, 'data'))[0])).toMatch(/^HTTP\/1\.1 404 [^]*Connection: close/)
  late.write(INNER + INNER)
  await once(late, 'close')
  expect(requests()).toEqual([])
})

test('[X1] given a Connection header that names what the upstream needs, when a request is made, then the credential and the host are there all the same', async () => {
  const { url, started } = await world()
  const headers = { connection: 'close, authorization, host, x-custom', 'x-custom': '1' }
  expect((await ask(`${url}/api/x`, { headers })).status).toBe(200)
  const [request] = started()
  expect(request).toMatchObject({
    authorization: 'Bearer t0',
    host: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
  })
  expect(request).not.toHaveProperty('x-custom')
})

test('[X1] given line breaks in a query, a header or a method, encoded or not, when a request is made, then they cannot add a header', async () => {
  const { port, url, started, requests } = await world()
  await ask(url, { path: '/api/x?a=%0d%0aX-Injected:%201', headers: { 'x-a': '%0d%0aX-Injected: 1' } })
  expect(requests()).toEqual(['GET /x?a=%0d%0aX-Injected:%201 '])
  for (const text of [
    `GET /api/x?a=\r\nX-Injected: 1 HTTP/1.1\r\n${LAST}\r\n`,
    `GET /api/x HTTP/1.1\r\n${LAST}X-A: 1\nX-Injected: 1\r\n\r\n`,
    `GET /api/x HTTP/1.1\r\n${LAST}X-A\r\nX-Injected: 1\r\n\r\n`,
  ])
    expect(await say(port, text)).toMatch(/^HTTP\/1\.1 400 /)
  expect(started()).toHaveLength(1)
  expect(started()[0]).not.toHaveProperty('x-injected')
})

test('[X1] given a hundred clients that never end their heads, when another asks, then it is served, and theirs are closed', async () => {
  const server = await serve((_, response) => response.end('ok'))
  const { port, url } = await startProxy(
    { api: { to: server.origin, credential: tokens().cell } },
    { timeouts: { requestHead: 200 } },
  )
  const slow = Array.from({ length: 100 }, () => say(port, 'GET /api/x HTTP/1.1\r\nHost: localhost\r\nX-A: '))
  expect((await ask(`${url}/api/x`)).text).toBe('ok')
  for (const heard of await Promise.all(slow)) expect(heard).toMatch(/^HTTP\/1\.1 408 /)
  expect(server.requests).toHaveLength(1)
})

test('[X1] given a client that does not read, when its time is over, then it is cut, and so is the upstream’s response', async () => {
  const closed: Promise<unknown>[] = []
  const server = await serve((_, response) => {
    closed.push(once(response, 'close'))
    response.writeHead(200)
    const write = (): void => {
      while (response.write(Buffer.alloc(65_536)));
      response.once('drain', write)
    }
    write()
  })
  const { port, audited } = await startProxy(
    { api: { to: server.origin, credential: tokens().cell } },
    { timeouts: { client: 100 } },
  )
  const socket = connect(port, '127.0.0.1').pause()
  onTestFinished(() => void socket.destroy())
  socket.write(`GET /api/x HTTP/1.1\r\n${HEAD}\r\n`)
  expect(await audited(1)).toMatchObject([{ status: 200, route: 'api' }])
  await closed[0]
})

test('[X1] given a thousand guesses of a key, when they are made in every place, then none is right, and no response reveals anything about the right one', async () => {
  const { url, requests } = await world()
  const places = ['authorization', 'x-api-key', 'api-key', 'x-goog-api-key']
  const guesses = Array.from({ length: 1_000 }, (_, n) =>
    n % 2 === 0 ? createProxyKey({ name: 'g' }).key : `${KEY.slice(0, n % KEY.length)}${'A'.repeat(n % 40)}`,
  )
  const answers = new Set<string>()
  for (const [at, guess] of guesses.entries()) {
    const { status, text } = await ask(`${url}/api/x`, {
      key: null,
      headers: { [places[at % 4] ?? '']: guess },
    })
    answers.add(`${status} ${text}`)
  }
  expect([answers.size, [...answers][0]?.slice(0, 3)]).toEqual([1, '401'])
  expect(requests()).toEqual([])
})
