import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { expect, onTestFinished, test } from 'vitest'
import { Refreshable } from '../../src/index.ts'
import { bearer } from '../support/recording-server.ts'
import { responder } from '../support/responder.ts'
import { tokens } from '../surfaces/fetch/cells.ts'
import { ask, errorIn, KEY, say, serve, startProxy } from './proxies.ts'

const KIB = 1024
const ours = { host: 'localhost', authorization: `Bearer ${KEY}` }

test.each(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND', 'QUERY', 'M-SEARCH'])(
  '[X2] given the method %s, when a request is made, then method, headers and body arrive, and the credential with them',
  async (method) => {
    const server = await serve((_, response) => response.end('ok'))
    const { url } = await startProxy({ api: { to: server.origin, credential: tokens().cell } })
    const body = ['GET', 'HEAD'].includes(method) ? '' : 'hello'
    const got = await ask(`${url}/api/v1/x?a=b%20c`, {
      method,
      headers: {
        'X-Custom': ['one', 'two'],
        accept: 'text/plain',
        connection: 'close, x-hop',
        'x-hop': '1',
        te: 'gzip',
        'content-length': String(body.length),
      },
      body,
    })
    expect([got.status, got.text]).toEqual([200, method === 'HEAD' ? '' : 'ok'])
    expect(server.requests).toHaveLength(1)
    const [request] = server.requests
    const headers = request?.headers ?? {}
    expect(request).toMatchObject({ method, path: '/v1/x?a=b%20c', body: Buffer.from(body) })
    expect(headers).toMatchObject({
      authorization: 'Bearer t0',
      'x-custom': 'one, two',
      accept: 'text/plain',
      host: new URL(server.origin).host,
    })
    expect(['x-hop', 'te'].filter((name) => name in headers)).toEqual([])
  },
)

test('[X2] given compressed responses, when they pass, then no byte changes', async () => {
  const bodies = { gzip: gzipSync('text '.repeat(5_000)), br: brotliCompressSync('text '.repeat(5_000)) }
  const server = await serve(({ path }, response) => {
    const encoding = path === '/gzip' ? 'gzip' : 'br'
    response.writeHead(200, { 'content-encoding': encoding, 'content-length': bodies[encoding].length })
    response.end(bodies[encoding])
  })
  const { url } = await startProxy({ api: { to: server.origin, credential: tokens().cell } })
  for (const [encoding, body] of Object.entries(bodies)) {
    const got = await ask(`${url}/api/${encoding}`)
    expect(got.headers).toMatchObject({ 'content-encoding': encoding, 'content-length': String(body.length) })
    expect(got.body.equals(body)).toBe(true)
  }
})

const HEADERS = [
  ['Access-Control-Allow-Origin', '*'],
  ['access-control-expose-headers', 'x'],
  ['Set-Cookie', 'a=b'],
  ['Alt-Svc', 'h3=":443"'],
  ['Strict-Transport-Security', 'max-age=1'],
  ['X-LLM-Refresh', 'unchanged'],
  ['Connection', 'x-hop'],
  ['X-Hop', '1'],
  ['Proxy-Authenticate', 'Basic'],
  ['X-Kept', 'one'],
  ['X-Kept', 'two'],
  ['X-Latin', 'caf\u00e9'],
  ['Date', 'Thu, 01 Jan 1970 00:00:00 GMT'],
]
test('[X2] given headers of the upstream that concern its connection or a browser, when a response passes, then the client does not get them', async () => {
  const server = await serve((_, response) => {
    response.writeHead(201, 'Made', HEADERS.flat())
    response.end('ok')
  })
  const { url } = await startProxy({ api: { to: server.origin, credential: tokens().cell } })
  const { status, rawHeaders, text } = await ask(`${url}/api/x`)
  const names = rawHeaders.filter((_, at) => at % 2 === 0)
  expect([status, text]).toEqual([201, 'ok'])
  expect(names).toEqual(['X-Kept', 'X-Kept', 'X-Latin', 'Date', 'Connection', 'Transfer-Encoding'])
  expect(rawHeaders.join()).toContain('X-Kept,one,X-Kept,two,X-Latin,caf\u00e9,Date,Thu, 01 Jan 1970')
})

