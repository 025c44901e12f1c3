import { gzipSync } from 'node:zlib'
import { Agent, fetch as undiciFetch } from 'undici'
import { afterEach, expect, test } from 'vitest'
import { type ErrorFacts, Refreshable, refreshingFetch, type RejectionRules } from '../../../src/index.ts'
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

test('[F1] an answer that is no rejection is handed on as the very object that fetch gave', async () => {
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

test('[F3] a 401 whose refresh fails is handed on unchanged, bodies up to 64 KiB', async () => {
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

test('[F3, F8] such a response can be cloned and read into buffers, and is of the class that fetch gave', async () => {
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

test('[F3] one that is cut short says where it is from, and so do its clones', async () => {
  server = await startRecordingServer((_, response) => {
    response.writeHead(401).write('y'.repeat(80 * KIB))
  })
  const response = await refreshingFetch(broken('t0').cell, { origins: server.origin })(server.origin)
  for (const each of [response, response.clone().clone()]) {
    expect(each).toMatchObject({ status: 401, url: `${server.origin}/`, redirected: false, type: 'basic' })
    expect(await each.text()).toMatch(/^y{65537,}$/)
  }
})

test('[F3] an answer that was read already is judged by its status', async () => {
  server = await startRecordingServer(bearer((token) => token === 't1'))
  const reading: typeof fetch = async (...call) => {
    const response = await globalThis.fetch(...call)
    if (response.status === 401) await response.text()
    return response
  }
  const refreshing = refreshingFetch(tokens().cell, { origins: server.origin, fetch: reading })
  expect(await (await refreshing(server.origin)).text()).toBe('ok')
})

test('[F3] an answer without a body is handed on, too', async () => {
  server = await startRecordingServer((_, response) => response.writeHead(401).end())
  const response = await refreshingFetch(broken('t0').cell, { origins: server.origin })(server.origin, {
    method: 'HEAD',
  })
  expect([response.status, await response.text()]).toEqual([401, ''])
})

test('[F3] a larger 401 is let go of before the refresh; what was read of it is handed on', async () => {
  const agent = new Agent()
  // It never ends: only letting go closes the connection.
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
  const response = await refreshingFetch(cell, { origins: server.origin, fetch: over(agent) })(server.origin)
  const text = await response.text()
  expect(response.status).toBe(401)
  expect(text.length).toBeGreaterThan(64 * KIB)
  expect(text.length).toBeLessThanOrEqual(80 * KIB)
  expect(response.headers.get('content-length')).toBe(null)
  expect(server.requests.length).toBe(1)
  await agent.close()
})

test('[F3] no connection is held meanwhile: a token endpoint behind the same pool of one does not deadlock', async () => {
  const agent = new Agent({ connections: 1, pipelining: 1 })
  server = await startRecordingServer((request, response, raw) => {
    if (request.path === '/token') response.end('t1')
    else bearer((token) => token === 't1')(request, response, raw)
  })
  const pooled = over(agent)
  const cell = new Refreshable({
    initial: 't0',
    refresh: async () => (await pooled(`${server.origin}/token`)).text(),
  })
  const fetch = refreshingFetch(cell, { origins: server.origin, fetch: pooled })
  const texts = await Promise.all(
    Array.from({ length: 20 }, async () => (await fetch(`${server.origin}/chat`)).text()),
  )
  expect(new Set(texts)).toEqual(new Set(['ok']))
  expect(server.requests.filter(({ path }) => path === '/token').length).toBe(1)
  expect(server.sockets()).toBe(1)
  await agent.close()
  await server.opened(0)
})

test('[F3] discarded answers leave no socket open', async () => {
  const agent = new Agent({ keepAliveTimeout: 1_000_000 })
  server = await startRecordingServer(({ headers }, response) => {
    if (headers.authorization !== 'Bearer t0') response.end('ok')
    else response.writeHead(401).write('z'.repeat(70 * KIB))
  })
  const fetch = refreshingFetch(tokens().cell, { origins: server.origin, fetch: over(agent) })
  const answers = Array.from({ length: 30 }, async () => (await fetch(server.origin)).text())
  expect(new Set(await Promise.all(answers))).toEqual(new Set(['ok']))
  // Those of the good answers are kept alive, and go with the agent; the others would outlast it.
  await agent.close()
  await server.opened(0)
})

test('[F3, F4] nor does a redirect that is refused', async () => {
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

test('[F3] a body that breaks is a rejection by its status, and breaks for the caller', async () => {
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

const scope = { type: 'error', error: { type: 'permission_error', message: 'no scope requirement met' } }
const revoked = {
  type: 'error',
  error: { type: 'permission_error', message: 'OAuth token has been revoked.' },
}

test('[F3, U4] a 403 is read to be judged; one that is no rejection is handed on whole, however large', async () => {
  const padded = JSON.stringify({ ...scope, padding: 'p'.repeat(300 * KIB) })
  server = await startRecordingServer((_, response) => response.writeHead(403).end(padded))
  const { cell, refreshes } = tokens()
  const response = await refreshingFetch(cell, { origins: server.origin })(server.origin)
  expect(await response.text()).toBe(padded)
  expect(refreshes()).toBe(0)
})

test('[F3] whoever leaves the rest of such an answer alone closes its connection', async () => {
  const agent = new Agent()
  server = await startRecordingServer((_, response) => {
    response.writeHead(403).write('p'.repeat(300 * KIB))
  })
  const fetch = refreshingFetch(tokens().cell, { origins: server.origin, fetch: over(agent) })
  const response = await fetch(server.origin)
  expect(server.open()).toBe(1)
  await response.body?.cancel()
  await server.opened(0)
  await agent.close()
})

test('[U4] a vendor’s 403 by a named rule is a rejection, compressed or not; rules can be changed', async () => {
  server = await startRecordingServer(({ headers, path }, response) => {
    const body = JSON.stringify(revoked)
    if (headers.authorization === 'Bearer t1') response.end('ok')
    else if (path === '/gzip') response.writeHead(403, { 'content-encoding': 'gzip' }).end(gzipSync(body))
    else if (path === '/teapot') response.writeHead(418).end('short and stout')
    else response.writeHead(403).end(body)
  })
  const status = async (path: string, rules?: RejectionRules): Promise<number> => {
    const options = { origins: server.origin, rules }
    return (await refreshingFetch(tokens().cell, options)(server.origin + path)).status
  }
  expect(await status('/')).toBe(200)
  expect(await status('/gzip')).toBe(200)
  expect(await status('/', { anthropic_revoked: false })).toBe(403)
  expect(await status('/teapot')).toBe(418)
  const teapot = { statuses: [418], matches: ({ text }: ErrorFacts) => text.includes('stout') }
  expect(await status('/teapot', { teapot })).toBe(200)
})

test('[U3] the challenge of the rejection reaches the refresh', async () => {
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

test('[P7] a second rejection is handed on, and nothing is tried a third time', async () => {
  server = await startRecordingServer(bearer(() => false))
  const { cell, refreshes } = tokens()
  const response = await refreshingFetch(cell, { origins: server.origin })(server.origin)
  expect([response.status, await response.json()]).toEqual([401, { error: { message: 'expired' } }])
  expect(server.sent('authorization')).toEqual(['Bearer t0', 'Bearer t1'])
  expect(refreshes()).toBe(1)
})

test('[F3] a body that no web stream is, as of a fetch of another make, is left to the caller', async () => {
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
])('[F1, F3] what stands in for an answer will do, with %s', async (_, headers) => {
  const answer = (status: number): object => ({ status, headers, json: async () => status })
  const fetch = (async (__: string, init: { headers: Headers }) =>
    answer(
      init.headers.get('authorization') === 'Bearer t1' ? 200 : 401,
    )) as unknown as typeof globalThis.fetch
  const { cell, refreshes } = tokens()
  const origins = 'https://api.example.com'
  const response = await refreshingFetch(cell, { origins, fetch, inspectStreams: true })(origins)
  expect([await response.json(), refreshes()]).toEqual([200, 1])
})
