import { createServer } from 'node:http'
import { PassThrough, Readable } from 'node:stream'
import fc from 'fast-check'
import { type Dispatcher, FormData as UndiciFormData } from 'undici'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Refreshable, type Refresher } from '../../../src/index.ts'
import { refreshingInterceptor } from '../../../src/surfaces/undici/index.ts'
import { bearer, type RecordingServer, startRecordingServer } from '../../support/recording-server.ts'
import { responder } from '../../support/responder.ts'
import { settled } from '../../support/settled.ts'
import { broken, tokens } from '../fetch/cells.ts'
import { agent, closeAgents, refreshed } from './agents.ts'
import { Listener, scripted } from './scripted.ts'

function textOf(bytes: unknown): string {
  return bytes instanceof Uint8Array ? Buffer.from(bytes).toString() : String(bytes)
}

let server: RecordingServer
beforeEach(async () => {
  server = await startRecordingServer(bearer((token) => token !== 't0'))
})
afterEach(async () => {
  await closeAgents()
  await server.close()
})

type Body = NonNullable<Dispatcher.DispatchOptions['body']>

/** Sends a body by POST, and gives the status of the answer. */
async function post(
  body: unknown,
  options: { replayLimit?: number } = {},
  cell = tokens().cell,
): Promise<number> {
  const dispatcher = refreshed(cell, { origins: server.origin, ...options })
  const answer = await dispatcher.request({
    origin: server.origin,
    path: '/',
    method: 'POST',
    body: body as Body,
  })
  await answer.body.dump()
  return answer.statusCode
}

