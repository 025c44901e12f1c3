import { createServer } from 'node:http'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Refreshable, refreshingFetch } from '../../../src/index.ts'
import { bearer, type RecordingServer, startRecordingServer } from '../../support/recording-server.ts'
import { responder } from '../../support/responder.ts'
import { broken, tokens } from './cells.ts'

let server: RecordingServer
beforeEach(async () => {
  server = await startRecordingServer(bearer((token) => token !== 't0'))
})
afterEach(() => server.close())

describe('[F1] what is sent', () => {
  test('[F1] given a Request as the second argument, when it is sent, then it keeps its method and its body', async () => {
    const fetch = refreshingFetch(tokens().cell, { origins: server.origin })
    const request = new Request('http://127.0.0.1:1/elsewhere', { method: 'DELETE' })
    expect((await fetch(`${server.origin}/v1/files/1`, request)).status).toBe(200)
    expect(server.requests.map(({ method }) => method)).toEqual(['DELETE', 'DELETE'])
  })

  test.each([
    ['a record', { 'x-a': '1', AUTHORIZATION: 'x' }],
    ['pairs', [['x-a', '1'] as [string, string], ['authorization', 'x'] as [string, string]]],
    ['Headers', new Headers({ 'x-a': '1', authorization: 'x' })],
  ])(
    '[F1] given headers as %s, when a call is made, then they arrive, with the credential',
    async (_, headers) => {
      await refreshingFetch(tokens().cell, { origins: server.origin })(server.origin, { headers })
      expect(server.sent('x-a')).toEqual(['1', '1'])
      expect(server.sent('authorization')).toEqual(['Bearer t0', 'Bearer t1'])
    },
  )

  test('[F1] given a function for apply, when a call is made, then it sets headers, and removes those that it sets to undefined', async () => {
    const cell = tokens().cell.map((token) => ({ id: token, secret: 's' }))
    const fetch = refreshingFetch(cell, {
      origins: server.origin,
      apply: ({ id }) => ({ authorization: `Bearer ${id}`, 'x-goog-api-key': undefined }),
    })
    await fetch(server.origin, { headers: { 'x-goog-api-key': 'unused', 'x-b': '2' } })
    expect(server.sent('authorization')).toEqual(['Bearer t0', 'Bearer t1'])
    expect(server.sent('x-goog-api-key')).toEqual([undefined, undefined])
    expect(server.sent('x-b')).toEqual(['2', '2'])
  })

  test('[F1] given a function for apply that is asynchronous, when calls are made, then it runs once for each token', async () => {
    const asked: string[] = []
    const fetch = refreshingFetch(tokens().cell, {
      origins: server.origin,
      apply: async (token) => {
        asked.push(token)
        return { authorization: `Bearer ${token}` }
      },
    })
    await Promise.all([fetch(server.origin), fetch(server.origin)])
    await fetch(server.origin)
    expect(asked).toEqual(['t0', 't1'])
    expect(server.sent('authorization').at(-1)).toBe('Bearer t1')
  })

  test('[F1] given a header that only the first token needs, when the second attempt is made, then that header is gone', async () => {
    const fetch = refreshingFetch(tokens().cell, {
      origins: server.origin,
      apply: (token) => ({ authorization: `Bearer ${token}`, ...(token === 't0' && { 'x-old': token }) }),
    })
    await fetch(server.origin)
    expect(server.sent('x-old')).toEqual(['t0', undefined])
  })

  test('[F1] given an object as a token, when a call is made, then its accessToken is sent, without a line break at its end', async () => {
    const cell = new Refreshable({ refresh: async () => ({ accessToken: 'from-a-file\n' }) })
    await refreshingFetch(cell, { origins: server.origin })(server.origin)
    expect(server.sent('authorization')).toEqual(['Bearer from-a-file'])
  })

  test('[F1] given a Request and an init, when they are sent, then init wins', async () => {
    const fetch = refreshingFetch(tokens().cell, { origins: server.origin })
    const request = new Request(server.origin, { method: 'POST', body: 'one', headers: { 'x-a': '1' } })
    await fetch(request, { method: 'POST', headers: { 'x-b': '2' }, body: 'two' })
    expect(server.requests.map(({ method, body }) => [method, String(body)])).toEqual([
      ['POST', 'two'],
      ['POST', 'two'],
    ])
    expect(server.sent('x-a')).toEqual([undefined, undefined])
    expect(server.sent('x-b')).toEqual(['2', '2'])
  })

  test.each([
    ['no init', undefined, ['https://example.com/source', 'no-referrer']],
    ['an init that sets them back', { method: 'DELETE' }, ['about:client', '']],
    ['an init with its own', { referrerPolicy: 'origin' } as const, ['about:client', 'origin']],
  ])('[F1] given a Request and %s, then its referrer arrives as without us', async (_, init, expected) => {
    const seen: string[][] = []
    const beneath: typeof globalThis.fetch = async (input, given) => {
      const { referrer, referrerPolicy, headers } = new Request(input, given)
      seen.push([referrer, referrerPolicy])
      return new Response('', { status: headers.get('authorization') === 'Bearer t0' ? 401 : 200 })
    }
    const made = { referrer: 'https://example.com/source', referrerPolicy: 'no-referrer' } as const
    await beneath(new Request(server.origin, made), init)
    const fetch = refreshingFetch(tokens().cell, { origins: server.origin, fetch: beneath })
    await fetch(new Request(server.origin, made), init)
    expect(seen).toEqual([expected, expected, expected])
    expect([fetch.name, fetch.length]).toEqual([globalThis.fetch.name, globalThis.fetch.length])
  })

  test('[F1, P12] given a caller that changes its objects after the call, when both attempts are made, then neither changes', async () => {
    const source = responder<string>()
    const cell = new Refreshable({ initial: 't0', refresh: source.refresh })
    const fetch = refreshingFetch(cell, { origins: server.origin })
    const url = new URL('/a', server.origin)
    const headers = new Headers({ 'x-a': '1' })
    const body = new TextEncoder().encode('first')
    const init = { method: 'POST', headers, body }
    const answer = fetch(url, init)
    url.pathname = '/b'
    headers.set('x-a', '2')
    body.set(new TextEncoder().encode('later'))
    init.method = 'PUT'
    await expect.poll(() => source.calls.length).toBe(1)
    source.call(0).resolve('t1')
    expect((await answer).status).toBe(200)
    for (const request of server.requests) {
      expect(request).toMatchObject({ method: 'POST', path: '/a', headers: { 'x-a': '1' } })
      expect(String(request.body)).toBe('first')
    }
    expect(server.requests.length).toBe(2)
  })
})

