import { Agent, fetch as undiciFetch } from 'undici'
import { afterEach, expect, test } from 'vitest'
import { Refreshable, refreshingFetch } from '../../../src/index.ts'
import { bearer, type RecordingServer, startRecordingServer } from '../../support/recording-server.ts'
import { broken, tokens } from './cells.ts'

const KIB = 1024
let server: RecordingServer
afterEach(() => server.close())

/** The platform's fetch over an agent of its own, so that its sockets can be counted and closed. */
function over(agent: Agent): typeof fetch {
  return ((input: string, init: object) =>
    undiciFetch(input, { ...init, dispatcher: agent })) as unknown as typeof fetch
}

test('[F1] given a response that is no rejection, when a call is made, then the caller gets the very object that fetch returned', async () => {
  server = await startRecordingServer((_, response) => response.writeHead(500, { 'x-a': '1' }).end('oops'))
  const given: Response[] = []
  const fetch = refreshingFetch(tokens().cell, {
    origins: server.origin,
    fetch: async (...call) => {
      given.push(await globalThis.fetch(...call))
      return given[0] ?? Response.error()
    },
  })
  expect(await fetch(server.origin)).toBe(given[0])
})

test('[F3] given a refresh that fails, when a call gets a 401, then the caller gets that 401 unchanged, with up to 64 KiB of its body', async () => {
  const body = 'x'.repeat(64 * KIB)
  server = await startRecordingServer((_, response) =>
    response.writeHead(401, 'No Good', { 'x-vendor': 'yes', 'set-cookie': ['a=1', 'b=2'] }).end(body),
  )
  const plain = await fetch(server.origin)
  const response = await refreshingFetch(broken('t0').cell, { origins: server.origin })(server.origin)
  const { status, statusText, url, redirected, type } = plain
  expect(response).toMatchObject({ status, statusText, url, redirected, type })
  const undated = ({ headers }: Response): [string, string][] =>
    [...headers].filter(([name]) => name !== 'date')
  expect(undated(response)).toEqual(undated(plain))
  expect(await response.text()).toBe(body)
})

test('[F3, F8] given such a 401, when the caller clones it or reads it into buffers, then that works, and its class is that of the fetch', async () => {
  const body = 'x'.repeat(200 * KIB)
  server = await startRecordingServer((_, response) => response.writeHead(403).end(body))
  class Own extends Response {}
  for (const status of [403, 401]) {
    const given: Response[] = []
    const fetch = refreshingFetch(broken('t0').cell, {
      origins: server.origin,
      fetch: async (...call) => {
        if (status === 401) return (given[0] = new Own('own', { status }))
        return (given[0] = await globalThis.fetch(...call))
      },
    })
    const response = await fetch(server.origin)
    expect(response.constructor).toBe(status === 403 ? Response : Own)
    const clone = response.clone()
    const { url, redirected, type } = response
    expect(clone).toMatchObject({ status, url, redirected, type })
    const text = status === 403 ? body : 'own'
    expect(await clone.text()).toBe(text)
    const reader = response.body?.getReader({ mode: 'byob' })
    const read = await reader?.read(new Uint8Array(2))
    expect(String(Buffer.from(read?.value ?? []))).toBe(text.slice(0, 2))
    await reader?.cancel()
  }
})

test('[F3] given a 401 that was cut short, when the caller asks for its URL, then it has one, and so have its clones', async () => {
  server = await startRecordingServer((_, response) => {
    response.writeHead(401).write('y'.repeat(80 * KIB))
  })
  const response = await refreshingFetch(broken('t0').cell, { origins: server.origin })(server.origin)
  for (const each of [response, response.clone().clone()]) {
    expect(each).toMatchObject({ status: 401, url: `${server.origin}/`, redirected: false, type: 'basic' })
    expect(await each.text()).toMatch(/^y{65537,}$/)
  }
})

test('[F3] given a response that was read already, when it is judged, then its status decides', async () => {
  server = await startRecordingServer(bearer((token) => token === 't1'))
  const reading: typeof fetch = async (...call) => {
    const response = await globalThis.fetch(...call)
    if (response.status === 401) await response.text()
    return response
  }
  const refreshing = refreshingFetch(tokens().cell, { origins: server.origin, fetch: reading })
  expect(await (await refreshing(server.origin)).text()).toBe('ok')
})

test('[F3, F4] given a refused redirect, when the caller gets our 401, then no connection stays open', async () => {
  const agent = new Agent({ keepAliveTimeout: 1_000_000 })
  server = await startRecordingServer((_, response) => {
    response.writeHead(307, { location: '/here' }).write('z'.repeat(70 * KIB))
  })
  // A platform lets go of what is garbage; this is none.
  const kept: Response[] = []
  const keeping: typeof fetch = async (...given) => {
    const response = await over(agent)(...given)
    kept.push(response)
    return response
  }
  const options = { origins: server.origin, apply: 'x-api-key', fetch: keeping }
  const response = await refreshingFetch(tokens().cell, options)(server.origin)
  expect(response.headers.get('x-llm-refresh')).toBe('redirect_refused')
  await agent.close()
  await server.opened(0)
  expect(kept.length).toBe(1)
})