test('[X2] given a Location to the upstream, when it is passed on, then it leads through the proxy', async () => {
  const locations: Record<string, string> = {}
  const server = await serve(({ path }, response) => {
    response
      .writeHead(302, {
        location: locations[path ?? ''] ?? '',
        'operation-location': `${server.origin}/v1/jobs/1`,
      })
      .end()
  })
  const { url } = await startProxy({ api: { to: `${server.origin}/v1`, credential: tokens().cell } })
  const expected: [given: string, got: string][] = [
    [`${server.origin}/v1/files/7?a=b#c`, '/api/files/7?a=b#c'],
    ['/v1/files/7', '/api/files/7'],
    ['next', '/api/next'],
    [`${server.origin}/other`, `${server.origin}/other`],
    ['/other', `${server.origin}/other`],
    ['/v1/../other', `${server.origin}/other`],
    ['https://elsewhere.example/v1/x', 'https://elsewhere.example/v1/x'],
  ]
  for (const [at, [given, got]] of expected.entries()) {
    locations[`/v1/${at}`] = given
    const { headers } = await ask(`${url}/api/${at}`)
    expect([headers.location, headers['operation-location']]).toEqual([got, `${url}/api/jobs/1`])
  }
})

test('[X2] given responses without a body, when they say a length, then the connection serves the next request', async () => {
  const server = await serve(({ path }, response) => {
    const status = Number(path?.slice(1))
    response
      .writeHead(status, { etag: '"a"', ...(status === 304 && { 'content-length': '5' }) })
      .end(status === 200 ? 'whole' : undefined)
  })
  const { port } = await startProxy({ api: { to: server.origin, credential: tokens().cell } })
  const heads = `Host: localhost\r\nApi-Key: ${KEY}\r\n`
  const heard = await say(
    port,
    `GET /api/304 HTTP/1.1\r\n${heads}\r\nHEAD /api/200 HTTP/1.1\r\n${heads}\r\nGET /api/204 HTTP/1.1\r\n${heads}\r\nGET /api/200 HTTP/1.1\r\n${heads}Connection: close\r\n\r\n`,
  )
  expect(heard.match(/HTTP\/1\.1 \d+/g)).toEqual([
    'HTTP/1.1 304',
    'HTTP/1.1 200',
    'HTTP/1.1 204',
    'HTTP/1.1 200',
  ])
  expect(server.requests).toHaveLength(4)
})

test('[X2] given trailers, when a response ends, then they are passed on', async () => {
  const server = await serve((_, response) => {
    response.writeHead(200, { trailer: 'grpc-status' })
    response.write('body')
    response.addTrailers({ 'grpc-status': '0', 'set-cookie': 'a=b' })
    response.end()
  })
  const { url } = await startProxy({ api: { to: server.origin, credential: tokens().cell } })
  const { text, trailers } = await ask(`${url}/api/x`, { headers: { te: 'trailers' } })
  expect([text, trailers, server.sent('te')]).toEqual(['body', { 'grpc-status': '0' }, ['trailers']])
})

