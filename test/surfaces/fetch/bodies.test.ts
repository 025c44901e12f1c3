import { createServer } from 'node:http'
import { Readable } from 'node:stream'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Refreshable, refreshingFetch } from '../../../src/index.ts'
import { bearer, type RecordingServer, startRecordingServer } from '../../support/recording-server.ts'
import { settled } from '../../support/settled.ts'
import { tokens } from './cells.ts'

let server: RecordingServer
beforeEach(async () => {
  server = await startRecordingServer(bearer((token) => token === 't1'))
})
afterEach(() => server.close())

const TEXT = 'one two three '.repeat(1_000)
const bytes = (): Uint8Array<ArrayBuffer> => new TextEncoder().encode(TEXT)

function* pieces(): Generator<Uint8Array<ArrayBuffer>> {
  const all = bytes()
  for (let at = 0; at < all.length; at += 4_000) yield all.slice(at, at + 4_000)
}

async function* slowly(): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for (const piece of pieces()) {
    await new Promise((resolve) => setImmediate(resolve))
    yield piece
  }
}

function form(): FormData {
  const made = new FormData()
  made.set('text', TEXT)
  return made
}

const REPLAYED: Record<string, () => BodyInit> = {
  'a text': () => TEXT,
  'an array of bytes': bytes,
  'a buffer': () => bytes().buffer,
  'a Blob': () => new Blob([...pieces()]),
  'a form': form,
  parameters: () => new URLSearchParams({ text: TEXT }),
}

test.each(Object.keys(REPLAYED))(
  '[F2] given %s as a body, in init or of a Request, when its call is rejected, then the same is sent again',
  async (name) => {
    const body = REPLAYED[name]?.() ?? ''
    for (const asRequest of [false, true]) {
      const { cell, heard, onEvent } = tokens()
      const call = refreshingFetch(cell, { origins: server.origin, onEvent })
      const init = { method: 'POST', body }
      const response = asRequest
        ? await call(new Request(server.origin, init))
        : await call(server.origin, init)
      expect([response.status, heard.map(({ type }) => type)]).toEqual([200, ['retried']])
      const [first, second] = server.requests.slice(-2).map((sent) => withoutBoundary(sent.body))
      expect(first).toContain('three')
      expect(second).toBe(first)
    }
  },
)

/** Each form that is written has a boundary of its own. */
function withoutBoundary(body: Buffer): string {
  return body.toString().replaceAll(/-{4,}[\w-]+/g, '--')
}

/** What can be read once, and whether it was let go of. */
function oneShots(source: () => AsyncGenerator<Uint8Array<ArrayBuffer>>) {
  let tell: () => void = () => undefined
  const left = new Promise<void>((resolve) => (tell = resolve))
  async function* watched(): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    try {
      yield* source()
    } finally {
      tell()
    }
  }
  const made: Record<string, () => unknown> = {
    'a stream of the web': () => Readable.toWeb(Readable.from(watched())),
    "a stream of Node's": () => Readable.from(watched()),
    'an async generator': () => watched(),
  }
  return { made, left }
}

const ONCE = Object.keys(oneShots(slowly).made)

test.each(ONCE)(
  '[F2] given %s in init, when its call is rejected, then the recorded body is sent again, and its source is closed',
  async (name) => {
    for (const replayLimit of [undefined, TEXT.length, TEXT.length - 1]) {
      const { made, left } = oneShots(slowly)
      const { cell, refreshes, heard, onEvent } = tokens()
      const call = refreshingFetch(cell, { origins: server.origin, onEvent, replayLimit })
      const init = { method: 'POST', body: made[name]?.(), duplex: 'half' } as unknown as RequestInit
      const { status } = await call(server.origin, init)
      const isSmall = replayLimit !== TEXT.length - 1
      expect([status, heard]).toMatchObject([
        isSmall ? 200 : 401,
        [isSmall ? { type: 'retried' } : { error: { code: 'body_not_replayable' } }],
      ])
      expect(server.requests.splice(0).map(({ body }) => body.toString())).toEqual(
        isSmall ? [TEXT, TEXT] : [TEXT],
      )
      await left
      expect(refreshes()).toBe(1)
      // The next call has the fresh token.
      expect((await call(server.origin)).status).toBe(200)
      server.requests.splice(0)
    }
  },
)

test('[F2] given a stream in init that was read already, or another fetch’s form, when its call is made, then it is sent unchanged, or refused as without us', async () => {
  const call = refreshingFetch(tokens().cell, { origins: server.origin })
  const stream = new Blob(['one', 'two']).stream()
  const reader = stream.getReader()
  await reader.read()
  reader.releaseLock()
  const init = { method: 'POST', body: stream, duplex: 'half' } as unknown as RequestInit
  await expect(call(server.origin, init)).rejects.toBeInstanceOf(TypeError)
  expect(server.requests).toEqual([])

  const other = Object.assign(Readable.from(['--x']), { getBoundary: () => 'x', getHeaders: () => ({}) })
  const given: unknown[] = []
  const over = refreshingFetch(tokens().cell, {
    origins: server.origin,
    fetch: async (_, { body } = {}) => {
      given.push(body)
      return new Response(null, { status: 401 })
    },
  })
  expect((await over(server.origin, { method: 'POST', body: other as never })).status).toBe(401)
  expect(given).toEqual([other])
})

