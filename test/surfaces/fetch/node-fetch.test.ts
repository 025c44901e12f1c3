import { Agent } from 'node:http'
import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import nodeFetch, {
  type RequestInit as NodeInit,
  Request as NodeRequest,
  Response as NodeResponse,
} from 'node-fetch'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Refreshable, refreshingFetch } from '../../../src/index.ts'
import { IN_STREAM_REJECTIONS, OTHER_FIRST_EVENTS } from '../../support/first-events.ts'
import { bearer, type RecordingServer, startRecordingServer } from '../../support/recording-server.ts'
import { broken, tokens } from './cells.ts'

/** A fetch whose bodies are Node's streams. */

const KIB = 1024
const SSE = { 'content-type': 'text/event-stream' }
const REVOKED = JSON.stringify({
  error: { type: 'permission_error', message: 'OAuth token has been revoked.' },
})
const [rejection = ''] = Object.values(IN_STREAM_REJECTIONS)
const [overloaded = ''] = Object.values(OTHER_FIRST_EVENTS)

let server: RecordingServer
let agent: Agent
beforeEach(() => {
  agent = new Agent({ keepAlive: true, maxSockets: 1 })
})
afterEach(async () => {
  agent.destroy()
  await server.close()
})

const fetch = ((url: string, init: NodeInit) =>
  nodeFetch(url, { ...init, agent })) as unknown as typeof globalThis.fetch

function over(cell: Refreshable<string>, inspectStreams = false): typeof globalThis.fetch {
  return refreshingFetch(cell, { origins: server.origin, fetch, inspectStreams })
}

test('[F3] given a pool of one connection, when a 401 is refreshed through the same pool, then no connection is held, and nothing deadlocks', async () => {
  server = await startRecordingServer((request, response, raw) => {
    if (request.path === '/token') response.end('t1')
    else bearer((token) => token === 't1')(request, response, raw)
  })
  const refresh = async (): Promise<string> => (await fetch(`${server.origin}/token`)).text()
  const refreshing = over(new Refreshable({ initial: 't0', refresh }))
  const texts = await Promise.all(
    Array.from({ length: 10 }, async () => (await refreshing(`${server.origin}/chat`)).text()),
  )
  expect(new Set(texts)).toEqual(new Set(['ok']))
  expect(server.sockets()).toBe(1)
})

test('[F3] given a refresh that fails, when a call gets a 401, then the caller gets that very response, whole', async () => {
  const body = 'x'.repeat(64 * KIB)
  server = await startRecordingServer((_, response) => response.writeHead(401).end(body))
  const response = await over(broken('t0').cell)(server.origin)
  expect(response).toBeInstanceOf(NodeResponse)
  expect([response.status, await response.text()]).toEqual([401, body])
})

test.each([
  ['nothing', ''],
  ['a single byte', 'x'],
])(
  '[F3] given a 401 with %s as its body, when the refresh fails, then the caller gets that very response',
  async (_, body) => {
    server = await startRecordingServer((_request, response) => response.writeHead(401).end(body))
    expect(await (await over(broken('t0').cell)(server.origin)).text()).toBe(body)
    const head = await over(broken('t0').cell)(server.origin, { method: 'HEAD' })
    expect([head.status, await head.text()]).toEqual([401, ''])
  },
)

test.each([
  ['nothing', ''],
  ['a single byte', 'x'],
])(
  '[F3] given a 401 with %s as its body, when the caller listens to the body, then it gets its end',
  async (_, body) => {
    let go: () => void = () => undefined
    server = await startRecordingServer(({ path }, response) => {
      response.writeHead(403).flushHeaders()
      go = () => response.end(body)
      if (path === '/') go()
    })
    const late: typeof globalThis.fetch = async (...call) => {
      const response = await fetch(...call)
      setImmediate(go)
      return response
    }
    for (const [path, through] of [
      ['/', fetch],
      ['/late', late],
    ] as const) {
      const call = refreshingFetch(tokens().cell, { origins: server.origin, fetch: through })
      const stream = (await call(server.origin + path)).body as unknown as Readable
      // Older ones, such as node-fetch 2, do nothing else.
      let text = ''
      stream.on('data', (chunk) => (text += chunk))
      await new Promise((resolve) => stream.on('end', resolve))
      expect(text).toBe(body)
    }
  },
)