test('[X2] given a client that waits for 100 Continue, when its request is accepted, then it gets that; when the request is refused, then it does not', async () => {
  const server = await serve(({ body }, response) => response.end(body))
  const { port } = await startProxy({ api: { to: server.origin, credential: tokens().cell } })
  const head = `POST /api/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nExpect: 100-continue\r\nConnection: close\r\n`
  const socket = connect(port, '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  socket.write(`${head}Api-Key: ${KEY}\r\n\r\n`)
  const [first] = (await once(socket, 'data')) as [Buffer]
  expect(String(first)).toBe('HTTP/1.1 100 Continue\r\n\r\n')
  socket.write('hello')
  const [second] = (await once(socket, 'data')) as [Buffer]
  expect(String(second)).toMatch(/^HTTP\/1\.1 200 OK[^]*hello/)
  expect(await say(port, `${head}\r\n`)).toMatch(/^HTTP\/1\.1 401 /)
  expect(server.requests).toHaveLength(1)
})

/** An upstream that keeps the response of a request, and a client's response to it. */
async function held(
  write: (response: ServerResponse) => void,
): Promise<{ upstream: ServerResponse; client: IncomingMessage; stop(): void }> {
  let upstream: ServerResponse | undefined
  const server = await serve((_, response) => {
    upstream = response
    write(response)
  })
  const { url } = await startProxy({ api: { to: server.origin, credential: tokens().cell } })
  const sent = httpRequest(`${url}/api/x`, { agent: false, headers: ours })
  sent.on('error', () => undefined).end()
  const [client] = (await once(sent, 'response')) as [IncomingMessage]
  if (upstream === undefined) throw new Error('There was no request.')
  return { upstream, client, stop: () => void sent.destroy() }
}

test('[X2] given an event stream, when its head has come and nothing else, then the client has the head; each event comes at once', async () => {
  const { upstream, client } = await held((response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
  })
  expect(client.statusCode).toBe(200)
  for (const event of ['data: 1\n\n', 'data: 2\n\n']) {
    upstream.write(event)
    expect(String((await once(client, 'data'))[0])).toBe(event)
  }
  upstream.end()
  await once(client, 'end')
})

test('[X2] given a reader that does not read, when a stream goes on, then the upstream has to wait; what was sent arrives whole', async () => {
  const { upstream, client } = await held((response) => response.writeHead(200).flushHeaders())
  const piece = Buffer.alloc(64 * KIB, 'x')
  let written = 0
  // Sockets' buffers take some of it; 64 MiB would be beyond all of them.
  while (written < 64 * KIB * KIB && upstream.writableLength < 2 * KIB * KIB) {
    upstream.write(piece)
    written += piece.length
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(written).toBeLessThan(64 * KIB * KIB)
  upstream.end()
  let read = 0
  for await (const chunk of client) read += (chunk as Buffer).length
  expect(read).toBe(written)
})

test('[X2] given a client that leaves in the midst of a stream, when it is gone, then so is the upstream’s request', async () => {
  const { upstream, client, stop } = await held((response) => void response.writeHead(200).write('first'))
  const closed = once(upstream, 'close')
  await once(client, 'data')
  stop()
  await closed
  expect(upstream.writableFinished).toBe(false)
})

test('[X2, C4] given a client that leaves while the credential is refreshed, when it is fresh, then nothing more is sent, and the next has it', async () => {
  const server = await serve(bearer((token) => token === 't1'))
  const source = responder<string>()
  const credential = new Refreshable({ initial: 't0', refresh: source.refresh })
  const { url, audited } = await startProxy({ api: { to: server.origin, credential } })
  const leaving = httpRequest(`${url}/api/x`, { agent: false, headers: ours })
  leaving.on('error', () => undefined).end()
  await expect.poll(() => source.calls.length).toBe(1)
  leaving.destroy()
  expect(await audited(1)).toMatchObject([{ status: 499, route: 'api', key: 'laptop' }])
  source.call(0).resolve('t1')
  expect((await ask(`${url}/api/y`)).text).toBe('ok')
  expect(server.sent('authorization')).toEqual(['Bearer t0', 'Bearer t1'])
})

const cut = (response: ServerResponse, headers: Record<string, string>): void => {
  response.writeHead(200, headers).write('half', () => response.destroy())
}
const BREAKS: [when: string, answer: (response: ServerResponse) => void, expected: unknown][] = [
  ['before its head', (response) => void response.destroy(), [502, 'api_error']],
  ['in the midst of a body of a length', (response) => cut(response, { 'content-length': '10' }), 'cut'],
  ['in the midst of chunks', (response) => cut(response, {}), 'cut'],
]
test.each(BREAKS)(
  '[X2] given an upstream that breaks off %s, when it does, then the client can tell',
  async (_, answer, expected) => {
    const server = await serve((__, response) => answer(response))
    const { url } = await startProxy({
      api: { to: server.origin, credential: tokens().cell, preset: 'anthropic' },
    })
    const outcome = await ask(`${url}/api/x`).then(
      ({ status, text }) => [status, errorIn(text).type],
      () => 'cut',
    )
    expect(outcome).toEqual(expected)
  },
)

test('[X2] given an upstream that does not exist or does not respond, when it is asked, then the client gets 502 or 504 with the reason', async () => {
  const silent = await serve(() => undefined)
  const breaking = await serve((_request, response) => void response.destroy())
  const { url } = await startProxy(
    {
      broken: { to: breaking.origin, credential: tokens().cell },
      gone: { to: 'http://127.0.0.1:1', credential: tokens().cell },
      silent: { to: silent.origin, credential: tokens().cell },
    },
    { timeouts: { head: 50 } },
  )
  const gone = await ask(`${url}/gone/x?secret=1`)
  expect([gone.status, gone.text.includes('ECONNREFUSED'), gone.text.includes('secret')]).toEqual([
    502,
    true,
    false,
  ])
  expect(errorIn(gone.text).message).toBe(
    "llm-refresh: upstream_unreachable: The upstream of the route 'gone', http://127.0.0.1:1, could not be reached (ECONNREFUSED: nothing listens there; is the server up, and is the port right?). Check routes.gone.to, or run: llm-refresh check",
  )
  const broken = await ask(`${url}/broken/x`)
  expect([broken.status, errorIn(broken.text).message]).toEqual([
    502,
    expect.stringContaining(
      `The upstream of the route 'broken', ${breaking.origin}, closed the connection before it had responded (`,
    ),
  ])
  const late = await ask(`${url}/silent/x`)
  expect([late.status, late.headers['x-llm-refresh']]).toEqual([504, 'upstream_timeout'])
})

test.each([
  ['a small upload', 10 * KIB, { 'content-length': String(10 * KIB) }, 2],
  ['a large one below the limit', 600 * KIB, { 'content-length': String(600 * KIB) }, 2],
  ['one in chunks below the limit', 600 * KIB, { 'transfer-encoding': 'chunked' }, 2],
  ['one above the limit', 2_000 * KIB, { 'content-length': String(2_000 * KIB) }, 1],
  ['one in chunks above the limit', 2_000 * KIB, { 'transfer-encoding': 'chunked' }, 1],
] as const)(
  '[X3] given %s, when the token is stale, then it is sent so often as it may be, and the next has the fresh one',
  async (_, size, headers, attempts) => {
    const server = await serve(bearer((token) => token !== 't0'))
    const { cell, refreshes } = tokens()
    const { url, audited } = await startProxy(
      { api: { to: server.origin, credential: cell } },
      { replayLimit: 1_000 * KIB },
    )
    const body = Buffer.alloc(size, 'b')
    const { status } = await ask(`${url}/api/x`, { method: 'POST', body, headers })
    expect([status, server.requests.length, refreshes()]).toEqual([attempts === 2 ? 200 : 401, attempts, 1])
    expect(server.requests.every((request) => request.body.equals(body))).toBe(true)
    expect(server.sent('content-length')[0]).toBe(Reflect.get(headers, 'content-length'))
    expect((await ask(`${url}/api/x`)).status).toBe(200)
    expect((await audited(2)).map(({ retried }) => retried)).toEqual([attempts === 2, false])
  },
)

test('[X3] given an upload that is still arriving, when it is answered before its end, then the client gets the response, and the connection ends', async () => {
  const server = await serve(() => undefined)
  const { url } = await startProxy({ api: { to: server.origin, credential: tokens().cell } })
  // Refused by the proxy itself, in the midst of 8 MiB.
  const got = await ask(`${url}/none/x`, { method: 'POST', body: Buffer.alloc(8 * KIB * KIB) })
  expect([got.status, got.headers.connection]).toEqual([404, 'close'])
})
