import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Refreshable } from '../../../src/index.ts'
import { refreshingInterceptor } from '../../../src/surfaces/undici/index.ts'
import { settled } from '../../support/settled.ts'
import { Listener, scripted } from './scripted.ts'

const ORIGIN = 'https://api.example.com'

beforeEach(() => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => vi.useRealTimers())

/** A request whose first answer begins, and stalls. */
async function stalled(
  status: number,
  part = '{"error":',
  headers: Record<string, string> = {},
): Promise<ReturnType<typeof scripted> & { listener: Listener }> {
  const script = scripted()
  const listener = new Listener({})
  const cell = new Refreshable({ initial: 't0', refresh: async () => 't1' })
  refreshingInterceptor(cell, { origins: ORIGIN, inspectStreams: true })(script.dispatch)(
    { origin: ORIGIN, path: '/', method: 'GET' },
    listener,
  )
  await settled()
  script.inner(0).start().head(status, headers).data(part)
  await settled()
  return { ...script, listener }
}

test('[F3] given a 401 whose body stalls, when it is read, then that takes five seconds at most', async () => {
  const { inner, sent, listener } = await stalled(401)
  await vi.advanceTimersByTimeAsync(4_999)
  expect(sent).toHaveLength(1)
  await vi.advanceTimersByTimeAsync(1)
  await settled()
  expect(sent).toHaveLength(2)
  inner(1).start().head(200).data('ok').end()
  expect(listener.heard).toEqual(['start', '200 S200', 'ok', 'end {}'])
  expect(vi.getTimerCount()).toBe(0)
})

test('[F5] given a rejection in an event stream that then stalls, when it is read, then that takes five seconds at most', async () => {
  const said = 'event: error\ndata: 401 Unauthorized\n\n'
  const { inner, sent, listener } = await stalled(200, said, { 'content-type': 'text/event-stream' })
  await vi.advanceTimersByTimeAsync(4_999)
  expect([sent.length, inner(0).controller.aborted]).toEqual([1, false])
  await vi.advanceTimersByTimeAsync(1)
  await settled()
  expect([sent.length, inner(0).controller.aborted]).toEqual([2, true])
  inner(1).start().head(200).data('ok').end()
  expect(listener.heard).toEqual(['start', '200 S200', 'ok', 'end {}'])
  expect(vi.getTimerCount()).toBe(0)
})

test('[F3] given a possible rejection that is none, when more of it comes late, then the caller gets that, too', async () => {
  const { inner, listener } = await stalled(403)
  await vi.advanceTimersByTimeAsync(5_000)
  expect(listener.heard).toEqual(['start', '403 S403', '{"error":'])
  inner(0).data('"no"}').end()
  expect(listener.heard).toEqual(['start', '403 S403', '{"error":', '"no"}', 'end {}'])
})

test('[F3] given a response in time, or a caller that leaves, when the judgement is over, then no timer is left', async () => {
  const prompt = await stalled(403)
  prompt.inner(0).data('"no"}').end()
  const left = await stalled(403)
  left.listener.controller?.abort(new Error('The user left.'))
  await settled()
  expect(vi.getTimerCount()).toBe(0)
})