test('[F3] given a 401 whose body breaks, when it is judged, then its status decides, and the body breaks for the caller, too', async () => {
  server = await startRecordingServer(({ headers }, response, raw) => {
    if (headers.authorization === 'Bearer t1') response.end('ok')
    else {
      response.writeHead(401, { 'content-length': '100' }).write('some')
      setImmediate(() => raw.socket.destroy())
    }
  })
  const { cell } = tokens()
  expect((await refreshingFetch(cell, { origins: server.origin })(server.origin)).status).toBe(200)
  const response = await refreshingFetch(broken('t0').cell, { origins: server.origin })(server.origin)
  expect(response.status).toBe(401)
  await expect(response.text()).rejects.toThrow('terminated')
})

test('[U3] given a rejection with a challenge, when the credential is refreshed, then the refresh gets the challenge', async () => {
  const challenge = 'Bearer error="insufficient_claims", claims="eyJhY2Nlc3NfdG9rZW4iOnt9fQ=="'
  server = await startRecordingServer(({ headers }, response) => {
    if (headers.authorization === 'Bearer t1') response.end('ok')
    else response.writeHead(401, { 'www-authenticate': challenge }).end()
  })
  const challenges: (string | undefined)[] = []
  const cell = new Refreshable({
    initial: 't0',
    refresh: async (context) => {
      challenges.push(context.challenge)
      return 't1'
    },
  })
  expect((await refreshingFetch(cell, { origins: server.origin })(server.origin)).status).toBe(200)
  expect(challenges).toEqual([challenge])
})

test('[F3] given a fetch of another make, when its body is no web stream, then only the caller reads it', async () => {
  server = await startRecordingServer(() => undefined)
  const answer = { status: 401, headers: new Headers(), body: { pipe: () => undefined }, redirected: false }
  const fetch = (async () => answer) as unknown as typeof globalThis.fetch
  const { cell, refreshes } = broken('t0')
  expect(await refreshingFetch(cell, { origins: server.origin, fetch })(server.origin)).toBe(answer)
  expect(refreshes()).toBe(1)
})

test.each([
  ['no headers', undefined],
  ['headers in an object', {}],
])(
  '[F1, F3] given an object that stands in for a response, with %s, when a call is made, then it is judged like a response',
  async (_, headers) => {
    const answer = (status: number): object => ({ status, headers, json: async () => status })
    const fetch = (async (__: string, init: { headers: Headers }) =>
      answer(
        init.headers.get('authorization') === 'Bearer t1' ? 200 : 401,
      )) as unknown as typeof globalThis.fetch
    const { cell, refreshes } = tokens()
    const origins = 'https://api.example.com'
    const response = await refreshingFetch(cell, { origins, fetch, inspectStreams: true })(origins)
    expect([await response.json(), refreshes()]).toEqual([200, 1])
  },
)

/** A response of which a member lies, or breaks when it is looked at. */
function lying(member: string, lie: unknown): Response {
  const how = typeof lie === 'function' ? { get: lie as () => unknown } : { value: lie }
  const response = new Response('{"error":{}}', { status: 401 })
  return Object.defineProperties(response, { redirected: { value: true }, [member]: how })
}
const breaks = (): never => {
  throw new Error('broken')
}
const LIES: Record<string, () => unknown> = {
  'a redirect without a URL': () => lying('url', ''),
  'a URL that is none': () => lying('url', '/x'),
  'a URL that breaks': () => lying('url', breaks),
  'a redirect that breaks': () => lying('redirected', breaks),
  'headers that break': () => lying('headers', breaks),
  'a body that breaks': () => lying('body', breaks),
  'a type that breaks': () => lying('type', breaks),
  'a clone that breaks': () => lying('clone', breaks),
}

test.each(Object.keys(LIES))(
  '[F4, F8] given a fetch whose 401 has %s, when a call is made, then we judge the part that can be read, and the call does not fail',
  async (name) => {
    for (const apply of [undefined, 'x-api-key']) {
      for (const { cell } of [tokens(), broken('t0')]) {
        const sent: unknown[] = []
        const beneath = async (input: unknown): Promise<unknown> =>
          sent.push(input) === 1 ? LIES[name]?.() : new Response('ok')
        const fetch = refreshingFetch(cell, { origins: 'https://a.example', apply, fetch: beneath as never })
        const response = await fetch('https://a.example/v1')
        expect([await response.text(), new Set(sent)]).toEqual([
          sent.length === 2 ? 'ok' : '{"error":{}}',
          new Set(['https://a.example/v1']),
        ])
      }
    }
  },
)

test.each([
  ['undefined', undefined],
  ['null', null],
  ['a text', 'text'],
  ['a status that is none', { status: '401' }],
])('[F8] given a fetch that gives %s, when a call is made, then its caller gets that', async (_, given) => {
  for (const origins of ['https://a.example', 'https://b.example']) {
    const { cell, refreshes, onEvent } = tokens()
    const fetch = refreshingFetch(cell, { origins, onEvent, fetch: async () => given as never })
    expect([await fetch('https://a.example'), refreshes()]).toEqual([given, 0])
  }
})
