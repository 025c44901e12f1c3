import { brotliCompressSync, constants, createGzip, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import type { Dispatcher } from 'undici'
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import type { Refreshable } from '../../../src/index.ts'
import { refreshingInterceptor } from '../../../src/surfaces/undici/index.ts'
import { IN_STREAM_REJECTIONS, OTHER_FIRST_EVENTS } from '../../support/first-events.ts'
import { type RecordingServer, startRecordingServer } from '../../support/recording-server.ts'
import { settled } from '../../support/settled.ts'
import { broken, tokens } from '../fetch/cells.ts'
import { closeAgents, refreshed } from './agents.ts'
import { Listener, scripted } from './scripted.ts'

const SSE = { 'content-type': 'text/event-stream; charset=utf-8' }
const CONTENT = 'event: message_start\ndata: {"type":"message_start"}\n\ndata: {"text":"hi"}\n\n'

let server: RecordingServer
afterEach(async () => {
  await closeAgents()
  await server?.close()
})

const PACKERS: Record<string, (text: string) => Buffer> = {
  identity: (text) => Buffer.from(text),
  gzip: gzipSync,
  deflate: deflateSync,
  br: brotliCompressSync,
}

/** Streams one text for the first token, and content for any other. */
async function serve(first: string | Buffer, headers: Record<string, string> = SSE): Promise<void> {
  server = await startRecordingServer((request, response) => {
    const isFirst = request.headers.authorization === 'Bearer t0'
    response.writeHead(200, isFirst ? headers : SSE)
    response.end(isFirst ? first : CONTENT)
  })
}

const open = (
  cell: Refreshable<string>,
  inspectStreams: boolean | undefined,
): Promise<Dispatcher.ResponseData> =>
  refreshed(cell, { origins: server.origin, inspectStreams }).request({
    origin: server.origin,
    path: '/',
    method: 'GET',
  })

const read = async (cell: Refreshable<string>, inspectStreams: boolean | undefined): Promise<string> =>
  (await open(cell, inspectStreams)).body.text()

const [rejection = ''] = Object.values(IN_STREAM_REJECTIONS)

describe('[F5] compressed streams', () => {
  test.each(['gzip', 'x-gzip', 'GZIP', 'deflate', 'deflate, raw', 'br'])(
    '[F5] given a stream compressed with %s, when it is judged, then a copy is decoded, and the caller gets the bytes unchanged',
    async (name) => {
      const encoding = name.replace(', raw', '')
      const pack = name.endsWith('raw') ? deflateRawSync : (PACKERS[name] ?? gzipSync)
      const headers = { ...SSE, 'content-encoding': encoding }
      await serve(pack(rejection), headers)
      const { cell, refreshes } = tokens()
      expect(await read(cell, true)).toBe(CONTENT)
      expect(refreshes()).toBe(1)
      await server.close()
      await serve(pack(CONTENT), headers)
      const { body } = await open(tokens().cell, true)
      expect(Buffer.from(await body.bytes()).equals(pack(CONTENT))).toBe(true)
    },
  )

  test.each(['none', 'utf-8', 'aws-chunked, identity'])(
    '[F5] given a name that is no compression (%s), when a stream has it, then the bytes are read as they are',
    async (encoding) => {
      server = await startRecordingServer(({ headers }, response) => {
        response.writeHead(200, { ...SSE, 'content-encoding': encoding })
        response.end(headers.authorization === 'Bearer t0' ? rejection : CONTENT)
      })
      const { cell, refreshes } = tokens()
      expect(await read(cell, true)).toBe(CONTENT)
      expect(refreshes()).toBe(1)
    },
  )

  test('[F5] given an open stream, when its first event arrives, then it is judged before the stream ends', async () => {
    const gzip = createGzip({ flush: constants.Z_SYNC_FLUSH })
    server = await startRecordingServer(({ headers }, response) => {
      response.writeHead(200, { ...SSE, 'content-encoding': 'gzip' })
      if (headers.authorization === 'Bearer t0') gzip.pipe(response)
      else response.end(gzipSync(CONTENT))
    })
    gzip.write(rejection)
    gzip.flush()
    // The rest of a rejection is waited for, for some seconds.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
    onTestFinished(() => void vi.useRealTimers())
    const opened = open(tokens().cell, true)
    await vi.waitFor(() => expect(server.requests).toHaveLength(2), { interval: 100, timeout: 600_000 })
    const { body } = await opened
    expect(Buffer.from(await body.bytes()).equals(gzipSync(CONTENT))).toBe(true)
    gzip.destroy()
  })

  test.each(['compress', 'gzip, br'])(
    '[F5] given a compression that cannot be decoded (%s), when a stream has it, then the caller gets the stream at once',
    async (encoding) => {
      let go: () => void = () => undefined
      server = await startRecordingServer((_, response) => {
        response.writeHead(200, { ...SSE, 'content-encoding': encoding }).write('some')
        go = () => response.end('thing')
      })
      const { cell, refreshes } = tokens()
      const { body } = await open(cell, true)
      go()
      expect(await body.text()).toBe('something')
      expect(refreshes()).toBe(0)
    },
  )

  test('[F5] given bytes that are no gzip, or are cut short, when they arrive, then the caller gets them unchanged', async () => {
    for (const bytes of [Buffer.from('no gzip at all'), gzipSync(CONTENT).subarray(0, 12), Buffer.alloc(0)]) {
      await serve(bytes, { ...SSE, 'content-encoding': 'gzip' })
      const { body } = await open(tokens().cell, true)
      expect(Buffer.from(await body.bytes()).equals(bytes)).toBe(true)
      await server.close()
    }
  })

  test('[F5] given few bytes that decode to very many, when they arrive, then the rest is not decoded', async () => {
    const bomb = gzipSync(Buffer.alloc(50_000_000, ':'))
    await serve(bomb, { ...SSE, 'content-encoding': 'gzip' })
    const { cell, refreshes } = tokens()
    const { body } = await open(cell, true)
    expect(Buffer.from(await body.bytes()).equals(bomb)).toBe(true)
    expect(refreshes()).toBe(0)
  })
})

test('[F5] given a response that is no plain success, when it is an event stream, then its first event is not judged', async () => {
  server = await startRecordingServer((_, response) => response.writeHead(203, SSE).end(rejection))
  const { cell, refreshes } = tokens()
  expect(await read(cell, true)).toBe(rejection)
  expect(refreshes()).toBe(0)
})

/** Bytes that do not compress, as a comment. */
function comment(size: number): Buffer {
  const text = Buffer.alloc(size, ':')
  let random = 7
  for (let at = 1; at < size; at++) {
    random = (random * 48_271) % 2_147_483_647
    text[at] = 32 + (random % 90)
  }
  return text
}

test('[F5, P13] given as many bytes as are judged, when the decoder is still working, then no more are taken', async () => {
  const { dispatch, inner } = scripted()
  const ORIGIN = 'https://a.example'
  const dispatching = refreshingInterceptor(tokens().cell, { origins: ORIGIN, inspectStreams: true })(
    dispatch,
  )
  const listener = new Listener()
  const received: Uint8Array[] = []
  listener.onResponseData = (_, chunk) => received.push(chunk)
  dispatching({ origin: ORIGIN, path: '/', method: 'GET' }, listener)
  await settled()
  const packed = gzipSync(comment(100_000))
  expect(packed.length).toBeGreaterThan(65_536)
  const { controller } = inner(0)
    .start()
    .head(200, { ...SSE, 'content-encoding': 'gzip' })
    .data(packed)
  expect([controller.paused, received.length]).toEqual([true, 0])
  await expect.poll(() => received.length, { interval: 1 }).toBe(1)
  expect(controller.paused).toBe(false)
  inner(0).data('more').end()
  expect(Buffer.concat(received).equals(Buffer.concat([packed, Buffer.from('more')]))).toBe(true)
})

test('[F3] given a rejection that is clear early, when it is passed on, then the caller gets it whole', async () => {
  const { dispatch, inner, sent } = scripted()
  const ORIGIN = 'https://a.example'
  const dispatching = refreshingInterceptor(broken('t0').cell, { origins: ORIGIN })(dispatch)
  const listener = new Listener()
  const received: Uint8Array[] = []
  listener.onResponseData = (_, chunk) => received.push(chunk)
  dispatching({ origin: ORIGIN, path: '/', method: 'GET' }, listener)
  await settled()
  const packed = gzipSync('x'.repeat(600_000))
  inner(0).start().head(401, { 'content-encoding': 'gzip' }).data(packed.subarray(0, -10))
  for (let turn = 0; turn < 50; turn++) await settled()
  inner(0).data(packed.subarray(-10)).end()
  await expect.poll(() => listener.heard.at(-1), { interval: 1 }).toBe('end {}')
  expect(Buffer.concat(received).equals(packed)).toBe(true)
  expect([sent.length, listener.heard]).toEqual([1, ['start', '401 S401', 'end {}']])
})

test('[F5] given any pieces of a stream, when they arrive, then the same event is found, and the caller gets every byte', async () => {
  const heartbeats = fc.constantFrom(': ä comment\n\n', 'event: ping\ndata: {}\n\n', '\n', 'id: 1\n\n')
  await fc.assert(
    fc.asyncProperty(
      fc.array(heartbeats, { maxLength: 4 }),
      fc.constantFrom(...Object.values(IN_STREAM_REJECTIONS), ...Object.values(OTHER_FIRST_EVENTS)),
      fc.constantFrom('\n', '\r\n', '\r'),
      fc.constantFrom(...Object.keys(PACKERS)),
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 20 }),
      fc.boolean(),
      fc.boolean(),
      async (before, event, line, encoding, sizes, refreshWorks, pauses) => {
        const text = `${before.join('')}${event}data: more\n\n`.replaceAll('\n', line)
        const bytes = PACKERS[encoding]?.(text) ?? Buffer.alloc(0)
        const isRejection = Object.values(IN_STREAM_REJECTIONS).includes(event)
        const { cell, refreshes } = refreshWorks ? tokens() : broken('t0')
        const { dispatch, sent, inner } = scripted()
        const dispatching = refreshingInterceptor(cell, {
          origins: 'https://a.example',
          inspectStreams: true,
        })(dispatch)
        const received: Uint8Array[] = []
        const listener = new Listener()
        let isPaused = false
        let isOver = false
        listener.onResponseData = (controller, chunk) => {
          expect(isPaused).toBe(false)
          received.push(chunk)
          if (!pauses) return
          isPaused = true
          controller.pause()
          setImmediate(() => {
            isPaused = false
            controller.resume()
          })
        }
        listener.onResponseEnd = () => {
          expect(isPaused).toBe(false)
          isOver = true
        }
        dispatching({ origin: 'https://a.example', path: '/', method: 'GET' }, listener)
        await settled()
        inner(0)
          .start()
          .head(200, { ...SSE, 'content-encoding': encoding })
        const { controller } = inner(0)
        for (let at = 0, turn = 0; at < bytes.length && !controller.aborted; turn++) {
          if (controller.paused) {
            await settled()
            continue
          }
          const end = at + (sizes[turn % sizes.length] ?? 1)
          inner(0).data(bytes.subarray(at, end))
          at = end
          if (turn % 3 === 0) await settled()
        }
        while (controller.paused) await settled()
        inner(0).end()
        await expect.poll(() => isOver || sent.length === 2, { interval: 1 }).toBe(true)
        expect(refreshes()).toBe(isRejection ? 1 : 0)
        expect(sent.length).toBe(isRejection && refreshWorks ? 2 : 1)
        const whole = Buffer.concat(received)
        if (isRejection && refreshWorks) expect(whole.length).toBe(0)
        else expect(whole.equals(bytes)).toBe(true)
      },
    ),
    { numRuns: 200 },
  )
})
