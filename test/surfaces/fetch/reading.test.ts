import { afterEach, describe, expect, test } from 'vitest'
import { refreshingFetch } from '../../../src/index.ts'
import { Gone } from '../../sources/helpers.ts'
import { type RecordingServer, startRecordingServer } from '../../support/recording-server.ts'
import { settled } from '../../support/settled.ts'
import { broken, tokens } from './cells.ts'

const URL = 'https://api.example.com/v1'
const SSE = { 'content-type': 'text/event-stream' }
const EVENTS = ['data: {"delta":"a"}\n\n', 'data: {"delta":"b"}\n\n']
const REJECTION = 'data: {"error":{"code":401,"status":"UNAUTHENTICATED"}}\n\n'
const any = { statuses: [200], matches: ({ text }: { text: string }) => text.includes('expired') }

let server: RecordingServer | undefined
afterEach(() => server?.close())

/** A body that is made as it is asked for. */
function body(
  pieces: readonly string[],
  end: 'ends' | 'breaks',
  type?: 'bytes',
): { stream: ReadableStream; pulls: () => number } {
  let pulls = 0
  const pull = (controller: { enqueue(bytes: Uint8Array<ArrayBuffer>): void; close(): void }): void => {
    const piece = pieces[pulls++]
    if (piece !== undefined) controller.enqueue(new TextEncoder().encode(piece))
    else if (end === 'ends') controller.close()
    else throw new Error('connection reset')
  }
  const stream =
    type === undefined
      ? new ReadableStream({ pull }, { highWaterMark: 0 })
      : new ReadableStream({ pull, type })
  return { stream, pulls: () => pulls }
}

/** Reads to the end: the pieces, and the error that it ended with. */
async function read(stream: ReadableStream<Uint8Array> | null): Promise<string[]> {
  const pieces: string[] = []
  try {
    for await (const piece of stream ?? []) pieces.push(Buffer.from(piece).toString())
  } catch (error) {
    pieces.push(String(error))
  }
  return pieces
}

describe('[F8] what was read is put in front of the rest', () => {
  test.each([undefined, 'bytes'] as const)(
    '[F8] given a body (%s) that breaks behind a piece, when it was inspected, then the caller gets the piece, and then the error',
    async (type) => {
      const fetch = refreshingFetch(tokens().cell, {
        origins: 'https://api.example.com',
        inspectStreams: true,
        fetch: async () => new Response(body(EVENTS, 'breaks', type).stream, { headers: SSE }),
      })
      expect(await read((await fetch(URL)).body)).toEqual([...EVENTS, 'Error: connection reset'])
    },
  )

  test('[F8] given a rejection whose body breaks, when there is no fresh token, then the caller gets the bytes that came, and then the error', async () => {
    const fetch = refreshingFetch(broken('t0').cell, {
      origins: 'https://api.example.com',
      fetch: async () => new Response(body(['{"error":'], 'breaks').stream, { status: 401 }),
    })
    expect(await read((await fetch(URL)).body)).toEqual(['{"error":', 'Error: connection reset'])
  })

  test('[F8, P13] given a stream that was inspected, when no one reads it, then nothing more is read', async () => {
    const { stream, pulls } = body([...EVENTS, ...EVENTS], 'ends')
    const fetch = refreshingFetch(tokens().cell, {
      origins: 'https://api.example.com',
      inspectStreams: true,
      fetch: async () => new Response(stream, { headers: SSE }),
    })
    const response = await fetch(URL)
    await settled()
    expect(pulls()).toBe(1)
    const reader = response.body?.getReader()
    await reader?.read()
    await settled()
    expect(pulls()).toBe(1)
    await reader?.read()
    expect(pulls()).toBe(2)
  })

  test('[F8] given a stream of bytes, when it was inspected, then it can be read into the caller’s own buffers to its end', async () => {
    const fetch = refreshingFetch(tokens().cell, {
      origins: 'https://api.example.com',
      inspectStreams: true,
      fetch: async () => new Response(body(EVENTS, 'ends', 'bytes').stream, { headers: SSE }),
    })
    const reader = (await fetch(URL)).body?.getReader({ mode: 'byob' })
    let text = ''
    for (;;) {
      const result = await reader?.read(new Uint8Array(7))
      text += Buffer.from(result?.value ?? []).toString()
      if (result?.done !== false) break
    }
    expect(text).toBe(EVENTS.join(''))
  })

  test('[F8] given a caller that cancels, when the response was inspected, then the original body is cancelled', async () => {
    let reason: unknown
    const stream = new ReadableStream({
      start: (controller) => controller.enqueue(new TextEncoder().encode(EVENTS[0])),
      cancel: (given) => (reason = given),
    })
    const fetch = refreshingFetch(tokens().cell, {
      origins: 'https://api.example.com',
      inspectStreams: true,
      fetch: async () => new Response(stream, { headers: SSE }),
    })
    await (await fetch(URL)).body?.cancel('enough')
    expect(reason).toBe('enough')
  })
})

