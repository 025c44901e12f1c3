import { once } from 'node:events'
import {
  request as httpRequest,
  type ClientRequest,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { Refreshable } from '../../src/index.ts'
import { responder } from '../support/responder.ts'
import { tokens } from '../surfaces/fetch/cells.ts'
import { ask, KEY, serve, startProxy } from './proxies.ts'

const ours = { authorization: `Bearer ${KEY}` }
const until = async (is: () => unknown): Promise<void> => {
  await expect.poll(is).toBeTruthy()
}

/** An upstream and a refresh that the test answers, and a client that may leave. */
async function world(): Promise<{
  client: ClientRequest
  waiting: ServerResponse[]
  refresh: ReturnType<typeof responder<string>>
  /** How the request was told of, once all is over and the next request is served. It ends once nothing is open. */
  over(): Promise<{ audited: object; next: string }>
}> {
  const waiting: ServerResponse[] = []
  const server = await serve(({ path }, response) => {
    if (path === '/next') response.end('ok')
    else waiting.push(response)
  })
  const refresh = responder<string>()
  const credential = new Refreshable({ initial: 't0', refresh: refresh.refresh })
  const { url, audited, proxy } = await startProxy({ api: { to: server.origin, credential } })
  const client = httpRequest(`${url}/api/x`, {
    method: 'POST',
    agent: false,
    headers: { ...ours, 'content-length': '1000000' },
  })
  client.on('error', () => undefined)
  const over = async (): Promise<{ audited: object; next: string }> => {
    const [entry = {}] = await audited(1)
    refresh.calls[0]?.resolve('t1')
    const { text } = await ask(`${url}/api/next`)
    await proxy.drain()
    await server.opened(0)
    return { audited: entry, next: text }
  }
  return { client, waiting, refresh, over }
}
type World = Awaited<ReturnType<typeof world>>

const half = Buffer.alloc(500_000, 'a')
const upload = (client: ClientRequest): void => void client.end(Buffer.alloc(1_000_000, 'a'))
const MOMENTS: [when: string, reach: (world: World) => Promise<unknown>, status: number][] = [
  [
    'at the beginning of its body',
    ({ client }) => new Promise<void>((resolve) => void client.write('a', () => resolve())),
    499,
  ],
  [
    'in the midst of its body',
    ({ client }) => new Promise<void>((resolve) => void client.write(half, () => resolve())),
    499,
  ],
  [
    'when its body is sent',
    async ({ client, waiting }) => {
      upload(client)
      await until(() => waiting[0])
    },
    499,
  ],
  [
    'while a rejection is read',
    async ({ client, waiting }) => {
      upload(client)
      await until(() => waiting[0])
      const written = new Promise<void>((resolve) => {
        waiting[0]?.writeHead(401, { 'content-length': '100' }).write('{"error":', () => resolve())
      })
      await written
    },
    499,
  ],
  [
    'while the token is refreshed',
    async ({ client, waiting, refresh }) => {
      upload(client)
      await until(() => waiting[0])
      waiting[0]?.writeHead(401).end()
      await until(() => refresh.calls[0])
    },
    499,
  ],
  [
    'while the second attempt waits',
    async ({ client, waiting, refresh }) => {
      upload(client)
      await until(() => waiting[0])
      waiting[0]?.writeHead(401).end()
      await until(() => refresh.calls[0])
      refresh.call(0).resolve('t1')
      await until(() => waiting[1])
    },
    499,
  ],
  [
    'when it has the head of a response',
    async ({ client, waiting }) => {
      upload(client)
      await until(() => waiting[0])
      const response = once(client, 'response')
      waiting[0]?.writeHead(200).flushHeaders()
      await response
    },
    200,
  ],
  [
    'in the midst of a response',
    async ({ client, waiting }) => {
      upload(client)
      await until(() => waiting[0])
      const response = once(client, 'response')
      waiting[0]?.writeHead(200).write('first')
      const [stream] = (await response) as [IncomingMessage]
      stream.on('error', () => undefined)
      await once(stream, 'data')
    },
    200,
  ],
]
test.each(MOMENTS)(
  '[X2] given a client that leaves %s, when it has left, then nothing of its request is left open, and the next is served',
  async (_, reach, status) => {
    const at = await world()
    await reach(at)
    at.client.destroy()
    expect(await at.over()).toMatchObject({ audited: { status }, next: 'ok' })
    expect(at.waiting.length).toBeLessThanOrEqual(2)
  },
)

/** An upstream that does what it is told with each connection's first bytes. */
async function rawServer(answer: (socket: Socket) => void): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.once('data', () => answer(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const HEAD = 'HTTP/1.1 200 OK\r\n'
test.each<[string, (socket: Socket) => void, number | 'cut']>([
  ['resets the connection', (socket) => void socket.resetAndDestroy(), 502],
  ['says what is no HTTP', (socket) => void socket.end('hello\r\n\r\n'), 502],
  ['ends in the midst of a head', (socket) => void socket.end(`${HEAD}Content-Le`), 502],
  [
    'states two lengths',
    (socket) => void socket.end(`${HEAD}Content-Length: 2\r\nContent-Length: 3\r\n\r\nabc`),
    502,
  ],
  [
    'folds a header',
    (socket) => void socket.end(`${HEAD}X-A: a\r\n b\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok`),
    502,
  ],
  [
    'resets after its head',
    (socket) => void socket.write(`${HEAD}Content-Length: 9\r\n\r\nab`, () => socket.resetAndDestroy()),
    'cut',
  ],
  [
    'breaks a chunk',
    (socket) => void socket.end(`${HEAD}Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\nzz\r\n`),
    'cut',
  ],
  [
    'ends a rejection too early',
    (socket) => void socket.end('HTTP/1.1 401 Unauthorized\r\nContent-Length: 50\r\n\r\n{'),
    'cut',
  ],
])(
  '[X2] given an upstream that %s, when it is asked, then the client can tell, and the proxy serves on',
  async (_, answer, expected) => {
    const to = await rawServer(answer)
    const fine = await serve((__, response) => response.end('ok'))
    const credential = tokens().cell
    const { url, audited } = await startProxy({
      odd: { to, credential },
      fine: { to: fine.origin, credential },
    })
    const outcome = await ask(`${url}/odd/x`).then(
      ({ status }) => status,
      () => 'cut',
    )
    expect(outcome).toBe(expected)
    expect((await ask(`${url}/fine/x`)).text).toBe('ok')
    expect(await audited(2)).toHaveLength(2)
  },
)

test('[X2] given an upstream that resets the connection of an upload, when it does, then the client gets 502, and its connection ends', async () => {
  const to = await rawServer((socket) => void socket.resetAndDestroy())
  const { url } = await startProxy({ api: { to, credential: tokens().cell } })
  const got = await ask(`${url}/api/x`, { method: 'POST', body: Buffer.alloc(4_000_000) })
  expect(got.status).toBe(502)
})
