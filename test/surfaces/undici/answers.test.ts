import { createServer as createHttp2Server } from 'node:http2'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { type Dispatcher, H2CClient, interceptors } from 'undici'
import { afterEach, expect, test } from 'vitest'
import { Refreshable } from '../../../src/index.ts'
import { refreshingInterceptor } from '../../../src/surfaces/undici/index.ts'
import { bearer, type RecordingServer, startRecordingServer } from '../../support/recording-server.ts'
import { settled } from '../../support/settled.ts'
import { broken, tokens } from '../fetch/cells.ts'
import { agent, closeAgents, refreshed } from './agents.ts'
import { type Inner, Listener, scripted } from './scripted.ts'

const KIB = 1024
const ORIGIN = 'https://a.example'
let server: RecordingServer
afterEach(async () => {
  await closeAgents()
  await server?.close()
})

const get = (dispatcher: Dispatcher, path = '/'): Promise<Dispatcher.ResponseData> =>
  dispatcher.request({ origin: server.origin, path, method: 'GET' })

/** Everything that a caller can see of an answer, but when it was. */
async function seen(answer: Promise<Dispatcher.ResponseData>): Promise<unknown> {
  const { statusCode, statusText, headers, body, trailers } = await answer
  const { date: _, ...rest } = headers
  return { statusCode, statusText, headers: rest, body: await body.text(), trailers }
}

test('[F1] given a response that is no rejection, when it arrives, then the caller gets its head, bytes and trailers unchanged', async () => {
  const packed = gzipSync('x'.repeat(100 * KIB))
  server = await startRecordingServer((_, response) => {
    response.writeHead(500, 'Oops', { 'x-a': ['1', '2'], 'content-encoding': 'gzip', trailer: 'x-sum' })
    response.addTrailers({ 'x-sum': '7' })
    response.end(packed)
  })
  const { body, trailers, headers, statusText } = await get(
    refreshed(tokens().cell, { origins: server.origin }),
  )
  expect(Buffer.from(await body.bytes()).equals(packed)).toBe(true)
  expect(headers['x-a']).toEqual(['1', '2'])
  expect([statusText, trailers]).toEqual(['Oops', { 'x-sum': '7' }])
})

test('[F1, F3] given a second attempt, or a rejection that no refresh mends, when its response arrives, then the caller gets it unchanged, too', async () => {
  server = await startRecordingServer(({ headers, path }, response) => {
    const isGood = path === '/good' && headers.authorization !== 'Bearer t0'
    response.writeHead(isGood ? 200 : 401, isGood ? 'Fine' : 'No', {
      'set-cookie': ['a', 'b'],
      trailer: 'x-t',
    })
    response.addTrailers({ 'x-t': '7' })
    response.end('y'.repeat(10 * KIB))
  })
  const good = refreshed(tokens().cell, { origins: server.origin })
  const plain = {
    origin: server.origin,
    path: '/good',
    method: 'GET',
    headers: { authorization: 'x' },
  } as const
  expect(await seen(get(good, '/good'))).toEqual(await seen(agent().request(plain)))
  const bad = refreshed(broken('t0').cell, { origins: server.origin })
  expect(await seen(get(bad, '/bad'))).toEqual(await seen(get(agent(), '/bad')))
})

test('[F3] given a refresh that fails, when a 401 arrives, then the caller gets it unchanged, with up to 64 KiB of its body, compressed or not', async () => {
  const bodies: Record<string, Buffer> = {
    '': Buffer.from('x'.repeat(64 * KIB)),
    gzip: gzipSync('x'.repeat(600 * KIB)),
    br: brotliCompressSync('{"error":{}}'),
    compress: Buffer.from('nobody reads this'),
    zstd: Buffer.from('nor this, where it is known'),
  }
  server = await startRecordingServer(({ path }, response) => {
    const encoding = path?.slice(1) ?? ''
    const length = { 'content-length': String(bodies[encoding]?.length) }
    const headers = encoding === '' ? length : { ...length, 'content-encoding': encoding }
    response.writeHead(401, headers).end(bodies[encoding])
  })
  for (const [encoding, body] of Object.entries(bodies)) {
    const { cell, refreshes } = broken('t0')
    const answer = await get(refreshed(cell, { origins: server.origin }), `/${encoding}`)
    expect(answer.statusCode).toBe(401)
    expect(Buffer.from(await answer.body.bytes()).equals(body)).toBe(true)
    expect(answer.headers['content-encoding'] ?? '').toBe(encoding)
    expect(answer.headers['content-length']).toBe(String(body.length))
    expect(refreshes()).toBe(1)
  }
})

