import fc from 'fast-check'
import { Agent, fetch as undiciFetch } from 'undici'
import { afterEach, describe, expect, test } from 'vitest'
import { refreshingFetch, Refreshable } from '../../../src/index.ts'
import { FirstEvent } from '../../../src/surfaces/shared/first-event.ts'
import { IN_STREAM_REJECTIONS, OTHER_FIRST_EVENTS } from '../../support/first-events.ts'
import { type RecordingServer, startRecordingServer } from '../../support/recording-server.ts'
import { broken, tokens } from './cells.ts'

const SSE = { 'content-type': 'text/event-stream; charset=utf-8' }
const CONTENT = 'event: message_start\ndata: {"type":"message_start"}\n\ndata: {"text":"hi"}\n\n'

let server: RecordingServer
afterEach(() => server?.close())

/** Streams one text for the first token, and content for any other. */
async function serve(first: string, headers: Record<string, string> = SSE): Promise<void> {
  server = await startRecordingServer((request, response) => {
    response.writeHead(200, headers)
    response.end(request.headers.authorization === 'Bearer t0' ? first : CONTENT)
  })
}

const read = async (cell: Refreshable<string>, inspectStreams: boolean | undefined): Promise<string> =>
  (await refreshingFetch(cell, { origins: server.origin, inspectStreams })(server.origin)).text()

