import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { Agent, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { Refreshable } from '../../src/index.ts'
import { collectGarbage } from '../support/garbage.ts'
import { bearer } from '../support/recording-server.ts'
import { tokens } from '../surfaces/fetch/cells.ts'
import { ask, KEY, say, serve, startProxy } from './proxies.ts'

const MIB = 1024 * 1024
const ours = { authorization: `Bearer ${KEY}` }
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

async function opened(url: string): Promise<IncomingMessage> {
  const sent = httpRequest(url, { agent: false, headers: ours })
  onTestFinished(() => void sent.destroy())
  sent.on('error', () => undefined).end()
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  response.on('error', () => undefined)
  return response
}

test('[X2, X3] given an event stream of 100 MB behind a stale token, and a reader that is slower than the upstream, when it is read, then every byte arrives, and memory stays bounded', async () => {
  const event = (n: number): Buffer => Buffer.from(`data: ${n} ${'word '.repeat(3_276)}\n\n`)
  const count = Math.ceil((100 * MIB) / event(0).length)
  const sent = createHash('sha256')
  let ahead = 0
  let read = 0
  const server = await serve(({ headers }, response) => {
    if (headers.authorization !== 'Bearer t1') return response.writeHead(401).end()
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    let n = 0
    let written = 0
    const write = (): void => {
      while (n < count) {
        const piece = event(n++)
        sent.update(piece)
        written += piece.length
        ahead = Math.max(ahead, written - read)
        if (!response.write(piece)) return void response.once('drain', write)
      }
      response.end()
    }
    return write()
  })
  const { cell, refreshes } = tokens()
  const { url } = await startProxy({ api: { to: server.origin, credential: cell } })
  const got = createHash('sha256')
  const response = await opened(`${url}/api/x`)
  collectGarbage()
  const before = process.memoryUsage()
  let most = 0
  let pieces = 0
  for await (const piece of response) {
    got.update(piece as Buffer)
    read += (piece as Buffer).length
    // Slower than the upstream, which needs no such pauses.
    await turn()
    if (pieces++ % 200 !== 0) continue
    collectGarbage()
    const { heapUsed, external } = process.memoryUsage()
    most = Math.max(most, heapUsed + external - before.heapUsed - before.external)
  }
  expect(got.digest('hex')).toBe(sent.digest('hex'))
  expect([read >= 100 * MIB, refreshes()]).toEqual([true, 1])
  // What is under way are the buffers of sockets and streams, at both ends and in between: not the whole.
  expect([ahead < 32 * MIB, most < 48 * MIB]).toEqual([true, true])
})

test('[X3, C1] given a thousand streams at once behind a stale token, when they are open together, then one refresh serves them all, and each gets its own bytes', async () => {
  const COUNT = 1_000
  const open = new Map<string, ServerResponse>()
  let all: () => void = () => undefined
  const allOpen = new Promise<void>((resolve) => (all = resolve))
  const server = await serve(({ headers, path = '' }, response) => {
    if (headers.authorization !== 'Bearer t1') return response.writeHead(401).end()
    open.set(path, response.writeHead(200, { 'content-type': 'text/event-stream' }))
    response.write(`data: begun ${path}\n\n`)
    if (open.size === COUNT) all()
    return undefined
  })
  const { cell, refreshes } = tokens()
  const { url, audited } = await startProxy({ api: { to: server.origin, credential: cell } })
  const streams = await Promise.all(Array.from({ length: COUNT }, (_, n) => opened(`${url}/api/${n}`)))
  await allOpen
  // The limit is on requests that are open: one more is told to try again.
  expect((await ask(`${url}/api/more`)).status).toBe(503)
  for (const [path, response] of open) response.end(`data: ended ${path}\n\n`)
  const texts = await Promise.all(
    streams.map(async (stream) => Buffer.concat((await stream.toArray()) as Buffer[]).toString()),
  )
  expect(texts).toEqual(texts.map((_, n) => `data: begun /${n}\n\ndata: ended /${n}\n\n`))
  expect(refreshes()).toBe(1)
  expect(await audited(COUNT + 1)).toHaveLength(COUNT + 1)
})

test('[X3] given tokens that end again and again, when requests come one by one and in crowds, then there is one refresh for each expiry', async () => {
  let good = 0
  let refreshes = 0
  const credential = new Refreshable({ initial: 't0', refresh: async () => (refreshes++, `t${good}`) })
  const server = await serve(bearer((token) => token === `t${good}`))
  const { url } = await startProxy({ api: { to: server.origin, credential } })
  for (let expiry = 1; expiry <= 10; expiry++) {
    good++
    const count = expiry % 2 === 0 ? 20 : 1
    const got = await Promise.all(Array.from({ length: count }, () => ask(`${url}/api/x`)))
    expect([new Set(got.map(({ status }) => status)), refreshes]).toEqual([new Set([200]), expiry])
  }
})

test('[X3] given a request whose rejection comes late, when the token was refreshed meanwhile, then it gets the new one, and nothing is refreshed again', async () => {
  let late: ServerResponse | undefined
  const server = await serve(({ path, headers }, response) => {
    if (headers.authorization === 'Bearer t1') response.end(`ok ${path}`)
    else if (path === '/late') late = response
    else response.writeHead(401).end()
  })
  const { cell, refreshes } = tokens()
  const { url } = await startProxy({ api: { to: server.origin, credential: cell } })
  const waiting = ask(`${url}/api/late`)
  await expect.poll(() => late).toBeDefined()
  expect((await ask(`${url}/api/other`)).text).toBe('ok /other')
  late?.writeHead(401).end()
  expect([(await waiting).text, refreshes()]).toEqual(['ok /late', 1])
})

test('[X2] given odd but lawful responses, when they are asked for directly and through the proxy, then the bodies are the same, byte for byte', async () => {
  const random = Buffer.from(Array.from({ length: 300_000 }, (_, at) => (at * 7_919 + (at >> 3)) & 255))
  const bodies: Record<string, (response: ServerResponse) => void> = {
    '/empty': (response) => void response.end(),
    '/length': (response) => void response.writeHead(200, { 'content-length': random.length }).end(random),
    '/pieces': (response) => {
      for (let at = 0; at < random.length; at += 997) response.write(random.subarray(at, at + 997))
      response.end()
    },
    // Without a length or chunks: its end is that of the connection.
    '/until-closed': (response) => {
      response.useChunkedEncodingByDefault = false
      response.removeHeader('transfer-encoding')
      response.writeHead(200, { connection: 'close' }).end(random)
    },
    '/error': (response) =>
      void response.writeHead(500, { 'content-type': 'text/html' }).end('<p>\u00fc</p>'),
    '/encoded': (response) => void response.writeHead(200, { 'content-encoding': 'gzip' }).end('not gzip'),
  }
  const server = await serve(({ path = '' }, response) => bodies[path]?.(response))
  const { url } = await startProxy({ api: { to: server.origin, credential: tokens().cell } })
  for (const path of Object.keys(bodies)) {
    const [direct, passed] = [await ask(server.origin + path), await ask(`${url}/api${path}`)]
    expect([path, passed.status, passed.body.equals(direct.body)]).toEqual([path, direct.status, true])
    expect(passed.headers['content-length']).toBe(direct.headers['content-length'])
  }
})

test('[X2] given early hints, when they come before the response, then the client has them at once, without what is not for it; a client of HTTP/1.0 has only the response', async () => {
  const hints: ServerResponse[] = []
  const server = await serve((_, response) => {
    response.writeProcessing()
    response.writeEarlyHints({
      link: '</style.css>; rel=preload; as=style',
      'set-cookie': 'a=b',
      'x-kept': '1',
    })
    hints.push(response)
  })
  const { url, port } = await startProxy({ api: { to: server.origin, credential: tokens().cell } })
  const sent = httpRequest(`${url}/api/x`, { agent: new Agent(), headers: ours })
  sent.end()
  const [information] = (await once(sent, 'information')) as [
    { statusCode: number; headers: Record<string, string> },
  ]
  const { statusCode, headers } = information
  expect([statusCode, headers]).toEqual([103, { link: '</style.css>; rel=preload; as=style', 'x-kept': '1' }])
  hints[0]?.end('whole')
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  expect(Buffer.concat((await response.toArray()) as Buffer[]).toString()).toBe('whole')
  const old = say(port, `GET /api/x HTTP/1.0\r\nHost: localhost\r\nApi-Key: ${KEY}\r\n\r\n`)
  await expect.poll(() => hints.length).toBe(2)
  hints[1]?.end('whole')
  expect(await old).toMatch(/^HTTP\/1\.1 200 OK[^]*whole$/)
})

test('[X2] given trailers behind a request, when it is passed on, then its body is whole, and the next request on its connection is served', async () => {
  const server = await serve(({ body, path }, response) => response.end(`${path} ${body.toString()}`))
  const { port } = await startProxy({ api: { to: server.origin, credential: tokens().cell } })
  const socket = connect(port, '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  const head = `Host: localhost\r\nApi-Key: ${KEY}\r\n`
  const chunks = `5;name="value"\r\nhello\r\n0\r\nX-Checksum: 1\r\nAuthorization: Bearer smuggled\r\n\r\n`
  const first = `POST /api/1 HTTP/1.1\r\n${head}Trailer: X-Checksum\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}`
  const heard: Buffer[] = []
  socket.on('data', (data: Buffer) => heard.push(data))
  socket.write(`${first}GET /api/2 HTTP/1.1\r\n${head}Connection: close\r\n\r\n`)
  await once(socket, 'close')
  const texts = Buffer.concat(heard).toString()
  expect([texts.includes('/1 hello'), texts.includes('/2 ')]).toEqual([true, true])
  expect(JSON.stringify(server.requests.map(({ headers }) => headers))).not.toContain('smuggled')
})