describe('[F1] what is sent', () => {
  test.each<[string, () => unknown]>([
    ['an object', () => ({ 'x-a': '1', AUTHORIZATION: 'x' })],
    ['an object that has it already', () => ({ authorization: 'x', 'x-a': '1' })],
    ['a flat array', () => ['x-a', '1', 'Authorization', 'x', 'authorization', 'y']],
    [
      'an array of pairs',
      () => [
        ['x-a', '1'],
        ['authorization', 'x'],
      ],
    ],
    ['Headers', () => new Headers({ 'x-a': '1', authorization: 'x' })],
    [
      'a Map',
      () =>
        new Map([
          ['x-a', '1'],
          ['authorization', 'x'],
        ]),
    ],
    [
      'what can be iterated once',
      () =>
        new Map([
          ['x-a', '1'],
          ['authorization', 'x'],
        ]).entries(),
    ],
  ])(
    "[F1] given headers as %s, when a request is made, then the credential is added, and the caller's headers do not change",
    async (_, make) => {
      const headers = make()
      const before = Array.isArray(headers) ? [...headers] : { ...Object(headers) }
      const dispatcher = refreshed(tokens().cell, { origins: server.origin })
      const options = {
        origin: server.origin,
        path: '/',
        method: 'GET',
        headers,
      } as Dispatcher.RequestOptions
      const copy = { ...options }
      await (await dispatcher.request(options)).body.dump()
      expect(server.sent('x-a')).toEqual(['1', '1'])
      expect(server.sent('authorization')).toEqual(['Bearer t0', 'Bearer t1'])
      expect(options).toEqual(copy)
      if (typeof headers === 'object' && headers !== null && !(Symbol.iterator in headers)) {
        expect(headers).toEqual(before)
      }
      if (Array.isArray(headers)) expect(headers).toEqual(before)
    },
  )

  test.each([[null], [undefined]])(
    '[F1] given no headers (%s), when a request is made, then it has the credential',
    async (headers) => {
      const dispatcher = refreshed(tokens().cell, { origins: server.origin })
      const request = {
        origin: server.origin,
        path: '/',
        method: 'GET',
        headers,
      } as Dispatcher.RequestOptions
      expect((await dispatcher.request(request)).statusCode).toBe(200)
    },
  )

  test.each([
    ['odd', ['x-a']],
    ['no text', { 'x-a': {} }],
    ['no pairs', new Set(['x', 'y', 'z'])],
    ['none at all', 'x-a: 1'],
    ['pairs of three', [['x-a', '1', '2'], ['x-b']]],
  ])(
    'given headers that are %s, when a request is made, then undici refuses them, as without us',
    async (_, headers) => {
      const request = {
        origin: server.origin,
        path: '/',
        method: 'GET',
        headers,
      } as Dispatcher.RequestOptions
      const dispatcher = refreshed(tokens().cell, { origins: server.origin })
      for (const each of [agent(), dispatcher]) {
        await expect(each.request(request)).rejects.toThrow(/headers|key|header/)
      }
      expect(server.requests).toEqual([])
    },
  )

  test.each<[string, string[] | Record<string, string>]>([
    ['an object', { 'X-Goog-Api-Key': 'unused', 'x-b': '2' }],
    ['a list', ['X-Goog-Api-Key', 'unused', 'x-b', '2']],
  ])(
    '[F1] given headers as %s, when a function sets some and sets others to undefined, then the request has the first and lacks the others',
    async (_, headers) => {
      const cell: Refresher<{ id: string }> = tokens().cell.map((id) => ({ id }))
      const apply = ({ id }: { id: string }): Record<string, string | undefined> => ({
        authorization: `Bearer ${id}`,
        'x-goog-api-key': undefined,
        ...(id === 't0' && { 'x-old': id }),
      })
      const dispatcher = agent().compose(refreshingInterceptor(cell, { origins: server.origin, apply }))
      await dispatcher.request({ origin: server.origin, path: '/', method: 'GET', headers })
      expect(server.sent('authorization')).toEqual(['Bearer t0', 'Bearer t1'])
      expect(server.sent('x-goog-api-key')).toEqual([undefined, undefined])
      expect(server.sent('x-b')).toEqual(['2', '2'])
      // What the first attempt had on it, and the second has not, is gone.
      expect(server.sent('x-old')).toEqual(['t0', undefined])
    },
  )

  test.each([
    ['there is a credential', true, (body: Uint8Array): unknown => body],
    ['it has to wait for one', false, (body: Uint8Array): unknown => body],
    ['the body is an ArrayBuffer', true, (body: Uint8Array): unknown => body.buffer],
  ])(
    '[F1, P12] given a caller that changes its objects after the call, when %s, then neither attempt changes',
    async (_, isReady, given) => {
      const { dispatch, inner, sent } = scripted()
      let count = 0
      const missing = new Refreshable({ refresh: async () => `t${count++}` })
      const cell = isReady ? tokens().cell : missing
      const dispatching = refreshingInterceptor(cell, { origins: 'https://a.example' })(dispatch)
      const headers: Record<string, string> = { 'x-a': '1' }
      const body = new TextEncoder().encode('first')
      const options = { origin: 'https://a.example', path: '/a', method: 'POST', headers, body: given(body) }
      dispatching(options, new Listener())
      expect(sent.length).toBe(isReady ? 1 : 0)
      headers['x-a'] = '2'
      options.path = '/b'
      body.set(new TextEncoder().encode('later'))
      await settled()
      inner(0).answer(401)
      await settled()
      expect(sent.length).toBe(2)
      for (const {
        options: { path, headers: sentHeaders, body: sentBody },
      } of sent) {
        expect(path).toBe('/a')
        expect(sentHeaders).toMatchObject({ 'x-a': '1' })
        expect(String(Buffer.from(sentBody as Uint8Array))).toBe('first')
      }
    },
  )
})

/** A form whose parts are in a file and in a field. */
function form(): UndiciFormData {
  const data = new UndiciFormData()
  data.append('purpose', 'batch')
  data.append('file', new File(['{"a":1}\n'], 'a.jsonl', { type: 'application/jsonl' }))
  return data
}

const bytes = new Uint8Array([0, 255, 13, 10, 0])

async function* generate(...chunks: (string | Uint8Array)[]): AsyncGenerator<string | Uint8Array> {
  for (const chunk of chunks) yield chunk
}