test.each(ONCE)(
  '[F2] given %s in init that is still arriving when its 401 comes, when it is made again, then the rest follows what was recorded',
  async (name) => {
    let goOn: () => void = () => undefined
    const going = new Promise<void>((resolve) => (goOn = resolve))
    async function* halting(): AsyncGenerator<Uint8Array<ArrayBuffer>> {
      yield bytes()
      await going
      yield bytes()
    }
    const hasty = await startHastyServer()
    const { cell, heard } = tokens()
    const call = refreshingFetch(cell, {
      origins: hasty.origin,
      onEvent: (event) => {
        heard.push(event)
        goOn()
      },
    })
    const { made, left } = oneShots(halting)
    const init = { method: 'POST', body: made[name]?.(), duplex: 'half' } as unknown as RequestInit
    const response = await call(hasty.origin, init)
    expect([response.status, await response.text()]).toEqual([200, TEXT + TEXT])
    expect(heard).toMatchObject([{ type: 'retried' }])
    await left
    await hasty.close()
  },
)

// What Node makes a stream of the web of is not left by fetch itself, with us or without.
test.each(ONCE.filter((name) => name !== 'a stream of the web'))(
  '[F2, F8] given %s in init that breaks half way, or whose caller leaves, when it does, then the call fails as without us, and its source is left',
  async (name) => {
    for (const breaks of [true, false]) {
      const controller = new AbortController()
      const reason = new Error('left')
      async function* half(): AsyncGenerator<Uint8Array<ArrayBuffer>> {
        yield bytes()
        await new Promise((resolve) => setImmediate(resolve))
        if (breaks) throw new Error('broken')
        controller.abort(reason)
        yield bytes()
        await new Promise((resolve) => setImmediate(resolve))
        yield bytes()
      }
      const { made, left } = oneShots(half)
      const { cell, refreshes } = tokens()
      const call = refreshingFetch(cell, { origins: server.origin })
      const { signal } = controller
      const init = { method: 'POST', body: made[name]?.(), duplex: 'half', signal } as unknown as RequestInit
      const failure: unknown = await call(server.origin, init).catch((error: unknown) => error)
      if (breaks) expect(failure).toBeInstanceOf(TypeError)
      else expect(failure).toBe(reason)
      expect(refreshes()).toBe(0)
      await left
    }
  },
)

/** KeyedMutex the first token away before it has read what comes with it; gives any other one its body back. */
async function startHastyServer(): Promise<{ origin: string; close: () => Promise<void> }> {
  const hasty = createServer((request, response) => {
    if (request.headers.authorization === 'Bearer t0') response.writeHead(401).end()
    else request.pipe(response)
  })
  await new Promise<void>((resolve) => hasty.listen(0, '127.0.0.1', resolve))
  const address = hasty.address()
  return {
    origin: `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`,
    close: async () => {
      hasty.closeAllConnections()
      await new Promise((resolve) => hasty.close(resolve))
    },
  }
}

test('[F2] given a platform that throws for a 401 to a stream, when the token is rejected, then the stream is sent again; and without a newer token the caller gets a 401', async () => {
  const sent: unknown[] = []
  const throwing: typeof globalThis.fetch = async (_, init) => {
    const authorization = new Headers(init?.headers).get('authorization')
    sent.push([authorization, await new Response(init?.body).text()])
    if (authorization === 'Bearer t1') return new Response('ok')
    throw new TypeError('fetch failed', { cause: new Error('expected non-null body source') })
  }
  const request = () => ({ method: 'POST', body: new Blob(['hello']).stream(), duplex: 'half' })
  const good = refreshingFetch(tokens().cell, { origins: 'https://llm.example.com', fetch: throwing })
  expect(await (await good('https://llm.example.com/x', request())).text()).toBe('ok')
  expect(sent).toEqual([
    ['Bearer t0', 'hello'],
    ['Bearer t1', 'hello'],
  ])
  const failing = new Refreshable({ initial: 't0', refresh: () => Promise.reject(new Error('no')) })
  const dead = refreshingFetch(failing, { origins: 'https://llm.example.com', fetch: throwing })
  expect((await dead('https://llm.example.com/x', request())).status).toBe(401)
})

test('[F3] given a Request whose body is larger than replayLimit, when it is sent, then its copy is discarded at the limit, and not only at the end', async () => {
  const request = new Request('https://api.example.com', { method: 'POST', body: TEXT })
  const happened: string[] = []
  let read = 0
  const copy = new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      pull: (controller) => {
        read += 1_000
        controller.enqueue(new Uint8Array(1_000))
      },
      cancel: () => void happened.push('left'),
    },
    { highWaterMark: 0 },
  )
  Object.defineProperty(request, 'clone', { value: () => ({ body: copy }) })
  const beneath = async (): Promise<Response> => {
    await settled()
    happened.push('answered')
    return new Response('ok')
  }
  const options = { origins: 'https://api.example.com', replayLimit: 10_000, fetch: beneath }
  await refreshingFetch(tokens().cell, options)(request)
  expect([happened, read]).toEqual([['left', 'answered'], 11_000])
})

test.each([
  ['an object', {}],
  ['a text', 'x'],
  ['a number', 5],
])(
  '[F1] given no token yet and a signal that is %s, when a call is made, then fetch’s own error is thrown, and nothing is sent',
  async (_, signal) => {
    const cell = new Refreshable({ refresh: async () => 't1' })
    const init = { signal } as unknown as RequestInit
    await expect(refreshingFetch(cell, { origins: server.origin })(server.origin, init)).rejects.toThrow(
      TypeError,
    )
    expect(server.requests).toEqual([])
  },
)