test('[F3] given a 401 that was cut short, when the caller gets it, then no header states its length', async () => {
  server = await startRecordingServer((_, response) => {
    response.writeHead(401, { 'content-length': String(200 * KIB) })
    response.write('y'.repeat(80 * KIB))
  })
  const raw: unknown[] = []
  const cell = broken('t0').cell
  const watching = refreshed(cell, { origins: server.origin }).compose((dispatch) => (options, handler) => {
    const { onResponseStart } = handler
    handler.onResponseStart = (controller, ...rest) => {
      raw.push(...(controller.rawHeaders as Buffer[]).map(String))
      onResponseStart?.call(handler, controller, ...rest)
    }
    return dispatch(options, handler)
  })
  await (await get(watching)).body.text()
  expect(raw).not.toContain('content-length')
  expect(raw).toContain('Date')
})

test('[F3] given small rejections, when they were read, then the next request uses their connection', async () => {
  server = await startRecordingServer(bearer((token) => token !== 't0'))
  const pool = agent({ connections: 1 })
  const dispatcher = refreshed(tokens().cell, { origins: server.origin }, pool)
  expect(await (await get(dispatcher)).body.text()).toBe('ok')
  expect(server.sockets()).toBe(1)
})

const revoked = {
  type: 'error',
  error: { type: 'permission_error', message: 'OAuth token has been revoked.' },
}

test('[F3, P13] given a caller that reads slowly, when its response arrives, then nothing is read ahead', async () => {
  server = await startRecordingServer((_, response) => {
    response.writeHead(403)
    const more = (): void => {
      while (response.write('p'.repeat(64 * KIB)));
    }
    response.on('drain', more)
    more()
  })
  const { body } = await get(refreshed(tokens().cell, { origins: server.origin }))
  let read = 0
  for await (const chunk of body) {
    read += (chunk as Buffer).length
    if (read > 1000 * KIB) break
  }
  expect(body.destroyed).toBe(true)
  await server.opened(0)
})

test('[U3] given one or several challenges, when the credential is refreshed, then the refresh gets them', async () => {
  const challenge = 'Bearer error="insufficient_claims", claims="eyJhY2Nlc3NfdG9rZW4iOnt9fQ=="'
  server = await startRecordingServer(({ headers, path }, response) => {
    if (headers.authorization === 'Bearer t1') response.end('ok')
    else
      response
        .writeHead(401, { 'www-authenticate': path === '/two' ? ['Basic', challenge] : challenge })
        .end()
  })
  const challenges: (string | undefined)[] = []
  for (const path of ['/', '/two']) {
    const cell = new Refreshable({
      initial: 't0',
      refresh: async (context) => {
        challenges.push(context.challenge)
        return 't1'
      },
    })
    expect((await get(refreshed(cell, { origins: server.origin }), path)).statusCode).toBe(200)
  }
  expect(challenges).toEqual([challenge, `Basic, ${challenge}`])
})

test('[P7] given a second rejection that is large, when it arrives, then the caller gets it whole', async () => {
  server = await startRecordingServer((_, response) => response.writeHead(401).end('z'.repeat(200 * KIB)))
  const { body } = await get(refreshed(tokens().cell, { origins: server.origin }))
  expect((await body.text()).length).toBe(200 * KIB)
  expect(server.requests.length).toBe(2)
})

test('[F1] given informational responses, when they arrive, then the caller gets them', async () => {
  server = await startRecordingServer((_, response) => {
    response.writeEarlyHints({ link: '</a.css>; rel=preload' })
    response.end('ok')
  })
  const infos: number[] = []
  const { body } = await refreshed(tokens().cell, { origins: server.origin }).request({
    origin: server.origin,
    path: '/',
    method: 'GET',
    onInfo: ({ statusCode }) => infos.push(statusCode),
  })
  expect([await body.text(), infos]).toEqual(['ok', [103]])
})