describe('[F8] aborts', () => {
  test.each([false, true])(
    '[F8] given an abort between the head and the first read, when the stream is read, then it is an AbortError (inspectStreams: %s)',
    async (inspectStreams) => {
      const gone = new Gone()
      server = await startRecordingServer((_, response) => {
        gone.watch(response)
        response.writeHead(200, SSE).write(EVENTS[0])
      })
      const unhandled: unknown[] = []
      const listen = (reason: unknown): unknown => unhandled.push(reason)
      process.on('unhandledRejection', listen)
      const leaving = new AbortController()
      const fetch = refreshingFetch(tokens().cell, { origins: server.origin, inspectStreams })
      const response = await fetch(server.origin, { signal: leaving.signal })
      leaving.abort()
      await expect(response.text()).rejects.toMatchObject({ name: 'AbortError' })
      // Its connection is closed; fetch may have opened another one for later.
      await gone.gone
      process.off('unhandledRejection', listen)
      expect(unhandled).toEqual([])
    },
  )

  test('[F8] given an abort while a first event is waited for, when the fetch ignores signals, then the call ends, and the body is cancelled', async () => {
    const leaving = new AbortController()
    let cancelled: unknown
    const fetch = refreshingFetch(tokens().cell, {
      origins: 'https://api.example.com',
      inspectStreams: true,
      fetch: async () =>
        new Response(new ReadableStream({ cancel: (reason) => (cancelled = reason) }), { headers: SSE }),
    })
    const call = fetch(URL, { signal: leaving.signal })
    await settled()
    leaving.abort(new Error('left'))
    await expect(call).rejects.toThrow('left')
    expect(cancelled).toMatchObject({ message: 'left' })
  })
})

describe('[F8] event streams and rules for successes', () => {
  test.each([false, true])(
    '[F8, P13] given a rule for status 200, when an event stream goes on for long, then the caller gets it (inspectStreams: %s)',
    async (inspectStreams) => {
      const stream = new ReadableStream({
        start: (controller) => controller.enqueue(new TextEncoder().encode(EVENTS[0])),
      })
      const fetch = refreshingFetch(tokens().cell, {
        origins: 'https://api.example.com',
        rules: { any },
        inspectStreams,
        fetch: async () => new Response(stream, { headers: SSE }),
      })
      const reader = (await fetch(URL)).body?.getReader()
      expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe(EVENTS[0])
    },
  )

  test('[F5] given a rule for status 200 and inspectStreams, when the first event matches the rule, then it is a rejection', async () => {
    const { cell, refreshes } = tokens()
    const fetch = refreshingFetch(cell, {
      origins: 'https://api.example.com',
      rules: { any },
      inspectStreams: true,
      fetch: async () => new Response(refreshes() === 0 ? 'data: expired\n\n' : EVENTS[0], { headers: SSE }),
    })
    expect(await (await fetch(URL)).text()).toBe(EVENTS[0])
    expect(refreshes()).toBe(1)
  })

  test('[F5] given a platform that shows no bodies, when a response may be a rejection, then its text is judged', async () => {
    const { cell, refreshes } = tokens()
    const text = '{"error":{"type":"permission_error","message":"OAuth token has been revoked"}}'
    const answer = (status: number): object => ({
      status,
      headers: new Headers(),
      clone: () => ({ text: async () => text }),
      text: async () => text,
    })
    const fetch = refreshingFetch(cell, {
      origins: 'https://api.example.com',
      fetch: async () => answer(refreshes() === 0 ? 403 : 200) as Response,
    })
    expect((await fetch(URL)).status).toBe(200)
  })
})

test('[F6, F8] given a response of another surface of ours, when it is a 401, then the caller gets it, and nothing is refreshed', async () => {
  const inner = tokens()
  inner.cell.clear()
  const outer = tokens()
  const origins = 'https://api.example.com'
  const fetch = refreshingFetch(outer.cell, { origins, fetch: refreshingFetch(inner.cell, { origins }) })
  const response = await fetch(URL)
  expect([response.status, response.headers.get('x-llm-refresh')]).toEqual([401, 'credential_missing'])
  expect(outer.refreshes()).toBe(0)
})

test('[F5, F8] given a rejection in an event stream, when it is refreshed, then the rejected body is cancelled', async () => {
  const { cell, refreshes } = tokens()
  let cancelled = 0
  const rejected = new ReadableStream({
    start: (controller) => controller.enqueue(new TextEncoder().encode(REJECTION + 'x'.repeat(70_000))),
    cancel: () => void cancelled++,
  })
  const fetch = refreshingFetch(cell, {
    origins: 'https://api.example.com',
    inspectStreams: true,
    fetch: async () => new Response(refreshes() === 0 ? rejected : EVENTS[0], { headers: SSE }),
  })
  expect(await (await fetch(URL)).text()).toBe(EVENTS[0])
  expect([refreshes(), cancelled]).toEqual([1, 1])
})
