// One contract, every surface that sends HTTP requests. What only one of them can do is tested beside it.
import { Readable } from 'node:stream'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { FormData } from 'undici'
import { afterEach, describe, expect, test } from 'vitest'
import {
  createCredential,
  type ErrorFacts,
  memoryStore,
  Refreshable,
  RefreshError,
  type RefreshEvent,
  type Refresher,
  type RejectionRules,
  type Source,
  type Store,
} from '../../src/index.ts'
import { GatedStore } from '../credential/account.ts'
import { IN_STREAM_REJECTIONS, OTHER_FIRST_EVENTS } from '../support/first-events.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { bearer, type RecordingServer, startRecordingServer } from '../support/recording-server.ts'
import { responder } from '../support/responder.ts'
import { broken, tokens } from './fetch/cells.ts'
import { newAgent, type Ask, closeAgents, SURFACES, type SurfaceOptions } from './http-surface.ts'

const KIB = 1024
const SSE = { 'content-type': 'text/event-stream; charset=utf-8' }
const JSON_TYPE = { 'content-type': 'application/json; charset=utf-8' }
const CONTENT = 'event: message_start\ndata: {"type":"message_start"}\n\ndata: {"text":"hi"}\n\n'
const [REJECTION = ''] = Object.values(IN_STREAM_REJECTIONS)
const REVOKED = { error: { type: 'permission_error', message: 'OAuth token has been revoked.' } }

type Handler = Parameters<typeof startRecordingServer>[0]
const servers: RecordingServer[] = []
afterEach(async () => {
  await closeAgents()
  await Promise.all(servers.splice(0).map((server) => server.close()))
})

async function serve(handler: Handler): Promise<RecordingServer> {
  const server = await startRecordingServer(handler)
  servers.push(server)
  return server
}

/** One response for the first token, and `ok` for any other. */
function serveFirst(status: number, body: string | Buffer, headers: object = {}): Promise<RecordingServer> {
  return serve((request, response) => {
    if (request.headers.authorization !== 'Bearer t0') response.end('ok')
    else response.writeHead(status, { ...headers }).end(body)
  })
}

/** A cell whose refresh fails once a condition holds. */
function failing(condition: () => Promise<unknown>): Refreshable<string> {
  const refresh = async (): Promise<string> => {
    await condition()
    throw new Error('no')
  }
  return new Refreshable({ initial: 't0', refresh })
}

/** A credential whose login has ended at the server, and another process's that shares the account. */
async function endedLogin(store: Store = memoryStore()) {
  const source: Source = {
    issue: async () => {
      throw new RefreshError('reauthentication_required', 'The session was revoked.')
    },
  }
  const clock = new ManualClock()
  const [here, elsewhere] = [1, 2].map(() => createCredential({ source, store, clock }))
  if (here === undefined || elsewhere === undefined) throw new Error('unreachable')
  await elsewhere.login({ accessToken: 't0', refreshToken: 'r0' })
  const server = await serve(bearer((token) => token === 't1'))
  return { here: here.map(({ accessToken }) => accessToken), elsewhere, clock, server }
}