test('[F3] given a large 401, when the credential is refreshed, then its rest is discarded before, and the caller gets the part that was read', async () => {
  server = await startRecordingServer((_, response) => {
    response.writeHead(401, { 'content-length': String(200 * KIB) })
    response.write('y'.repeat(80 * KIB))
  })
  const cell = new Refreshable<string>({
    initial: 't0',
    refresh: async () => {
      await server.opened(0)
      throw new Error('no')
    },
  })
  const response = await over(cell)(server.origin)
  const text = await response.text()
  expect([response.status, response.url]).toEqual([401, `${server.origin}/`])
  expect(response.headers.get('content-length')).toBe(null)
  expect(text).toBe('y'.repeat(64 * KIB + 1))
})

test('[F3] given discarded responses, when the calls have ended, then no socket stays open', async () => {
  server = await startRecordingServer(({ headers }, response) => {
    if (headers.authorization !== 'Bearer t0') response.end('ok')
    else response.writeHead(401).write('z'.repeat(70 * KIB))
  })
  const refreshing = over(tokens().cell)
  expect(await (await refreshing(server.origin)).text()).toBe('ok')
  await server.opened(1)
  agent.destroy()
  await server.opened(0)
})

test("[U4] given a vendor's rule for a 403, when it arrives, compressed or not, then its body is read and judged", async () => {
  server = await startRecordingServer(({ headers, path }, response) => {
    if (headers.authorization === 'Bearer t1') response.end('ok')
    else if (path === '/gzip') response.writeHead(403, { 'content-encoding': 'gzip' }).end(gzipSync(REVOKED))
    else response.writeHead(403).end(REVOKED)
  })
  for (const path of ['/', '/gzip']) {
    expect((await over(tokens().cell)(server.origin + path)).status).toBe(200)
  }
})

test('[F3, U4] given a large 403 that is no rejection, when it arrives, then the caller gets it whole, and can pipe it', async () => {
  const padded = JSON.stringify({ error: { message: 'Not for you.' }, padding: 'p'.repeat(300 * KIB) })
  server = await startRecordingServer((_, response) => response.writeHead(403).end(padded))
  const { cell, refreshes } = tokens()
  expect(await (await over(cell)(server.origin)).text()).toBe(padded)
  const { body } = await over(cell)(server.origin)
  const chunks: Buffer[] = []
  const piped = body as unknown as NodeJS.ReadableStream
  piped.on('data', (chunk: Buffer) => chunks.push(chunk))
  await new Promise((resolve) => piped.on('end', resolve))
  expect(String(Buffer.concat(chunks))).toBe(padded)
  expect(refreshes()).toBe(0)
})

test('[F3] given a 401 whose body breaks, when it is judged, then its status decides, and the body breaks for the caller, too', async () => {
  server = await startRecordingServer(({ headers }, response, raw) => {
    if (headers.authorization === 'Bearer t1') response.end('ok')
    else {
      response.writeHead(401, { 'content-length': '100' }).write('some')
      setImmediate(() => raw.socket.destroy())
    }
  })
  expect((await over(tokens().cell)(server.origin)).status).toBe(200)
  const response = await over(broken('t0').cell)(server.origin)
  expect(response.status).toBe(401)
  await expect(response.text()).rejects.toThrow('Invalid response body')
})