test('[C8] given a response with an error of another kind, when it arrives, then the credential does not count as accepted', async () => {
  const accepted: number[] = []
  const { cell } = tokens()
  const counting = {
    ...cell.map((token) => token),
    map: (build: (token: string) => unknown) => {
      const mapped = cell.map(build)
      return new Proxy(mapped, {
        get: (target, key) => {
          const value: unknown = Reflect.get(target, key)
          if (key === 'accepted') return ({ generation }: { generation: number }) => accepted.push(generation)
          return typeof value === 'function' ? value.bind(target) : value
        },
      })
    },
    accepted: () => undefined,
  }
  const { dispatch, sent } = scripted()
  const dispatching = refreshingInterceptor(counting as never, {
    origins: ORIGIN,
    inspectStreams: true,
    rules: { odd: { statuses: [203, 418], matches: () => false } },
  })(dispatch)
  const accepts = async (play: (inner: Inner) => void): Promise<boolean> => {
    dispatching({ origin: ORIGIN, path: '/', method: 'GET' }, new Listener())
    await settled()
    const inner = sent.at(-1)
    if (inner !== undefined) play(inner)
    await settled()
    return accepted.splice(0).length === 1
  }
  for (const status of [500, 403, 404, 200, 302]) {
    expect([status, await accepts((inner) => inner.answer(status))]).toEqual([status, status < 400])
  }
  expect(await accepts((inner) => inner.start().upgrade(101, {}))).toBe(true)
  expect(await accepts((inner) => inner.start().upgrade(503, {}))).toBe(false)
  const sse = { 'content-type': 'text/event-stream' }
  const overloaded = 'event: error\ndata: {"error":{"type":"overloaded_error"}}\n\n'
  expect(await accepts((inner) => inner.answer(200, 'data: 1\n\n', sse))).toBe(true)
  expect(await accepts((inner) => inner.answer(200, overloaded, sse))).toBe(false)
  // Whoever is asked after a redirect has not seen it.
  const history = [new URL(ORIGIN), new URL('https://b.example')]
  expect(await accepts((inner) => inner.start({ history }).head(200).end())).toBe(false)
  expect(
    await accepts((inner) =>
      inner
        .start({ history: [new URL(ORIGIN)] })
        .head(200)
        .end(),
    ),
  ).toBe(true)
  // A rule may name a status that is none of an error.
  expect(await accepts((inner) => inner.answer(203))).toBe(true)
  expect(await accepts((inner) => inner.answer(418))).toBe(false)
})

test('[F1] given interceptors beneath that retry and decompress, when requests are made, then the promises hold', async () => {
  let calls = 0
  server = await startRecordingServer(({ headers }, response) => {
    if (calls++ === 0) response.writeHead(503, { 'retry-after': '0' }).end()
    else if (headers.authorization === 'Bearer t0') {
      response.writeHead(403, { 'content-encoding': 'gzip' }).end(gzipSync(JSON.stringify(revoked)))
    } else response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('ok'))
  })
  const over = agent().compose(
    interceptors.retry({ minTimeout: 1 }),
    interceptors.decompress({ skipErrorResponses: false }),
  )
  const { body } = await get(refreshed(tokens().cell, { origins: server.origin }, over))
  expect(await body.text()).toBe('ok')
  expect(server.sent('authorization')).toEqual(['Bearer t0', 'Bearer t0', 'Bearer t1'])
})

test('[F1] given an interceptor that turns responses into errors, when it comes after ours, then it sees only the last response', async () => {
  server = await startRecordingServer(bearer((token) => token === 't1'))
  const options = { origins: server.origin }
  const above = refreshed(tokens().cell, options).compose(interceptors.responseError())
  expect(await (await get(above)).body.text()).toBe('ok')
  const refused = refreshed(broken('t0').cell, options).compose(interceptors.responseError())
  await expect(get(refused)).rejects.toMatchObject({
    statusCode: 401,
    body: { error: { message: 'expired' } },
  })
})

test('[F1, F3] given HTTP/2, when requests are made, then the promises hold', async () => {
  const requests: unknown[] = []
  const http2 = createHttp2Server()
  http2.on('stream', (stream, headers) => {
    let body = ''
    stream.on('error', () => undefined)
    stream.on('data', (chunk: Buffer) => (body += String(chunk)))
    stream.on('end', () => {
      requests.push([headers.authorization, body])
      const isGood = headers.authorization === 'Bearer t1'
      stream.respond({ ':status': isGood ? 200 : 401 })
      if (isGood) stream.end('ok')
      // This one never ends.
      else if (headers[':path'] === '/large') stream.write('z'.repeat(80 * KIB))
      else stream.end('no')
    })
  })
  await new Promise<void>((resolve) => http2.listen(0, '127.0.0.1', resolve))
  const address = http2.address()
  const origin = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
  for (const path of ['/', '/large']) {
    const client = new H2CClient(origin)
    const dispatcher = refreshed(tokens().cell, { origins: origin }, client)
    const body = Buffer.from('x')
    const answer = await dispatcher.request({ origin, path, method: 'POST', body })
    expect([answer.statusCode, await answer.body.text()]).toEqual([200, 'ok'])
    expect(requests.splice(0)).toEqual([
      ['Bearer t0', 'x'],
      ['Bearer t1', 'x'],
    ])
    await client.destroy()
  }
  await new Promise((resolve) => http2.close(resolve))
})
