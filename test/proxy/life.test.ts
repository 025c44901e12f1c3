import { once } from 'node:events'
import { Agent, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect, createServer, type AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import type { RefreshEvent } from '../../src/index.ts'
import { bearer } from '../support/recording-server.ts'
import { tokens } from '../surfaces/fetch/cells.ts'
import { ask, errorIn, KEY, serve, startProxy } from './proxies.ts'

const ours = { authorization: `Bearer ${KEY}` }

test('[X5] given an open stream, when the proxy drains, then the stream goes on to its end, and new requests are refused', async () => {
  let upstream: ServerResponse | undefined
  const server = await serve((_, response) => {
    upstream = response
    response.writeHead(200).write('first')
  })
  const { proxy, url, port } = await startProxy({ api: { to: server.origin, credential: tokens().cell } })
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  onTestFinished(() => agent.destroy())
  // A connection that is open, with a request under way.
  const kept = connect(port, '127.0.0.1')
  onTestFinished(() => void kept.destroy())
  await once(kept, 'connect')
  kept.write('GET /-/healthz HTTP/1.1\r\nHost: localhost\r\nX-A: ')
  const sent = httpRequest(`${url}/api/x`, { agent, headers: ours })
  sent.end()
  const [stream] = (await once(sent, 'response')) as [IncomingMessage]
  await once(stream, 'data')
  const drained = proxy.drain()
  kept.write('1\r\n\r\n')
  expect(String((await once(kept, 'data'))[0])).toMatch(/^HTTP\/1\.1 503 [^]*Connection: close[^]*draining/)
  await expect(ask(`${url}/api/x`)).rejects.toThrow('ECONNREFUSED')
  upstream?.end('last')
  expect(String((await once(stream, 'data'))[0])).toBe('last')
  await drained
  expect(server.requests).toHaveLength(1)
})

test('[X5] given a stream that does not end, when the time to drain is over, or the proxy is closed, then it is cut', async () => {
  const server = await serve((_, response) => void response.writeHead(200).write('first'))
  for (const how of ['drain', 'close'] as const) {
    const { proxy, url } = await startProxy(
      { api: { to: server.origin, credential: tokens().cell } },
      { timeouts: { drain: how === 'drain' ? 20 : 60_000 } },
    )
    const sent = httpRequest(`${url}/api/x`, { agent: false, headers: ours })
    sent.on('error', () => undefined).end()
    const [stream] = (await once(sent, 'response')) as [IncomingMessage]
    stream.on('error', () => undefined)
    await once(stream, 'data')
    const closed = new Promise((resolve) => stream.once('close', resolve))
    await proxy[how]()
    await closed
    await server.opened(0)
    await expect(ask(`${url}/-/healthz`)).rejects.toThrow('ECONNREFUSED')
  }
})

test('[X5] given a proxy that drains, when it is closed, then both end, and nothing is left open', async () => {
  const server = await serve((_, response) => void response.writeHead(200).write('first'))
  const { proxy, url, audited } = await startProxy({ api: { to: server.origin, credential: tokens().cell } })
  const sent = httpRequest(`${url}/api/x`, { agent: false, headers: ours })
  sent.on('error', () => undefined).end()
  const [stream] = (await once(sent, 'response')) as [IncomingMessage]
  stream.on('error', () => undefined)
  await Promise.all([proxy.drain(), proxy.close(), proxy.close()])
  expect(await audited(1)).toMatchObject([{ status: 200 }])
  await server.opened(0)
})

test('[X2, X5] given a client that asks twice at once and leaves, when it is gone, then both requests end, and nothing is left open', async () => {
  const server = await serve(() => undefined)
  const { proxy, port, audited } = await startProxy({ api: { to: server.origin, credential: tokens().cell } })
  const socket = connect(port, '127.0.0.1')
  const head = `Host: localhost\r\nApi-Key: ${KEY}\r\n\r\n`
  socket.write(`GET /api/1 HTTP/1.1\r\n${head}GET /api/2 HTTP/1.1\r\n${head}`)
  await expect.poll(() => server.requests.length).toBe(2)
  socket.destroy()
  expect(await audited(2)).toMatchObject([{ status: 499 }, { status: 499 }])
  await server.opened(0)
  await proxy.drain()
})

test('[X5] given a running proxy, when its health is asked for, then it says ok and no more, without a key; metrics need a key, and tell of routes and not of secrets', async () => {
  const server = await serve(bearer((token) => token === 't1'))
  const { url, audited } = await startProxy({ api: { to: server.origin, credential: tokens().cell } })
  expect(await ask(`${url}/-/healthz`, { key: null })).toMatchObject({ status: 200, text: 'ok\n' })
  expect((await ask(`${url}/-/healthz`, { key: null, headers: { host: 'evil.example' } })).status).toBe(421)
  expect((await ask(`${url}/-/metrics`, { key: null })).status).toBe(401)
  await ask(`${url}/api/x?secret=1`)
  await audited(4)
  const { status, text, headers } = await ask(`${url}/-/metrics`)
  expect([status, headers['content-type']]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8'])
  expect(text).toContain('llm_refresh_proxy_requests_total{route="api",status="200"} 1\n')
  expect(text).toContain('llm_refresh_proxy_retried_total{route="api"} 1\n')
  expect(text).toContain('llm_refresh_proxy_refused_total{reason="key"} 1\n')
  expect(text).toContain('llm_refresh_proxy_open_requests 1\n')
  expect(text).not.toMatch(/secret|t0|t1/)
  expect((await ask(`${url}/-/other`)).status).toBe(404)
})

test('[X4, Z1] given an audit, when requests are made, then the audit gets each once, without a secret', async () => {
  const server = await serve(bearer((token) => token === 't1'))
  const { url, audited } = await startProxy({ api: { to: server.origin, credential: tokens().cell } })
  await ask(`${url}/api/x?q=secret`, { method: 'POST', body: 'secret' })
  await ask(`${url}/none/x`)
  const [first, second, ...more] = await audited(2)
  expect(first).toEqual({
    time: expect.any(Number),
    key: 'laptop',
    route: 'api',
    method: 'POST',
    status: 200,
    retried: true,
    refused: undefined,
    bytes: 2,
    duration: expect.any(Number),
  })
  expect([second, more]).toMatchObject([
    { key: 'laptop', route: undefined, status: 404, refused: 'route', retried: false },
    [],
  ])
})

test('[X4] given the largest number of requests, when one more comes, then the response asks it to try again, and the others go on', async () => {
  const open: ServerResponse[] = []
  const server = await serve((_, response) => open.push(response))
  const { url } = await startProxy(
    { api: { to: server.origin, credential: tokens().cell, preset: 'anthropic' } },
    { maxRequests: 2 },
  )
  const waiting = [ask(`${url}/api/1`), ask(`${url}/api/2`)]
  await expect.poll(() => open.length).toBe(2)
  const busy = await ask(`${url}/api/3`)
  expect([busy.status, busy.headers['retry-after'], errorIn(busy.text).type]).toEqual([
    503,
    '1',
    'overloaded_error',
  ])
  for (const response of open) response.end('ok')
  expect((await Promise.all(waiting)).map(({ text }) => text)).toEqual(['ok', 'ok'])
})

test('[X4] given several upstreams and credentials, when requests are made, then each gets its own, and events tell of retries', async () => {
  const [one, two] = [
    await serve(bearer((token) => token === 't1')),
    await serve((_, response) => response.end('two')),
  ]
  const [first, second] = [tokens(), tokens()]
  const heard: RefreshEvent[] = []
  const { url } = await startProxy(
    {
      one: { to: one.origin, credential: first.cell },
      also: { to: `${one.origin}/also`, credential: first.cell },
      two: {
        to: two.origin,
        credential: second.cell.map((token) => ({ accessToken: `${token}-b` })),
        apply: ({ accessToken }) => ({ 'x-key': accessToken }),
      },
    },
    { onEvent: (event) => heard.push(event) },
  )
  expect([
    (await ask(`${url}/one/a`)).text,
    (await ask(`${url}/also/b`)).text,
    (await ask(`${url}/two/c`)).text,
  ]).toEqual(['ok', 'ok', 'two'])
  expect([one.sent('authorization'), first.refreshes()]).toEqual([['Bearer t0', 'Bearer t1', 'Bearer t1'], 1])
  expect([two.sent('x-key'), two.sent('authorization'), second.refreshes()]).toEqual([
    ['t0-b'],
    [undefined],
    0,
  ])
  expect(heard).toEqual([{ type: 'retried', generation: 2, origin: one.origin }])
})

test('[X1] given an address that others reach, when it is allowed, then the proxy listens there, and reports that it is plain http', async () => {
  const server = await serve((_, response) => response.end('ok'))
  const heard: RefreshEvent[] = []
  const { port } = await startProxy(
    { api: { to: server.origin, credential: tokens().cell } },
    { host: '0.0.0.0', allowRemote: true, onEvent: (event) => heard.push(event) },
  )
  expect(heard).toMatchObject([{ type: 'finding', finding: { code: 'proxy_plain_http', level: 'warning' } }])
  expect((await ask(`http://127.0.0.1:${port}/api/x`)).status).toBe(200)
  expect((await ask(`http://127.0.0.1:${port}/api/x`, { headers: { host: 'evil.example' } })).status).toBe(
    421,
  )
})

test('[X4] given a proxy of the machine, when an upstream is elsewhere, then its requests go there, and an error names it; loopback, and NO_PROXY, go straight', async () => {
  const asked: string[] = []
  const machine = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.once('data', (chunk: Buffer) => {
      asked.push(chunk.toString().split('\r\n')[0] ?? '')
      socket.end('HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n')
    })
  })
  machine.listen(0, '127.0.0.1')
  await once(machine, 'listening')
  onTestFinished(() => void machine.close())
  const local = await serve((_, response) => response.end('ok'))
  const { HTTPS_PROXY, NO_PROXY } = process.env
  onTestFinished(() => {
    for (const [name, value] of Object.entries({ HTTPS_PROXY, NO_PROXY })) {
      if (value === undefined) Reflect.deleteProperty(process.env, name)
      else process.env[name] = value
    }
  })
  process.env['HTTPS_PROXY'] = `http://127.0.0.1:${(machine.address() as AddressInfo).port}`
  process.env['NO_PROXY'] = 'exempt.invalid'
  const { url } = await startProxy({
    far: { to: 'https://api.invalid', credential: tokens().cell },
    exempt: { to: 'https://exempt.invalid', credential: tokens().cell },
    near: { to: local.origin, credential: tokens().cell },
  })
  expect([
    (await ask(`${url}/far/x`)).status,
    (await ask(`${url}/exempt/x`)).status,
    (await ask(`${url}/near/x`)).status,
  ]).toEqual([502, 502, 200])
  expect(asked).toEqual(['CONNECT api.invalid:443 HTTP/1.1'])
  // The proxy of the machine is gone: whoever reads the error must not look for the fault at the upstream.
  const gone = process.env['HTTPS_PROXY'].slice('http://'.length)
  await Promise.all([once(machine.close(), 'close'), local.close()])
  const { text } = await ask(`${url}/far/x`)
  expect(text).toContain(`ECONNREFUSED at ${gone}: is the proxy of this machine up?`)
  expect((await ask(`${url}/near/x`)).text).toContain('(ECONNREFUSED: nothing listens there')
})