describe('[F5] the first event', () => {
  test('[F5] given an open stream, when its first event is a rejection, then it is recognized at once', async () => {
    server = await startRecordingServer(({ headers }, response) => {
      response.writeHead(200, SSE)
      if (headers.authorization === 'Bearer t1') response.end('data: {"n":1}\n\n')
      else {
        response.write(': hello\n\n')
        setImmediate(() => response.end(rejection))
      }
    })
    expect(await (await over(tokens().cell, true)(server.origin)).text()).toBe('data: {"n":1}\n\n')
    expect(server.requests.length).toBe(2)
  })

  test('[F5] given any other first event, when it arrives, then the caller gets the response at once, and the rest as it comes', async () => {
    let go: () => void = () => undefined
    server = await startRecordingServer((_, response) => {
      response.writeHead(200, SSE).write(overloaded)
      go = () => response.end('data: 2\n\n')
    })
    const response = await over(tokens().cell, true)(server.origin)
    expect(response).toBeInstanceOf(NodeResponse)
    const chunks = (response.body as unknown as AsyncIterable<Buffer>)[Symbol.asyncIterator]()
    expect(String((await chunks.next()).value)).toBe(overloaded)
    go()
    expect(String((await chunks.next()).value)).toBe('data: 2\n\n')
    expect((await chunks.next()).done).toBe(true)
  })

  test('[F5] given heartbeats in many pieces, when they arrive, then up to 64 KiB are skipped, and the caller gets them all', async () => {
    const heartbeat = ': keep-alive\n\n'
    let count = 100
    server = await startRecordingServer((_, response) => {
      response.writeHead(200, SSE)
      let left = count
      const next = (): void => {
        if (left-- === 0) response.end(rejection)
        else response.write(heartbeat.repeat(50), () => setImmediate(next))
      }
      next()
    })
    const { cell, refreshes } = tokens()
    expect(await (await over(cell, true)(server.origin)).text()).toBe(heartbeat.repeat(5000) + rejection)
    expect(refreshes()).toBe(0)
    count = 3
    const other = broken('t0')
    expect(await (await over(other.cell, true)(server.origin)).text()).toBe(heartbeat.repeat(150) + rejection)
    expect(other.refreshes()).toBe(1)
  })
})

/** A Request of that fetch's own make. */
function requestOf(init: NodeInit): Request {
  return new NodeRequest(server.origin, { method: 'POST', ...init }) as unknown as Request
}

test.each<[string, () => string | URLSearchParams | Readable | Buffer]>([
  ['a string', () => 'abc'],
  ['bytes', () => Buffer.from('abc')],
  ['URLSearchParams', () => new URLSearchParams({ abc: '' })],
  ['a stream', () => Readable.from([Buffer.from('a'), Buffer.from('bc')])],
])(
  '[F1, F2] given a Request of its own with %s, when it is rejected, then the same is sent again',
  async (_, make) => {
    server = await startRecordingServer(bearer((token) => token === 't1'))
    const { cell, refreshes } = tokens()
    expect((await over(cell)(requestOf({ body: make() }))).status).toBe(200)
    expect(server.requests.map(({ body }) => String(body).slice(0, 3))).toEqual(['abc', 'abc'])
    expect(refreshes()).toBe(1)
  },
)

test('[F2] given a Request whose body is no stream, as with node-fetch 2, when it is rejected, then the same is sent again', async () => {
  server = await startRecordingServer(bearer((token) => token === 't1'))
  const body = Buffer.from('abc')
  const request = { url: server.origin, method: 'POST', body, clone: () => request }
  const send = (({ url }: typeof request, init: NodeInit) =>
    nodeFetch(url, { method: 'POST', body, ...init })) as unknown as typeof globalThis.fetch
  const { cell } = tokens()
  const refreshing = refreshingFetch(cell, { origins: server.origin, fetch: send })
  expect((await refreshing(request as unknown as Request)).status).toBe(200)
  expect(server.requests.map((sent) => String(sent.body))).toEqual(['abc', 'abc'])
})

test('[F2] given a Request over the limit, when it is rejected, then it is sent once, and the caller gets the 401', async () => {
  server = await startRecordingServer(bearer((token) => token === 't1'))
  const { cell, refreshes, heard, onEvent } = tokens()
  const bounded = refreshingFetch(cell, { origins: server.origin, fetch, replayLimit: 2, onEvent })
  const body = Readable.from([Buffer.from('abc'), Buffer.alloc(300_000)])
  expect((await bounded(requestOf({ body }))).status).toBe(401)
  expect(server.requests.map((sent) => sent.body.length)).toEqual([300_003])
  expect(refreshes()).toBe(1)
  expect(heard).toMatchObject([
    { type: 'not_retried', error: { message: expect.stringContaining('2 bytes') } },
  ])
})