describe('[F5] the first event', () => {
  test.each(Object.entries(IN_STREAM_REJECTIONS))('[F5] %s: a rejection', async (_, text) => {
    await serve(text)
    const { cell, refreshes } = tokens()
    expect(await read(cell, true)).toBe(CONTENT)
    expect(refreshes()).toBe(1)
    expect(server.requests.length).toBe(2)
  })

  test.each(Object.entries(OTHER_FIRST_EVENTS))('[F5] %s: none, and handed on untouched', async (_, text) => {
    await serve(text)
    const { cell, refreshes } = tokens()
    expect(await read(cell, true)).toBe(text)
    expect(refreshes()).toBe(0)
  })

  const [rejection = ''] = Object.values(IN_STREAM_REJECTIONS)

  test('[F5] without inspectStreams it is nobody’s business', async () => {
    await serve(rejection)
    const { cell, refreshes } = tokens()
    expect(await read(cell, undefined)).toBe(rejection)
    expect(refreshes()).toBe(0)
  })

  test('[F5] nor is it in an answer that is no event stream', async () => {
    await serve(rejection, { 'content-type': 'text/plain' })
    expect(await read(tokens().cell, true)).toBe(rejection)
  })

  test('[F5, P7] where no fresh token is to be had it is handed on as it came', async () => {
    await serve(rejection)
    const { cell, refreshes } = broken('t0')
    expect(await read(cell, true)).toBe(rejection)
    expect(refreshes()).toBe(1)
  })

  test('[F5, F3, P4] so is what follows it, however late it comes; its connection is free before the refresh', async () => {
    server = await startRecordingServer((_, response) => {
      response.writeHead(200, SSE).write(rejection)
      setImmediate(() => response.end(CONTENT))
    })
    const agent = new Agent({ connections: 1, pipelining: 1 })
    const pooled = ((input: string, init: object) =>
      undiciFetch(input, { ...init, dispatcher: agent })) as unknown as typeof globalThis.fetch
    const cell = new Refreshable<string>({
      initial: 't0',
      refresh: async () => {
        await (await pooled(`${server.origin}/token`, {})).text()
        throw new Error('no')
      },
    })
    const fetch = refreshingFetch(cell, { origins: server.origin, inspectStreams: true, fetch: pooled })
    expect(await (await fetch(server.origin)).text()).toBe(rejection + CONTENT)
    expect([server.requests.length, server.sockets()]).toEqual([2, 1])
    await agent.close()
  })

  test('[F5, F3] up to 64 KiB: more than that is let go of before the refresh', async () => {
    server = await startRecordingServer((_, response) => {
      response.writeHead(200, SSE).write(rejection)
      response.write(CONTENT.repeat(2000))
    })
    const cell = new Refreshable<string>({
      initial: 't0',
      refresh: async () => {
        await server.opened(0)
        throw new Error('no')
      },
    })
    const agent = new Agent()
    const fetch = refreshingFetch(cell, {
      origins: server.origin,
      inspectStreams: true,
      fetch: ((input: string, init: object) =>
        undiciFetch(input, { ...init, dispatcher: agent })) as unknown as typeof globalThis.fetch,
    })
    const text = await (await fetch(server.origin)).text()
    expect(text.length).toBeGreaterThan(65_536)
    expect((rejection + CONTENT.repeat(2000)).startsWith(text)).toBe(true)
    await agent.close()
  })

  test('[F5, P7] a second rejection is handed on as it comes, with all that follows it', async () => {
    let go: () => void = () => undefined
    server = await startRecordingServer((_, response) => {
      response.writeHead(200, SSE).write(rejection)
      if (server.requests.length === 1) response.end()
      else go = () => response.end(CONTENT.repeat(2000))
    })
    const { cell, refreshes } = tokens()
    const fetch = refreshingFetch(cell, { origins: server.origin, inspectStreams: true })
    const response = await fetch(server.origin)
    go()
    expect(await response.text()).toBe(rejection + CONTENT.repeat(2000))
    expect([server.requests.length, refreshes()]).toEqual([2, 1])
  })

  test('[F5] after content nothing is retried', async () => {
    await serve(CONTENT + rejection)
    const { cell, refreshes } = tokens()
    expect(await read(cell, true)).toBe(CONTENT + rejection)
    expect(refreshes()).toBe(0)
  })

  test.each([
    ['comments', ': keep-alive\n\n'],
    ['pings', 'event: ping\ndata: {"type": "ping"}\n\n'],
    ['unnamed pings', 'data: {"type":"keepalive","sequence_number":1}\n\n'],
    ['ids and retries', 'id: 7\nretry: 1000\n\n'],
  ])('[F5] %s are passed over, up to 64 KiB', async (_, heartbeat) => {
    await serve(heartbeat.repeat(100) + rejection)
    const one = tokens()
    expect(await read(one.cell, true)).toBe(CONTENT)
    await server.close()
    const endless = heartbeat.repeat(Math.ceil(70_000 / heartbeat.length)) + rejection
    await serve(endless)
    const other = tokens()
    expect(await read(other.cell, true)).toBe(endless)
    expect(other.refreshes()).toBe(0)
  })

  test('[F5] however its bytes arrive, the same is found, and every byte handed on', async () => {
    const heartbeats = fc.constantFrom(': ä comment\n\n', 'event: ping\ndata: {}\n\n', '\n', 'id: 1\n\n')
    const lines = fc.constantFrom('\n', '\r\n', '\r')
    await fc.assert(
      fc.asyncProperty(
        fc.array(heartbeats, { maxLength: 4 }),
        fc.constantFrom(...Object.values(IN_STREAM_REJECTIONS), ...Object.values(OTHER_FIRST_EVENTS)),
        lines,
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 20 }),
        fc.boolean(),
        async (before, event, line, sizes, refreshWorks) => {
          const text = `${before.join('')}${event}data: more\n\n`.replaceAll('\n', line)
          const bytes = new TextEncoder().encode(text)
          let cancelled = 0
          const stream = (): ReadableStream<Uint8Array> => {
            let at = 0
            let turn = 0
            return new ReadableStream({
              pull(controller) {
                const end = at + (sizes[turn++ % sizes.length] ?? 1)
                controller.enqueue(bytes.slice(at, end))
                at = end
                if (at >= bytes.length) controller.close()
              },
              cancel: () => {
                cancelled++
              },
            })
          }
          const isRejection = Object.values(IN_STREAM_REJECTIONS).includes(event)
          const { cell, refreshes } = refreshWorks ? tokens() : broken('t0')
          const sent: string[] = []
          const fetch = refreshingFetch(cell, {
            origins: 'https://a.example',
            inspectStreams: true,
            fetch: async (_, init) => {
              sent.push(new Headers(init?.headers).get('authorization') ?? '')
              return sent.length === 1 ? new Response(stream(), { headers: SSE }) : new Response(CONTENT)
            },
          })
          const received = await (await fetch('https://a.example')).text()
          expect(refreshes()).toBe(isRejection ? 1 : 0)
          expect(sent.length).toBe(isRejection && refreshWorks ? 2 : 1)
          if (isRejection && refreshWorks) expect(received).toBe(CONTENT)
          else expect(received).toBe(text)
          expect(cancelled).toBeLessThanOrEqual(1)
        },
      ),
      { numRuns: 300 },
    )
  })

  test('[F5] it is handed on as soon as it is there, and the rest flows as it comes', async () => {
    let go: () => void = () => undefined
    server = await startRecordingServer((_, response) => {
      response.writeHead(200, SSE).write('data: {"n":1}\n\n')
      go = () => response.end('data: {"n":2}\n\n')
    })
    const fetch = refreshingFetch(tokens().cell, { origins: server.origin, inspectStreams: true })
    const reader = (await fetch(server.origin)).body?.getReader()
    const text = async (): Promise<string> => new TextDecoder().decode((await reader?.read())?.value)
    expect(await text()).toBe('data: {"n":1}\n\n')
    go()
    expect(await text()).toBe('data: {"n":2}\n\n')
    expect((await reader?.read())?.done).toBe(true)
  })

  test('[F5] whoever leaves early closes the connection', async () => {
    server = await startRecordingServer((_, response) => response.writeHead(200, SSE).write(CONTENT))
    const leaving = new AbortController()
    const fetch = refreshingFetch(tokens().cell, { origins: server.origin, inspectStreams: true })
    const response = await fetch(server.origin, { signal: leaving.signal })
    await response.body?.cancel()
    await server.opened(0)
    expect(server.requests.length).toBe(1)
  })
})

test('[F5] a byte order mark and a multi-line event are read as the standard says', () => {
  const first = new FirstEvent()
  const bytes = new TextEncoder().encode('\u{feff}event:error\r\ndata:{"a":\r\ndata: 1}\r\n\r\n')
  expect(first.push(bytes)).toEqual({ name: 'error', data: '{"a":\n1}' })
})