describe('[F2] bodies', () => {
  test.each<[string, () => unknown, string]>([
    ['a string', () => '{"héllo":1}', '{"héllo":1}'],
    ['an empty string', () => '', ''],
    ['a Buffer', () => Buffer.from('abc'), 'abc'],
    ['bytes', () => bytes, String(Buffer.from(bytes))],
    ['a part of a buffer', () => bytes.subarray(1, 4), String(Buffer.from(bytes.subarray(1, 4)))],
    ['an ArrayBuffer', () => bytes.slice().buffer, String(Buffer.from(bytes))],
    ['a Blob', () => new Blob(['abc']), 'abc'],
    ['an array', () => ['a', Buffer.from('b'), 'c'], 'abc'],
    ['an array of promises', () => [Promise.resolve('a'), 'bc'], 'abc'],
    ['a generator', () => ['a', 'bc'].values(), 'abc'],
    ['an async generator', () => generate('a', new TextEncoder().encode('bc')), 'abc'],
    ['an async generator of nothing', () => generate(), ''],
    ['a web stream', () => new Blob(['abc']).stream(), 'abc'],
  ])('[F2] given %s as a body, when it is rejected, then the same is sent again', async (_, make, text) => {
    const { cell, refreshes } = tokens()
    expect(await post(make(), {}, cell)).toBe(200)
    expect(refreshes()).toBe(1)
    expect(server.requests.map(({ body }) => String(body))).toEqual([text, text])
    for (const { headers, body } of server.requests) {
      expect(headers['transfer-encoding'] ?? headers['content-length']).toBe(
        headers['transfer-encoding'] === undefined ? String(body.length) : 'chunked',
      )
    }
  })

  test('[F2] given a form, when something is appended during the refresh, then the form is sent again as it was', async () => {
    const data = form()
    const sending = post(data)
    data.append('later', '1')
    expect(await sending).toBe(200)
    const bodies = server.requests.map(({ headers, body }) => {
      const [, boundary = ' '] = /boundary=(.+)/.exec(headers['content-type'] ?? '') ?? []
      return String(body).replaceAll(boundary, '')
    })
    expect(bodies.length).toBe(2)
    expect(bodies[1]).toBe(bodies[0])
    expect(bodies[0]).toContain('name="file"; filename="a.jsonl"')
    expect(bodies[0]).not.toContain('later')
  })

  test.each<[string, () => Readable, string | undefined]>([
    ['that has not ended', () => Readable.from([Buffer.from('ab'), Buffer.from('c')]), undefined],
    ['of bytes that has ended', () => new PassThrough().end('abc'), '3'],
  ])(
    '[F2] given a stream of Node’s %s, when its request is rejected, then it is sent again',
    async (_, make, length) => {
      const { cell, refreshes, heard, onEvent } = tokens()
      const dispatcher = refreshed(cell, { origins: server.origin, onEvent })
      const body = make()
      const answer = await dispatcher.request({ origin: server.origin, path: '/', method: 'POST', body })
      await answer.body.dump()
      expect([answer.statusCode, refreshes()]).toEqual([200, 1])
      expect(heard).toMatchObject([{ type: 'retried' }])
      expect(server.requests.map((sent) => String(sent.body))).toEqual(['abc', 'abc'])
      expect(server.requests[0]?.headers['content-length']).toBe(length)
    },
  )

  test.each([
    ['when it is rejected, then it is sent again', 't0', 200, 2],
    ['when there is no credential for it, then it is not sent', undefined, 401, 0],
  ])(
    '[F2] given an incoming request that is sent on, %s, and its own response can be given',
    async (_, initial, status, attempts) => {
      const { cell } = initial === undefined ? broken() : tokens()
      const dispatcher = refreshed(cell, { origins: server.origin })
      const proxy = createServer((request, response) => {
        const options = { origin: server.origin, path: '/', method: 'POST', body: request } as const
        dispatcher.request(options).then(
          async ({ statusCode, body }) => response.writeHead(statusCode).end(await body.text()),
          () => response.writeHead(502).end(),
        )
      })
      await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
      const address = proxy.address()
      const port = typeof address === 'object' ? address?.port : 0
      const response = await fetch(`http://127.0.0.1:${port}`, { method: 'POST', body: 'x'.repeat(100_000) })
      expect(response.status).toBe(status)
      await response.text()
      expect(server.requests.map(({ body }) => body.length)).toEqual(Array(attempts).fill(100_000))
      proxy.closeAllConnections()
      await new Promise((resolve) => proxy.close(resolve))
    },
  )

  const five = 'äöü'.slice(0, 2) + 'x' // 5 bytes
  test.each<[string, (text: string) => unknown]>([
    ['a string', (text) => text],
    ['bytes', (text) => Buffer.from(text)],
    ['an ArrayBuffer', (text) => new TextEncoder().encode(text).buffer],
    ['a Blob', (text) => new Blob([text])],
    ['an async generator', (text) => generate(...text.split(''))],
    ['an array', (text) => text.split('')],
    [
      'a form',
      (text) => {
        const data = new UndiciFormData()
        data.append('', text)
        return data
      },
    ],
  ])('[F2] given %s as a body, when it is measured, then the limit counts bytes', async (_, make) => {
    expect(await post(make(five), { replayLimit: 4 })).toBe(401)
    expect(await post(make(five), { replayLimit: 5 })).toBe(200)
  })

  test('given a value that is no body, when it is sent, then undici refuses it, as without us', async () => {
    for (const body of [7, {}, true]) {
      await expect(post(body)).rejects.toMatchObject({ code: 'UND_ERR_INVALID_ARG' })
    }
    await expect(post([7])).rejects.toBeInstanceOf(TypeError)
  })

  test("given a content-length of the caller's, when the request is made, then it stays", async () => {
    const dispatcher = refreshed(tokens().cell, { origins: server.origin })
    const headers = { 'content-length': '3' }
    const body = generate('a', 'bc') as unknown as Body
    await dispatcher.request({ origin: server.origin, path: '/', method: 'POST', headers, body })
    expect(server.sent('content-length')).toEqual(['3', '3'])
    expect(server.sent('transfer-encoding')).toEqual([undefined, undefined])
  })

  test('[F2] given a body in any pieces, when it is sent and sent again, then every byte arrives both times', async () => {
    const cells = tokens()
    const gated = refreshed(cells.cell, { origins: server.origin })
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 50_000 }), { maxLength: 8 }),
        fc.boolean(),
        async (chunks, reuses) => {
          const before = server.requests.length
          cells.cell.set('t0')
          async function* body(): AsyncGenerator<Uint8Array> {
            const shared = new Uint8Array(50_000)
            for (const chunk of chunks) {
              // A caller may fill one buffer again and again.
              shared.set(chunk)
              yield reuses ? shared.subarray(0, chunk.length) : chunk
              if (reuses) await settled()
            }
          }
          const request = { origin: server.origin, path: '/', method: 'POST' } as const
          const { statusCode, body: answer } = await gated.request({
            ...request,
            body: body() as unknown as Body,
          })
          await answer.dump()
          expect(statusCode).toBe(200)
          const sent = server.requests.slice(before).map((one) => one.body)
          expect(sent.length).toBe(2)
          for (const one of sent) expect(one.equals(Buffer.concat(chunks))).toBe(true)
        },
      ),
      { numRuns: 60 },
    )
  })
})

