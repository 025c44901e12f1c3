import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import { type Duplex, Writable } from 'node:stream'
import {
  type Agent,
  type Dispatcher,
  fetch as undiciFetch,
  getGlobalDispatcher,
  setGlobalDispatcher,
  WebSocket as UndiciWebSocket,
} from 'undici'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { bearer, type RecordingServer, startRecordingServer } from '../../support/recording-server.ts'
import { broken, tokens } from '../fetch/cells.ts'
import { closeAgents, refreshed } from './agents.ts'

let server: RecordingServer
let before: Dispatcher
beforeEach(async () => {
  before = getGlobalDispatcher()
  server = await startRecordingServer(bearer((token) => token !== 't0'))
})
afterEach(async () => {
  setGlobalDispatcher(before)
  await closeAgents()
  await server.close()
})

function form(): FormData {
  const data = new FormData()
  data.append('purpose', 'batch')
  data.append('file', new File(['{"a":1}\n'], 'a.jsonl', { type: 'application/jsonl' }))
  return data
}

const bytes = new Uint8Array([0, 255, 13, 10, 0])
const bodies: [string, () => BodyInit, string][] = [
  ['a string', () => '{"héllo":1}', 'text/plain;charset=UTF-8'],
  ['bytes', () => bytes, ''],
  ['URLSearchParams', () => new URLSearchParams({ a: 'b c' }), 'application/x-www-form-urlencoded'],
  ['a Blob', () => new Blob(['abc'], { type: 'audio/wav' }), 'audio/wav'],
  ['a form', form, 'multipart/form-data'],
  ['a stream', () => new Blob(['abc']).stream() as BodyInit, ''],
]

describe('[F2] the platform’s fetch, over the global dispatcher', () => {
  test.each(bodies)(
    "[F1, F2] given the platform's fetch and %s as a body, when it is rejected, then the same is sent again, though fetch made a stream of it",
    async (_, make, type) => {
      const { cell, refreshes } = tokens()
      setGlobalDispatcher(refreshed(cell, { origins: server.origin }))
      const init = { method: 'POST', body: make(), duplex: 'half', headers: { 'X-A': '1' } } as RequestInit
      const response = await fetch(`${server.origin}/v1?a=b`, init)
      expect([response.status, await response.text(), response.url]).toEqual([
        200,
        'ok',
        `${server.origin}/v1?a=b`,
      ])
      expect(refreshes()).toBe(1)
      expect(server.sent('authorization')).toEqual(['Bearer t0', 'Bearer t1'])
      const [first, second] = server.requests
      expect(first?.body.length).toBeGreaterThan(0)
      expect(second?.body.equals(first?.body ?? Buffer.alloc(0))).toBe(true)
      for (const { headers, path } of server.requests) {
        expect(headers['content-type'] ?? '').toContain(type)
        expect([headers['x-a'], path]).toEqual(['1', '/v1?a=b'])
      }
    },
  )

  test("[F1] given the platform's fetch, when a call has no body, or is a Request, then it is sent as it is", async () => {
    setGlobalDispatcher(refreshed(tokens().cell, { origins: server.origin }))
    await fetch(new Request(server.origin))
    await fetch(new Request(server.origin, { method: 'PUT', body: 'x' }))
    expect(server.requests.map(({ method, body }) => [method, String(body)])).toEqual([
      ['GET', ''],
      ['GET', ''],
      ['PUT', 'x'],
    ])
  })

  test("[F6] given no token, when the platform's fetch is called, then it gets our own 401", async () => {
    setGlobalDispatcher(refreshed(broken().cell, { origins: server.origin }))
    const response = await fetch(server.origin, { method: 'POST', body: 'x' })
    expect([response.status, response.statusText]).toEqual([401, 'Unauthorized (refresh_failed)'])
    expect(await response.json()).toMatchObject({ error: { code: 'refresh_failed' } })
    expect(server.requests).toEqual([])
  })

  test("[F3] given a refresh that fails, when the platform's fetch is called, then it gets the 401, with a body that was sent or not", async () => {
    setGlobalDispatcher(refreshed(broken('t0').cell, { origins: server.origin }))
    const response = await fetch(server.origin, { method: 'POST', body: 'x' })
    expect([response.status, await response.text()]).toEqual([401, '{"error":{"message":"expired"}}'])
  })

  test('[C4] given a fetch at any point, when it aborts, then it ends at once', async () => {
    let refreshing: () => void = () => undefined
    const reached = new Promise<void>((resolve) => {
      refreshing = resolve
    })
    const { cell } = tokens()
    const waiting = cell.map((token) => {
      if (token === 't0') return token
      refreshing()
      return new Promise<string>(() => undefined)
    })
    setGlobalDispatcher(refreshed(waiting, { origins: server.origin }))
    const leaving = new AbortController()
    const left = fetch(server.origin, { signal: leaving.signal })
    await reached
    leaving.abort()
    await expect(left).rejects.toThrow('aborted')
    expect(server.requests.length).toBe(1)
  })

  test('[F4] given redirects that fetch follows itself, when each hop responds, then it is judged on its own', async () => {
    const elsewhere = await startRecordingServer((_, response) => response.end('elsewhere'))
    const api = await startRecordingServer((_, response) => {
      response.writeHead(307, { location: `${elsewhere.origin}/x` }).end()
    })
    const options = { origins: api.origin, apply: 'x-api-key' }
    setGlobalDispatcher(refreshed(tokens().cell, options))
    expect(await (await fetch(api.origin)).text()).toBe('elsewhere')
    expect([api.sent('x-api-key'), elsewhere.sent('x-api-key')]).toEqual([['t0'], [undefined]])
    await api.close()
    await elsewhere.close()
  })
})