describe.each(SURFACES)('$name', ({ over, isProxy }) => {
  // A proxy's callers are on the other side of a connection: what they get there is tested with it.
  const inProcess = { skip: isProxy === true }
  const to = (
    { origin }: RecordingServer,
    cell: Refresher<string>,
    options: Partial<SurfaceOptions> = {},
  ): Ask => over(newAgent(), cell, { origins: origin, ...options })
  const read = async (server: RecordingServer, ...given: [Refresher<string>, Partial<SurfaceOptions>?]) =>
    (await to(server, ...given)(server.origin)).text()

  describe('what is sent', () => {
    test('[F1] given a rejection, when both attempts are sent, then each has its own credential, and the rest of the request is unchanged', async () => {
      const server = await serve(bearer((token) => token !== 't0'))
      const { cell, refreshes } = tokens()
      const answer = await to(server, cell)(`${server.origin}/v1/chat?a=b%20c`, {
        method: 'PUT',
        headers: { Authorization: 'Bearer unused', 'X-Custom': 'kept', accept: 'text/plain' },
        body: 'text',
      })
      expect([answer.status, await answer.text(), refreshes()]).toEqual([200, 'ok', 1])
      expect(server.sent('authorization')).toEqual(['Bearer t0', 'Bearer t1'])
      const [first, second] = server.requests.map(({ headers, ...rest }) => ({
        ...rest,
        headers: { ...headers, authorization: '' },
      }))
      expect(second).toEqual(first)
      expect(first).toMatchObject({
        method: 'PUT',
        path: '/v1/chat?a=b%20c',
        headers: { 'x-custom': 'kept' },
      })
      expect(String(first?.body)).toBe('text')
    })

    test(
      "[F1] given a named header, when a request is made, then it carries the bare token, and the caller's Authorization stays",
      inProcess,
      async () => {
        const server = await serve((_, response) => response.end('ok'))
        const ask = to(server, tokens().cell, { apply: 'X-Api-Key' })
        await ask(server.origin, { headers: { 'x-api-key': 'unused', authorization: 'Bearer gateway' } })
        expect(server.sent('x-api-key')).toEqual(['t0'])
        expect(server.sent('authorization')).toEqual(['Bearer gateway'])
      },
    )

    const TEXT = 'one two three '.repeat(3_000)
    async function* pieces(): AsyncGenerator<Buffer> {
      for (let at = 0; at < TEXT.length; at += 9_000) {
        await new Promise((resolve) => setImmediate(resolve))
        yield Buffer.from(TEXT.slice(at, at + 9_000))
      }
    }
    // undici has a class of its own.
    const form = (): FormData => {
      const made = new FormData()
      made.set('text', TEXT)
      made.set('file', new File([TEXT], 'a.jsonl', { type: 'application/jsonl' }))
      return made
    }
    const BODIES: Record<string, () => unknown> = {
      'a text': () => TEXT,
      bytes: () => new TextEncoder().encode(TEXT),
      'a Blob': () => new Blob([TEXT]),
      'a File': () => new File([TEXT], 'a.txt'),
      'a form': form,
      "a stream of Node's": () => Readable.from(pieces()),
      'an async generator': pieces,
    }

    test.each(Object.keys(BODIES))(
      '[F2] given %s as the body, when its request is rejected, then the same body is sent again, up to the limit; above the limit the caller gets the 401, and the next request has the fresh token',
      async (name) => {
        for (const isOver of [false, true]) {
          const server = await serve(bearer((token) => token !== 't0'))
          const { cell, heard, onEvent } = tokens()
          const ask = to(server, cell, { onEvent, replayLimit: isOver ? 4_000 : 100_000 })
          const { status } = await ask(server.origin, { method: 'POST', body: BODIES[name]?.() })
          // Each form that is written has a boundary of its own.
          const bodies = server.requests.map(({ body }) => body.toString().replaceAll(/-{4,}[\w-]+/g, '--'))
          expect(bodies[0]).toContain(TEXT)
          expect(bodies).toEqual(Array.from({ length: isOver ? 1 : 2 }, () => bodies[0]))
          expect([status, heard]).toMatchObject([
            isOver ? 401 : 200,
            [isOver ? { error: { code: 'body_not_replayable' } } : { type: 'retried' }],
          ])
          if (isOver) expect(heard).toMatchObject([{ error: { message: /replayLimit of 4000 bytes/ } }])
          expect((await ask(server.origin)).status).toBe(200)
        }
      },
    )
  })

  describe('callers and credentials', () => {
    test('[C4, F6] given no token yet, when a waiting caller leaves, then it gets its reason, and no response of ours', async () => {
      const server = await serve((_, response) => response.end('ok'))
      const ask = to(server, new Refreshable({ refresh: responder<string>().refresh }))
      const leaving = new AbortController()
      const left = ask(server.origin, { signal: leaving.signal })
      leaving.abort()
      await expect(left).rejects.toThrow('aborted')
      await expect(ask(server.origin, { signal: leaving.signal })).rejects.toThrow('aborted')
      expect(server.requests).toEqual([])
    })

    test(
      '[C4, P12] given a refresh that is running, when the caller leaves, then it gets its reason at once, nothing more is sent, and the new token is kept',
      inProcess,
      async () => {
        const server = await serve(bearer((token) => token === 't1'))
        const source = responder<string>()
        const ask = to(server, new Refreshable({ initial: 't0', refresh: source.refresh }))
        const leaving = new AbortController()
        const left = ask(server.origin, { signal: leaving.signal })
        await expect.poll(() => source.calls.length).toBe(1)
        const reason = new Error('The user went away.')
        leaving.abort(reason)
        await expect(left).rejects.toBe(reason)
        source.call(0).resolve('t1')
        expect((await ask(server.origin)).status).toBe(200)
        expect(server.sent('authorization')).toEqual(['Bearer t0', 'Bearer t1'])
        expect(source.calls.length).toBe(1)
      },
    )

    test('[F4] given several origins, when one is refreshed, then the others use the new token', async () => {
      const [one, other] = [await serve(bearer((token) => token === 't1')), await serve(bearer(() => true))]
      const { cell, refreshes } = tokens()
      const ask = to(one, cell, { origins: [one.origin, `${other.origin}/`] })
      await ask(one.origin)
      await ask(`${other.origin}/a`)
      expect([other.sent('authorization'), refreshes()]).toEqual([['Bearer t1'], 1])
    })

    test(
      '[F4, F11] given a request to another origin, when it gets a 401, then it had no credential, and one event tells of it',
      inProcess,
      async () => {
        const [ours, other] = [await serve(bearer(() => true)), await serve(bearer(() => false))]
        const { cell, refreshes, heard, onEvent } = tokens()
        const ask = to(ours, cell, { onEvent })
        expect((await ask(other.origin)).status).toBe(401)
        expect((await ask(other.origin, { headers: { host: new URL(ours.origin).host } })).status).toBe(401)
        expect([other.sent('authorization'), refreshes()]).toEqual([[undefined, undefined], 0])
        expect(heard).toEqual([{ type: 'bypassed', origin: other.origin }])
      },
    )

    test('[C8] given one origin that rejects everything, when another needs a refresh, then it gets one', async () => {
      let count = 0
      const cell = new Refreshable({
        initial: 't0',
        refresh: async () => `t${++count}`,
        clock: new ManualClock(),
      })
      const deaf = await serve(bearer(() => false))
      const strict = await serve(bearer((token) => token === `t${count}`))
      const ask = to(deaf, cell, { origins: [deaf.origin, strict.origin] })
      for (let n = 0; n < 20; n++) expect((await ask(deaf.origin)).status).toBe(401)
      expect(count).toBeLessThanOrEqual(2)
      expect((await ask(strict.origin)).status).toBe(200)
      count = 50 // what is in force has gone stale
      expect((await ask(strict.origin)).status).toBe(200)
      expect(strict.sent('authorization')).toEqual(['Bearer t1', 'Bearer t1', 'Bearer t51'])
    })

    test('[P4] given listeners, when calls are rejected, then events tell of each retry, or why there was none', async () => {
      const server = await serve(bearer((token) => token === 't1'))
      const heard: RefreshEvent[] = []
      const onEvent = (event: RefreshEvent): unknown => heard.push(event)
      for (const { cell } of [tokens(), broken('t0')]) await to(server, cell, { onEvent })(server.origin)
      expect(heard).toMatchObject([
        { type: 'retried', generation: 2 },
        { type: 'not_retried', generation: 1, error: { code: 'refresh_failed' } },
      ])
    })

    test(
      '[F6] given no credential and no way to get one, when a call is made, then it gets our own 401 with the code, and nothing is sent',
      inProcess,
      async () => {
        const server = await serve((_, response) => response.end('ok'))
        const { cell, refreshes } = broken()
        const ask = to(server, cell)
        const answer = await ask(`${server.origin}/v1/chat`, { method: 'POST', body: 'x' })
        expect([answer.status, answer.statusText]).toEqual([401, 'Unauthorized (refresh_failed)'])
        expect(
          ['content-type', 'x-should-retry', 'x-llm-refresh'].map((name) => answer.header(name)),
        ).toEqual(['application/json', 'false', 'refresh_failed'])
        expect(JSON.parse(await answer.text())).toEqual({
          type: 'error',
          error: {
            type: 'authentication_error',
            code: 'refresh_failed',
            status: 'UNAUTHENTICATED',
            message:
              "llm-refresh: refresh_failed: The source's issue(), or the refresh function, threw an error of its own (Error): 'error.cause' has it in onEvent, and llm-refresh/debug prints it. Mend that function.",
          },
        })
        const again = await ask(server.origin, { method: 'HEAD' })
        expect([again.statusText, await again.text()]).toEqual(['Unauthorized (refresh_suspended)', ''])
        expect([refreshes(), server.requests]).toEqual([1, []])
      },
    )

    test('[F6, X7, C15] given a login that has ended, when a person logs in through another process, then later calls are sent', async () => {
      const { here, elsewhere, clock, server } = await endedLogin()
      const ask = to(server, here, { whenDead: 'refuse' })
      expect([(await ask(server.origin)).status, server.requests.length]).toEqual([401, 1])
      await clock.advance(1_000)
      expect([(await ask(server.origin)).status, server.requests.length]).toEqual([401, 1])
      await elsewhere.login({ accessToken: 't1', refreshToken: 'r1' })
      await clock.advance(1_000)
      const answer = await ask(server.origin)
      expect([answer.status, await answer.text(), server.requests.length]).toEqual([200, 'ok', 2])
    })

    test('[F6, X7, C15] given a login that has ended and a store that hangs, when a call is made, then it is refused after a second, and the store’s late result serves the next call', async () => {
      const store = new GatedStore()
      const { here, elsewhere, clock, server } = await endedLogin(store)
      const ask = to(server, here, { whenDead: 'refuse' })
      await ask(server.origin)
      await elsewhere.login({ accessToken: 't1', refreshToken: 'r1' })
      await clock.advance(1_000)
      store.reads.hold(1)
      const refused = ask(server.origin)
      await store.reads.holding(1)
      await clock.advance(1_000)
      expect([(await refused).status, server.requests.length]).toEqual([401, 1])
      store.reads.release()
      await here.snapshot()
      expect([(await ask(server.origin)).status, server.requests.length]).toEqual([200, 2])
    })

    test.each([
      ['a line break', 'secret-1\r\nx-evil: 1'],
      ['what is not Latin', 'secret-1-\u{1f511}'],
      ['nothing', '  '],
      ['no string', { accessToken: 7 }],
    ])(
      '[F6, Z1] given a token with %s, when a call is made, then the error tells of it without showing it',
      async (_, value) => {
        const server = await serve((__, response) => response.end('ok'))
        const answer = await to(
          server,
          tokens().cell.map(() => value as string),
        )(server.origin)
        const body = await answer.text()
        expect([answer.status, body.includes('invalid_value'), body.includes('secret')]).toEqual([
          401,
          true,
          false,
        ])
      },
    )
  })

  describe('rejections', () => {
    test.each([
      ['an error code', { error: { code: 401, message: 'Unauthorized' } }],
      ['a name', { error: { type: 'authentication_error', message: 'no' } }],
      ['a status', { status: 401, title: 'Unauthorized' }],
      ['what it got', { error: 'Unauthorized' }],
    ])(
      '[U4] given a gateway that states a 401 in the JSON of its 500, by %s, when it does so, then that is a rejection',
      async (_, body) => {
        const server = await serveFirst(500, JSON.stringify(body), JSON_TYPE)
        expect(await read(server, tokens().cell)).toBe('ok')
        // Where no fresh token is to be had it is handed on, whole.
        expect(await read(server, broken('t0').cell)).toBe(JSON.stringify(body))
        const { cell, refreshes } = tokens()
        expect(await read(server, cell, { rules: { wrapped_401: false } })).toBe(JSON.stringify(body))
        expect(refreshes()).toBe(0)
      },
    )

    test('[U2, U4] given any other fault of a server, when it responds, then the caller gets the response, and the credential stays', async () => {
      const { cell, refreshes } = tokens()
      for (const [status, body, headers] of [
        [500, '{"error":{"message":"401 Unauthorized"}}', JSON_TYPE],
        [500, '{"error":{"code":401}}', { 'content-type': 'text/plain' }],
        [500, '{"error":{"code":500,"type":"auth_error"}}', JSON_TYPE],
        [502, '{"error":{"code":401}}', JSON_TYPE],
        [503, '{"error":{"code":401}}', JSON_TYPE],
        [500, `{"error":{"code":500},"more":"${'x'.repeat(200 * KIB)}"}`, JSON_TYPE],
      ] as const) {
        const server = await serveFirst(status, body, headers)
        const answer = await to(server, cell)(server.origin)
        expect([answer.status, await answer.text()]).toEqual([status, body])
      }
      expect(refreshes()).toBe(0)
    })

    test('[U4] given a named rule for a 403, when the vendor sends that, compressed or not, then it is a rejection; rules can be changed', async () => {
      const server = await serve(({ headers, path }, response) => {
        const body = JSON.stringify(REVOKED)
        if (headers.authorization === 'Bearer t1') response.end('ok')
        else if (path === '/gzip') response.writeHead(403, { 'content-encoding': 'gzip' }).end(gzipSync(body))
        else if (path === '/br')
          response.writeHead(403, { 'content-encoding': 'br' }).end(brotliCompressSync(body))
        else if (path === '/teapot') response.writeHead(418).end('short and stout')
        else response.writeHead(403).end(body)
      })
      const status = async (path: string, rules?: RejectionRules): Promise<number> =>
        (await to(server, tokens().cell, { rules })(server.origin + path)).status
      const teapot = { statuses: [418], matches: ({ text }: ErrorFacts) => text.includes('stout') }
      expect([
        await status('/'),
        await status('/gzip'),
        await status('/br'),
        await status('/', { anthropic_revoked: false }),
        await status('/teapot'),
        await status('/teapot', { teapot }),
      ]).toEqual([200, 200, 200, 403, 418, 200])
    })

    test('[F3, U4] given a large 403 that is no rejection, when it has been judged, then the caller gets it whole', async () => {
      const padded = JSON.stringify({ error: { message: 'no scope' }, padding: 'p'.repeat(300 * KIB) })
      const server = await serve((_, response) => response.writeHead(403).end(padded))
      const { cell, refreshes } = tokens()
      expect([await read(server, cell), refreshes()]).toEqual([padded, 0])
    })

    test('[P7] given a second rejection, when it arrives, then the caller gets it, and there is no third attempt', async () => {
      const server = await serve(bearer(() => false))
      const { cell, refreshes } = tokens()
      expect(await read(server, cell)).toBe('{"error":{"message":"expired"}}')
      expect([server.sent('authorization'), refreshes()]).toEqual([['Bearer t0', 'Bearer t1'], 1])
    })

    test('[F3] given a response without a body, when it arrives, then the caller gets it', async () => {
      const server = await serve((_, response) => response.writeHead(401).end())
      const answer = await to(server, broken('t0').cell)(server.origin, { method: 'HEAD' })
      expect([answer.status, await answer.text()]).toEqual([401, ''])
    })

    test('[F3] given a large 401, when the credential is refreshed, then its rest is discarded before, and the caller gets the part that was read', async () => {
      // It never ends: only letting go closes the connection.
      const server = await serve((_, response) => {
        response.writeHead(401, { 'content-length': String(200 * KIB) })
        response.write('y'.repeat(80 * KIB))
      })
      const answer = await to(
        server,
        failing(() => server.opened(0)),
      )(server.origin)
      const { length } = await answer.text()
      expect([answer.status, answer.header('content-length')]).toEqual([401, undefined])
      expect([length > 64 * KIB, length <= 80 * KIB, server.requests.length]).toEqual([true, true, 1])
    })

    test('[F3] given a pool of one connection, when a 401 is refreshed through the same pool, then no connection is held, and nothing deadlocks', async () => {
      const server = await serve((request, response, raw) => {
        if (request.path === '/token') response.end('t1')
        else if (request.path === '/large' && request.headers.authorization === 'Bearer t0')
          response.writeHead(401).write('z'.repeat(80 * KIB))
        else bearer((token) => token === 't1')(request, response, raw)
      })
      for (const path of ['/chat', '/large']) {
        const pool = newAgent({ connections: 1, pipelining: 1 })
        const before = server.requests.length
        const token = { origin: server.origin, path: '/token', method: 'GET' } as const
        const refresh = async (): Promise<string> => (await pool.request(token)).body.text()
        const ask = over(pool, new Refreshable({ initial: 't0', refresh }), { origins: server.origin })
        const calls = Array.from({ length: 20 }, async () => (await ask(server.origin + path)).text())
        expect(new Set(await Promise.all(calls))).toEqual(new Set(['ok']))
        const asked = server.requests.slice(before).filter((request) => request.path === '/token')
        expect(asked.length).toBe(1)
        await server.opened(1)
        await pool.close()
        await server.opened(0)
      }
    })

    test('[F3] given discarded responses, when the calls have ended, then no socket stays open', async () => {
      const server = await serve(({ headers }, response) => {
        if (headers.authorization !== 'Bearer t0') response.end('ok')
        else response.writeHead(401).write('z'.repeat(70 * KIB))
      })
      const pool = newAgent({ keepAliveTimeout: 1_000_000 })
      const ask = over(pool, tokens().cell, { origins: server.origin })
      const answers = Array.from({ length: 30 }, async () => (await ask(server.origin)).text())
      expect(new Set(await Promise.all(answers))).toEqual(new Set(['ok']))
      // Those of the good answers are kept alive, and go with the agent; the others would outlast it.
      await pool.close()
      await server.opened(0)
    })

    test.each([
      ['the rest of a possible rejection', 403, {}, 'p'.repeat(300 * KIB)],
      ['an event stream', 200, SSE, CONTENT],
    ])(
      '[F3, F5] given %s, when the caller never reads it, then its connection is closed',
      async (_, status, headers, text) => {
        const server = await serve((__, response) => response.writeHead(status, headers).write(text))
        const answer = await to(server, tokens().cell, { inspectStreams: true })(server.origin)
        expect(server.open()).toBe(1)
        answer.leave()
        await server.opened(0)
        expect(server.requests.length).toBe(1)
      },
    )
  })

  describe('the first event of a stream', () => {
    const streamed = (first: string, headers: object = SSE): Promise<RecordingServer> =>
      serveFirst(200, first, headers)

    test.each(Object.entries(IN_STREAM_REJECTIONS))(
      '[F5] given %s as the first event, when it arrives, then it is a rejection',
      async (_, text) => {
        const server = await streamed(text)
        const { cell, refreshes } = tokens()
        expect(await read(server, cell, { inspectStreams: true })).toBe('ok')
        expect([refreshes(), server.requests.length]).toEqual([1, 2])
      },
    )

    test.each([
      ...Object.entries(OTHER_FIRST_EVENTS),
      ['content before a rejection', CONTENT + REJECTION] as const,
    ])(
      '[F5] given %s, when it is the first event, then it is no rejection, and the caller gets it unchanged',
      async (_, text) => {
        const { cell, refreshes } = tokens()
        expect([await read(await streamed(text), cell, { inspectStreams: true }), refreshes()]).toEqual([
          text,
          0,
        ])
      },
    )

    test.each([
      ['without inspectStreams', undefined, SSE],
      ['in an answer that is no event stream', true, { 'content-type': 'text/plain' }],
    ])(
      '[F5] given a stream %s, when its first event is a rejection, then nothing judges it',
      async (_, inspectStreams, headers) => {
        const { cell, refreshes } = tokens()
        expect(await read(await streamed(REJECTION, headers), cell, { inspectStreams })).toBe(REJECTION)
        expect(refreshes()).toBe(0)
      },
    )

    test('[F5, P7] given no fresh token, when the first event is a rejection, then the caller gets the stream unchanged', async () => {
      const { cell, refreshes } = broken('t0')
      expect(await read(await streamed(REJECTION), cell, { inspectStreams: true })).toBe(REJECTION)
      expect(refreshes()).toBe(1)
    })

    test('[F5, F3, P4] given no fresh token, when more follows a rejection late, then the caller gets that, too, and the refresh held no connection', async () => {
      const server = await serve((_, response) => {
        response.writeHead(200, SSE).write(REJECTION)
        setImmediate(() => response.end(CONTENT))
      })
      const pool = newAgent({ connections: 1, pipelining: 1 })
      const request = { origin: server.origin, path: '/token', method: 'GET' } as const
      const cell = failing(async () => (await pool.request(request)).body.dump())
      const answer = await over(pool, cell, { origins: server.origin, inspectStreams: true })(server.origin)
      expect(await answer.text()).toBe(REJECTION + CONTENT)
      expect([server.requests.length, server.sockets()]).toEqual([2, 1])
    })

    test('[F5, F3] given a rejection with more than 64 KiB after it, when the credential is refreshed, then the rest was discarded before', async () => {
      const server = await serve((_, response) => {
        response.writeHead(200, SSE).write(REJECTION)
        response.write(CONTENT.repeat(2000))
      })
      const text = await read(
        server,
        failing(() => server.opened(0)),
        { inspectStreams: true },
      )
      expect(text.length).toBeGreaterThan(65_536)
      expect((REJECTION + CONTENT.repeat(2000)).startsWith(text)).toBe(true)
    })

    test('[F5, P7] given a second rejection, when it arrives, then the caller gets it at once, with everything after it', async () => {
      let go: () => void = () => undefined
      const server = await serve((_, response) => {
        response.writeHead(200, SSE).write(REJECTION)
        if (server.requests.length === 1) response.end()
        else go = () => response.end(CONTENT.repeat(2000))
      })
      const { cell, refreshes } = tokens()
      const answer = await to(server, cell, { inspectStreams: true })(server.origin)
      go()
      expect(await answer.text()).toBe(REJECTION + CONTENT.repeat(2000))
      expect([server.requests.length, refreshes()]).toEqual([2, 1])
    })

    test.each([
      ['comments', ': keep-alive\n\n'],
      ['pings', 'event: ping\ndata: {"type": "ping"}\n\n'],
      ['unnamed pings', 'data: {"type":"keepalive","sequence_number":1}\n\n'],
      ['ids and retries', 'id: 7\nretry: 1000\n\n'],
    ])(
      '[F5] given %s before the first event, when they arrive, then up to 64 KiB are skipped',
      async (_, heartbeat) => {
        const few = await streamed(heartbeat.repeat(100) + REJECTION)
        expect(await read(few, tokens().cell, { inspectStreams: true })).toBe('ok')
        const endless = heartbeat.repeat(Math.ceil(70_000 / heartbeat.length)) + REJECTION
        const { cell, refreshes } = tokens()
        expect(await read(await streamed(endless), cell, { inspectStreams: true })).toBe(endless)
        expect(refreshes()).toBe(0)
      },
    )

    test('[F5] given an event that is no rejection, when it arrives, then the caller gets the response at once, and the rest as it comes', async () => {
      let go: () => void = () => undefined
      const server = await serve((_, response) => {
        response.writeHead(200, SSE).write('data: {"n":1}\n\n')
        go = () => response.end('data: {"n":2}\n\n')
      })
      const answer = await to(server, tokens().cell, { inspectStreams: true })(server.origin)
      expect(await answer.piece()).toBe('data: {"n":1}\n\n')
      go()
      expect([await answer.piece(), await answer.piece()]).toEqual(['data: {"n":2}\n\n', undefined])
    })
  })
})