test.each([
  ['path', null],
  ['path', 5],
  ['method', null],
])('[F12] given a request whose %s is %s, then undici refuses it', async (name, value) => {
  const { cell } = tokens()
  const sender = refreshed(cell, { origins: server.origin })
  const odd = Object.assign({ origin: server.origin, path: '/', method: 'GET' } as const, { [name]: value })
  await expect(sender.request(odd)).rejects.toMatchObject({ code: 'UND_ERR_INVALID_ARG' })
})

describe('[F2] an answer that comes before the body was read', () => {
  const ORIGIN = 'https://a.example'

  /** A source whose pieces the test hands out. */
  function source(): {
    body: AsyncIterableIterator<string>
    give(chunk: string | undefined): Promise<void>
    asked: () => number
    left: () => boolean
  } {
    const waiting: ((result: IteratorResult<string>) => void)[] = []
    let asked = 0
    let left = false
    return {
      asked: () => asked,
      left: () => left,
      give: (chunk) => {
        waiting.shift()?.(
          chunk === undefined ? { done: true, value: undefined } : { done: false, value: chunk },
        )
        return settled()
      },
      body: {
        [Symbol.asyncIterator]() {
          return this
        },
        next: () => {
          asked++
          return new Promise((resolve) => waiting.push(resolve))
        },
        return: async () => {
          left = true
          return { done: true, value: undefined }
        },
      },
    }
  }

  /** A request whose 401 has come while its body was being sent. */
  async function early(): Promise<{
    refresh: ReturnType<typeof responder<string>>
    given: ReturnType<typeof source>
    sent: ReturnType<typeof scripted>['sent']
    listener: Listener
    heard: string[]
    sender: AsyncIterator<unknown>
  }> {
    const refresh = responder<string>()
    const heard: string[] = []
    const cell = new Refreshable({ initial: 't0', refresh: refresh.refresh })
    const { dispatch, sent, inner } = scripted()
    const dispatching = refreshingInterceptor(cell, {
      origins: ORIGIN,
      onEvent: (event) => heard.push('error' in event ? event.error.code : event.type),
    })(dispatch)
    const listener = new Listener()
    const given = source()
    dispatching({ origin: ORIGIN, path: '/', method: 'GET' }, new Listener())
    await settled()
    sent.length = 0
    dispatching({ origin: ORIGIN, path: '/', method: 'POST', body: given.body }, listener)
    const sender = (inner(0).options.body as AsyncIterable<unknown>)[Symbol.asyncIterator]()
    const first = sender.next()
    await given.give('a')
    expect(await first).toEqual({ done: false, value: 'a' })
    inner(0).answer(401, 'early')
    // What undici does where the answer is complete before the request is.
    await sender.return?.()
    await settled()
    expect(given.left()).toBe(false)
    return { refresh, given, sent, listener, heard, sender }
  }

  test('[F2] given a body that is still arriving, when the credential is refreshed, then the rest is read, and the second attempt sends it', async () => {
    const { refresh, given, sent, listener, heard, sender } = await early()
    await given.give('b')
    await given.give(undefined)
    refresh.call(0).resolve('t1')
    await settled()
    expect(textOf(sent[1]?.options.body)).toBe('ab')
    sent[1]?.answer(200, 'ok')
    expect([listener.heard, heard]).toEqual([['start', '200 S200', 'ok', 'end {}'], ['retried']])
    expect(await sender.next()).toEqual({ done: true, value: undefined })
    await settled()
    expect(given.left()).toBe(false)
  })

  test('[F2] given a body that is not complete by then, when the second attempt is made, then the rest follows what was recorded', async () => {
    const { refresh, given, sent, listener, heard } = await early()
    await given.give('b')
    refresh.call(0).resolve('t1')
    await settled()
    const body = sent[1]?.options.body as AsyncIterable<unknown>
    const second = body[Symbol.asyncIterator]()
    const read = async (): Promise<string | undefined> => {
      const { done, value } = await second.next()
      return done === true ? undefined : textOf(value)
    }
    expect([await read(), await read()]).toEqual(['a', 'b'])
    const third = read()
    await given.give('c')
    expect(await third).toBe('c')
    const end = read()
    await given.give(undefined)
    expect(await end).toBe(undefined)
    sent[1]?.answer(200, 'ok')
    await settled()
    expect([listener.heard, heard]).toEqual([['start', '200 S200', 'ok', 'end {}'], ['retried']])
    expect(given.left()).toBe(false)
  })

  test('[F2] given a second attempt that leaves before the end of the body, then its source is left, too', async () => {
    const { refresh, given, sent } = await early()
    refresh.call(0).resolve('t1')
    await settled()
    const body = sent[1]?.options.body as AsyncIterable<unknown>
    const second = body[Symbol.asyncIterator]()
    expect(await second.next()).toMatchObject({ done: false })
    sent[1]?.answer(413)
    await second.return?.()
    expect(given.left()).toBe(true)
  })

  test('[F2] given a source that breaks during the refresh, when the call ends, then nothing else breaks', async () => {
    const { refresh, given, sent, listener, heard } = await early()
    given.body.next = () => Promise.reject(new Error('broken'))
    await given.give('b')
    refresh.call(0).resolve('t1')
    await settled()
    expect([sent.length, listener.heard[1], heard]).toEqual([1, '401 S401', ['body_not_replayable']])
  })

  test('[F2, C2] given a newer token that is there at once, when the second attempt is made, then the bytes at hand are read before', async () => {
    const { cell, refreshes } = tokens()
    const { dispatch, sent, inner } = scripted()
    const dispatching = refreshingInterceptor(cell, { origins: ORIGIN })(dispatch)
    const listener = new Listener()
    dispatching({ origin: ORIGIN, path: '/', method: 'GET' }, new Listener())
    await settled()
    sent.length = 0
    dispatching(
      { origin: ORIGIN, path: '/', method: 'POST', body: generate(...'abcdefghij'.split('')) },
      listener,
    )
    await settled()
    const sender = (inner(0).options.body as AsyncIterable<unknown>)[Symbol.asyncIterator]()
    await sender.next()
    cell.set('t9')
    inner(0).answer(401)
    await sender.return?.()
    await settled()
    await settled()
    expect(textOf(sent[1]?.options.body)).toBe('abcdefghij')
    expect(sent[1]?.options.headers).toEqual({ authorization: 'Bearer t9' })
    expect(refreshes()).toBe(0)
  })

  test.each([
    ['there is a credential', true],
    ['it has to wait for one', false],
  ])(
    '[F2, P13] once the answer is no rejection, or its caller has left, whoever sends may leave; where %s',
    async (_, isReady) => {
      for (const leaves of [true, false]) {
        const { cell } = tokens()
        const { dispatch, inner, sent } = scripted()
        const dispatching = refreshingInterceptor(cell, { origins: ORIGIN })(dispatch)
        if (isReady) {
          dispatching({ origin: ORIGIN, path: '/', method: 'GET' }, new Listener())
          await settled()
          sent.length = 0
        }
        const given = source()
        const listener = new Listener()
        dispatching({ origin: ORIGIN, path: '/', method: 'POST', body: given.body }, listener)
        if (!isReady) await settled()
        const sender = (inner(0).options.body as AsyncIterable<unknown>)[Symbol.asyncIterator]()
        inner(0).start()
        if (leaves) listener.controller?.abort(new Error('The user left.'))
        else inner(0).head(200)
        await settled()
        const next = sender.next()
        await given.give('a')
        expect(await next).toEqual({ done: false, value: 'a' })
        expect(given.asked()).toBe(1)
        await sender.return?.()
        expect(given.left()).toBe(true)
      }
    },
  )

  test('[F2] given a real connection, when the server rejects a request before it has read it, then the request is sent again', async () => {
    const seen: string[] = []
    const hasty = createServer((request, response) => {
      if (request.headers.authorization !== 'Bearer t1') response.writeHead(401).end('early')
      else {
        let text = ''
        request.on('data', (chunk) => (text += chunk))
        request.on('end', () => {
          seen.push(text)
          response.end('ok')
        })
      }
    })
    await new Promise<void>((resolve) => hasty.listen(0, '127.0.0.1', resolve))
    const address = hasty.address()
    const origin = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
    const refresh = responder<string>()
    const cell = new Refreshable({ initial: 't0', refresh: refresh.refresh })
    const given = source()
    const answer = refreshed(cell, { origins: origin }).request({
      origin,
      path: '/',
      method: 'POST',
      body: given.body as unknown as Body,
    })
    await expect.poll(() => given.asked()).toBe(1)
    await given.give('a')
    await expect.poll(() => refresh.calls.length).toBe(1)
    await expect.poll(() => given.asked()).toBe(2)
    await given.give('b')
    await given.give(undefined)
    refresh.call(0).resolve('t1')
    const { statusCode, body } = await answer
    expect([statusCode, await body.text(), seen]).toEqual([200, 'ok', ['ab']])
    hasty.closeAllConnections()
    await new Promise((resolve) => hasty.close(resolve))
  })
})