test.each(bodies)(
  "[F2] given undici's own fetch over a dispatcher, when %s is rejected, then the same is sent again",
  async (name, make) => {
    // The platform's form is none to undici.
    if (name === 'a form') return
    const dispatcher = refreshed(tokens().cell, { origins: server.origin }) as Agent
    const init = { method: 'POST', body: make(), dispatcher, duplex: 'half' } as object
    const response = await undiciFetch(server.origin, init)
    expect([response.status, await response.text()]).toEqual([200, 'ok'])
    const [first, second] = server.requests
    expect(first?.body.length).toBeGreaterThan(0)
    expect(second?.body.equals(first?.body ?? Buffer.alloc(0))).toBe(true)
  },
)

test('[F1] given stream() and pipeline(), when they are rejected, then they are made again', async () => {
  const dispatcher = refreshed(tokens().cell, { origins: server.origin })
  const written: string[] = []
  const request = { origin: server.origin, path: '/', method: 'POST', body: 'x' } as const
  await dispatcher.stream(request, ({ statusCode }) => {
    written.push(String(statusCode))
    return new Writable({
      write(chunk, _, done) {
        written.push(String(chunk))
        done()
      },
    })
  })
  expect(written).toEqual(['200', 'ok'])
})

describe('WebSocket handshakes', () => {
  const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

  /** A server that shakes hands with a good token (RFC 6455 section 4.2.2), says hello, and closes. */
  async function serveSockets(): Promise<{
    url: string
    origin: string
    tokens: (string | undefined)[]
    sockets: Set<Duplex>
    close(): Promise<void>
  }> {
    const tokensSeen: (string | undefined)[] = []
    const sockets = new Set<Duplex>()
    const http = createServer((_, response) => response.end())
    http.on('connection', (socket) => {
      sockets.add(socket)
      socket.on('close', () => sockets.delete(socket))
    })
    http.on('upgrade', ({ headers }: IncomingMessage, socket) => {
      tokensSeen.push(headers.authorization)
      if (headers.authorization === 'Bearer t0') {
        const body = '{"error":{"message":"expired"}}'
        socket.end(
          `HTTP/1.1 401 Unauthorized\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
        )
        return
      }
      const accept = createHash('sha1').update(`${headers['sec-websocket-key']}${GUID}`).digest('base64')
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: ${accept}\r\n\r\n`,
      )
      socket.write(Buffer.from([0x81, 5, ...Buffer.from('hello')]))
      socket.end(Buffer.from([0x88, 2, 0x03, 0xe8]))
    })
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
    const address = http.address()
    const port = typeof address === 'object' ? address?.port : 0
    return {
      url: `ws://127.0.0.1:${port}/`,
      origin: `http://127.0.0.1:${port}`,
      tokens: tokensSeen,
      sockets,
      close: async () => {
        for (const socket of sockets) socket.destroy()
        await new Promise((resolve) => http.close(resolve))
      },
    }
  }

  const talk = (url: string, dispatcher: Dispatcher): Promise<string[]> =>
    new Promise((resolve) => {
      const heard: string[] = []
      const socket = new UndiciWebSocket(url, { dispatcher })
      socket.addEventListener('message', ({ data }) => heard.push(String(data)))
      socket.addEventListener('error', () => heard.push('error'))
      socket.addEventListener('close', ({ code }) => resolve([...heard, String(code)]))
    })

  test('[F1] given a handshake that is rejected, when a fresh token is there, then it is made again', async () => {
    const sockets = await serveSockets()
    const { cell, refreshes } = tokens()
    expect(await talk(sockets.url, refreshed(cell, { origins: sockets.origin }))).toEqual(['hello', '1000'])
    expect(sockets.tokens).toEqual(['Bearer t0', 'Bearer t1'])
    expect(refreshes()).toBe(1)
    await sockets.close()
  })

  test('[F3] given a refresh that fails, when a handshake is rejected, then it fails like any rejected handshake', async () => {
    const sockets = await serveSockets()
    const { cell, refreshes } = broken('t0')
    expect(await talk(sockets.url, refreshed(cell, { origins: sockets.origin }))).toEqual(['error', '1006'])
    expect(refreshes()).toBe(1)
    await sockets.close()
  })

  test('[F6] given no token, when a handshake is made, then it fails like any rejected handshake', async () => {
    const sockets = await serveSockets()
    const dispatcher = refreshed(broken().cell, { origins: sockets.origin })
    expect(await talk(sockets.url, dispatcher)).toEqual(['error', '1006'])
    expect(sockets.tokens).toEqual([])
    await sockets.close()
  })

  test('[F1] given upgrade(), when it is rejected, then it is made again', async () => {
    const sockets = await serveSockets()
    const dispatcher = refreshed(tokens().cell, { origins: sockets.origin })
    const options = { origin: sockets.origin, path: '/', protocol: 'websocket' } as Dispatcher.UpgradeOptions
    const { socket, headers } = await dispatcher.upgrade(options)
    expect(headers['upgrade']).toBe('websocket')
    socket.destroy()
    expect(sockets.tokens).toEqual(['Bearer t0', 'Bearer t1'])
    await sockets.close()
  })
})
