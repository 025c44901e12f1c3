import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { refreshingFetch } from '../../../src/index.ts'
import { settled } from '../../support/settled.ts'
import { broken, tokens } from './cells.ts'

const ORIGIN = 'https://api.example.com'

beforeEach(() => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => vi.useRealTimers())

/** Answers of which a part comes, and the rest when the test wants it to. */
function stalling(
  status: number,
  part = '{"error":',
  headers: Record<string, string> = {},
): {
  fetch: typeof fetch
  sent: (string | null)[]
  finish: (rest: string) => void
  cancelled: () => boolean
} {
  const sent: (string | null)[] = []
  let finish: (rest: string) => void = () => undefined
  let cancelled = false
  return {
    sent,
    finish: (rest) => finish(rest),
    cancelled: () => cancelled,
    fetch: async (_, init) => {
      sent.push(new Headers(init?.headers).get('authorization'))
      if (sent.length > 1) return new Response('ok')
      const body = new ReadableStream({
        start(controller) {
          controller.enqueue(Buffer.from(part))
          finish = (rest) => {
            controller.enqueue(Buffer.from(rest))
            controller.close()
          }
        },
        cancel() {
          cancelled = true
        },
      })
      return new Response(body, { status, headers })
    },
  }
}

test('[F3] given a 401 whose body stalls, when it is read, then that takes five seconds at most', async () => {
  const { fetch, sent, cancelled } = stalling(401)
  const called = refreshingFetch(tokens().cell, { origins: ORIGIN, fetch })(ORIGIN)
  await settled()
  await vi.advanceTimersByTimeAsync(4_999)
  expect(sent).toEqual(['Bearer t0'])
  await vi.advanceTimersByTimeAsync(1)
  expect(await (await called).text()).toBe('ok')
  expect([sent, cancelled()]).toEqual([['Bearer t0', 'Bearer t1'], true])
  expect(vi.getTimerCount()).toBe(0)
})

test('[F3] given a refresh that fails, when a 401 has stalled, then the caller gets the part that arrived', async () => {
  const { fetch } = stalling(401)
  const called = refreshingFetch(broken('t0').cell, { origins: ORIGIN, fetch })(ORIGIN)
  await settled()
  await vi.advanceTimersByTimeAsync(5_000)
  expect(await (await called).text()).toBe('{"error":')
})

test('[F3] given a possible rejection that is none, when more of it comes late, then the caller gets that, too', async () => {
  const { fetch, finish } = stalling(403)
  const called = refreshingFetch(tokens().cell, { origins: ORIGIN, fetch })(ORIGIN)
  await settled()
  await vi.advanceTimersByTimeAsync(5_000)
  const text = (await called).text()
  finish('"no"}')
  expect(await text).toBe('{"error":"no"}')
})

test('[F3] given a response that arrives in time, when it is judged, then no timer is left', async () => {
  const { fetch, finish } = stalling(403)
  const called = refreshingFetch(tokens().cell, { origins: ORIGIN, fetch })(ORIGIN)
  await settled()
  finish('"no"}')
  expect(await (await called).text()).toBe('{"error":"no"}')
  expect(vi.getTimerCount()).toBe(0)
})

test('[F5] given a rejection in an event stream that then stalls, when it is read, then that takes five seconds at most', async () => {
  const said = 'event: error\ndata: 401 Unauthorized\n\n'
  for (const { cell } of [tokens(), broken('t0')]) {
    const { fetch, sent, cancelled } = stalling(200, said, { 'content-type': 'text/event-stream' })
    const called = refreshingFetch(cell, { origins: ORIGIN, fetch, inspectStreams: true })(ORIGIN)
    await settled()
    await vi.advanceTimersByTimeAsync(4_999)
    expect(cancelled()).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    expect(await (await called).text()).toBe(sent.length === 2 ? 'ok' : said)
    expect([cancelled(), vi.getTimerCount()]).toEqual([true, 0])
  }
})

test('[F5, F3] given a body that has reached the limit of bytes, when it is judged, then nothing more is awaited', async () => {
  const said = `event: error\ndata: 401 Unauthorized\n\n: ${'z'.repeat(65_536)}`
  const { fetch, cancelled } = stalling(200, said, { 'content-type': 'text/event-stream' })
  const call = refreshingFetch(tokens().cell, { origins: ORIGIN, fetch, inspectStreams: true })
  expect(await (await call(ORIGIN)).text()).toBe('ok')
  expect([cancelled(), vi.getTimerCount()]).toEqual([true, 0])
})

test.each([
  [401, '{"error":', undefined],
  [403, '{"error":', undefined],
  [200, ': nothing yet', 'text/event-stream'],
])(
  '[C4, F3, F5] given a body that is being read (%d), when the caller leaves, then it gets its reason at once, and nothing stays open',
  async (status, part, type) => {
    const { fetch, sent, cancelled } = stalling(
      status,
      part,
      type === undefined ? {} : { 'content-type': type },
    )
    const { cell, refreshes } = tokens()
    const leaving = new AbortController()
    const call = refreshingFetch(cell, { origins: ORIGIN, fetch, inspectStreams: true })
    const answer = call(ORIGIN, { signal: leaving.signal })
    answer.catch(() => undefined)
    await settled()
    const reason = new Error('The user left.')
    leaving.abort(reason)
    await expect(answer).rejects.toBe(reason)
    await settled()
    expect([sent.length, cancelled(), refreshes(), vi.getTimerCount()]).toEqual([1, true, 0, 0])
  },
)