test('[F1, P12] given a body in init that changes after the call, when it is sent, with a Request or not, then it is as it was', async () => {
  const fetch = refreshingFetch(tokens().cell, { origins: server.origin })
  const body = new TextEncoder().encode('first')
  const answer = fetch(new Request(server.origin, { method: 'POST', body: 'own' }), {
    method: 'POST',
    body,
  })
  body.set(new TextEncoder().encode('later'))
  expect((await answer).status).toBe(200)
  expect(server.requests.map((request) => String(request.body))).toEqual(['first', 'first'])
})

/** A form whose parts are in a file and in a field. */
function form(): FormData {
  const data = new FormData()
  data.append('purpose', 'batch')
  data.append('file', new File(['{"a":1}\n'], 'a.jsonl', { type: 'application/jsonl' }))
  return data
}

const bytes = new Uint8Array([0, 255, 13, 10, 0])

describe('[F2] bodies', () => {
  test.each<[string, () => BodyInit, string]>([
    ['a string', () => '{"héllo":1}', 'text/plain;charset=UTF-8'],
    ['bytes', () => bytes, ''],
    ['a part of a buffer', () => bytes.subarray(1, 4), ''],
    ['an ArrayBuffer', () => bytes.slice().buffer, ''],
    ['URLSearchParams', () => new URLSearchParams({ a: 'b c' }), 'application/x-www-form-urlencoded'],
    ['a Blob', () => new Blob(['abc'], { type: 'audio/wav' }), 'audio/wav'],
    ['FormData', form, 'multipart/form-data'],
  ])(
    '[F2] given %s as a body, in init or in a Request, when it is rejected, then the same is sent again',
    async (_, make, type) => {
      const { cell, refreshes } = tokens()
      const fetch = refreshingFetch(cell, { origins: server.origin })
      expect((await fetch(server.origin, { method: 'POST', body: make() })).status).toBe(200)
      const again = refreshingFetch(tokens().cell, { origins: server.origin })
      expect((await again(new Request(server.origin, { method: 'POST', body: make() }))).status).toBe(200)
      expect(refreshes()).toBe(1)
      // A form has another boundary each time it is sent.
      const bodies = server.requests.map(({ headers, body }) => {
        const [, boundary = ' '] = /boundary=(.+)/.exec(headers['content-type'] ?? '') ?? []
        return body.toString('latin1').replaceAll(boundary, '')
      })
      expect(bodies.length).toBe(4)
      expect(new Set(bodies).size).toBe(1)
      for (const { headers, body } of server.requests) {
        expect(headers['content-type'] ?? '').toContain(type)
        expect(headers['content-length']).toBe(String(body.length))
      }
    },
  )

  test('[F2] given a call without a body, when it is sent again, then it has none', async () => {
    await refreshingFetch(tokens().cell, { origins: server.origin })(new Request(server.origin))
    expect(server.requests.map(({ method, body }) => [method, body.length])).toEqual([
      ['GET', 0],
      ['GET', 0],
    ])
  })

  const five = 'äöü'.slice(0, 2) + 'x' // 5 bytes
  test.each<[string, (text: string) => BodyInit]>([
    ['a string', (text) => text],
    ['bytes', (text) => new TextEncoder().encode(text)],
    ['an ArrayBuffer', (text) => new TextEncoder().encode(text).buffer],
    ['a Blob', (text) => new Blob([text])],
    [
      'FormData',
      (text) => {
        const data = new FormData()
        data.append('', new Blob([text]))
        return data
      },
    ],
  ])('[F2] given %s as a body, when it is measured, then the limit counts bytes', async (_, make) => {
    const attempt = async (replayLimit: number, asRequest: boolean): Promise<number> => {
      const fetch = refreshingFetch(tokens().cell, { origins: server.origin, replayLimit })
      const init = { method: 'POST', body: make(five) }
      const response = asRequest
        ? await fetch(new Request(server.origin, init))
        : await fetch(server.origin, init)
      return response.status
    }
    expect(await attempt(4, false)).toBe(401)
    expect(await attempt(5, false)).toBe(200)
    expect(await attempt(4, true)).toBe(401)
    expect(await attempt(1000, true)).toBe(200)
  })

  test('[F2] given a Request whose body is still arriving when its 401 comes, when it is made again, then the rest follows what was recorded', async () => {
    // It turns requests away before it has read them.
    let sent = ''
    const hasty = createServer((request, response) => {
      if (request.headers.authorization === 'Bearer t0') response.writeHead(401).end()
      else {
        request.on('data', (piece: Buffer) => (sent += piece.toString()))
        request.on('end', () => response.end('done'))
      }
    })
    await new Promise<void>((resolve) => hasty.listen(0, '127.0.0.1', resolve))
    const address = hasty.address()
    const origin = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
    const { cell, refreshes, heard, onEvent } = tokens()
    const fetch = refreshingFetch(cell, {
      origins: origin,
      onEvent: (event) => {
        onEvent(event)
        // The body goes on only once the second attempt is under way.
        if (event.type === 'retried') goOn('second')
      },
    })
    let goOn: (text: string) => void = () => undefined
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(Buffer.from('first,'))
        goOn = (text) => {
          controller.enqueue(Buffer.from(text))
          controller.close()
        }
      },
    })
    const response = await fetch(new Request(origin, { method: 'POST', body, duplex: 'half' } as RequestInit))
    expect([response.status, await response.text()]).toEqual([200, 'done'])
    expect(sent).toBe('first,second')
    expect(refreshes()).toBe(1)
    expect(heard).toMatchObject([{ type: 'retried' }])
    hasty.closeAllConnections()
    await new Promise((resolve) => hasty.close(resolve))
  })

  test('[F2] given a refresh that fails, when a call has a replayable body, then the caller gets the 401', async () => {
    const { cell } = broken('t0')
    const response = await refreshingFetch(cell, { origins: server.origin })(server.origin, {
      method: 'POST',
      body: 'x',
    })
    expect(response.status).toBe(401)
    expect(server.requests.length).toBe(1)
  })
})
