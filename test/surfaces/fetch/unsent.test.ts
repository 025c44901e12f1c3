import { Readable } from 'node:stream'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Refreshable, refreshingFetch } from '../../../src/index.ts'
import { type RecordingServer, startRecordingServer } from '../../support/recording-server.ts'
import { responder } from '../../support/responder.ts'
import { settled } from '../../support/settled.ts'
import { broken, tokens } from './cells.ts'

let server: RecordingServer
beforeEach(async () => {
  server = await startRecordingServer((_, response) => response.end('ok'))
})
afterEach(() => server.close())

/** A body that never ends, and why it was let go of, each time. */
function endless(): { body: ReadableStream<Uint8Array>; cancels: unknown[] } {
  const cancels: unknown[] = []
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(new Uint8Array(10)),
    cancel: (reason) => {
      cancels.push(reason)
    },
  })
  return { body, cancels }
}

const streaming = (body: unknown): RequestInit => ({ method: 'POST', body, duplex: 'half' }) as RequestInit

test('[F2, F6] given no credential, when a call has a stream as its body, then the stream is cancelled', async () => {
  const fetch = refreshingFetch(broken().cell, { origins: server.origin })
  const bare = endless()
  expect((await fetch(server.origin, streaming(bare.body))).status).toBe(401)
  expect(bare.cancels).toEqual([expect.objectContaining({ code: 'refresh_failed' })])
  const wrapped = endless()
  const request = new Request(server.origin, streaming(wrapped.body))
  expect((await fetch(request)).status).toBe(401)
  await expect.poll(() => wrapped.cancels.length).toBe(1)
  expect(request.bodyUsed).toBe(true)
  expect(server.requests).toEqual([])
})

test.each([
  ['before the call', true],
  ['while it waits for a credential', false],
])(
  "[F2, C4] given a caller that leaves %s, when its call has a stream as its body, then the stream is cancelled with the caller's reason",
  async (_, isEarly) => {
    const source = responder<string>()
    const fetch = refreshingFetch(new Refreshable({ refresh: source.refresh }), { origins: server.origin })
    const leaving = new AbortController()
    const reason = new Error('The user left.')
    if (isEarly) leaving.abort(reason)
    const bare = endless()
    const wrapped = endless()
    const request = new Request(server.origin, streaming(wrapped.body))
    const calls = [
      fetch(server.origin, { ...streaming(bare.body), signal: leaving.signal }),
      fetch(request, { signal: leaving.signal }),
    ]
    const ends = Promise.allSettled(calls)
    leaving.abort(reason)
    for (const call of await ends) expect(call).toEqual({ status: 'rejected', reason })
    expect(bare.cancels).toEqual([reason])
    await expect.poll(() => wrapped.cancels.length).toBe(1)
    expect(server.requests).toEqual([])
  },
)

test('[F2, F6] given Node streams and generators, when their call is not sent, then they are discarded, too', async () => {
  const fetch = refreshingFetch(broken().cell, { origins: server.origin })
  const stream = new Readable({ read: () => undefined })
  await fetch(server.origin, streaming(stream))
  expect(stream.destroyed).toBe(true)
  let left = 0
  const iterator = {
    next: () => new Promise(() => undefined),
    return: async () => ({ done: true, value: left++ }),
    [Symbol.asyncIterator]: () => iterator,
  }
  await fetch(server.origin, streaming(iterator))
  expect(left).toBe(1)
})

test('[F2, F6] given a body that can be sent again, when its call is not sent, then it stays as it is', async () => {
  const fetch = refreshingFetch(broken().cell, { origins: server.origin })
  const form = new FormData()
  form.append('a', 'b')
  for (const body of ['text', new Uint8Array(3), new Blob(['abc']), new URLSearchParams({ a: 'b' }), form]) {
    expect((await fetch(server.origin, { method: 'POST', body })).status).toBe(401)
  }
  expect([...form]).toEqual([['a', 'b']])
})

test('[F2] given a Request that is still being sent, when its response arrives, then only the sender reads its body', async () => {
  let cancels = 0
  const body = new ReadableStream<Uint8Array>({
    pull: () => new Promise(() => undefined),
    cancel: () => void cancels++,
  })
  const request = new Request(server.origin, streaming(body))
  const fetch: typeof globalThis.fetch = async () => new Response('early')
  const refreshing = refreshingFetch(tokens().cell, { origins: server.origin, fetch })
  expect(await (await refreshing(request)).text()).toBe('early')
  await settled()
  expect(cancels).toBe(0)
  void request.body?.cancel()
  await settled()
  expect(cancels).toBe(1)
})
