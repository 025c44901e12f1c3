import { describe, expect, test, vi } from 'vitest'
import { type AiSdkLanguageModel, refreshingModel } from '../../../src/surfaces/ai-sdk.ts'
import { settled } from '../../support/settled.ts'
import {
  CALL,
  END,
  expiring,
  type Ending,
  type Part,
  PartStream,
  REJECTION,
  Remote,
  START,
  text,
} from './refreshing-remote.ts'

const REASON = new Error('I am leaving')

/** A wrapped model that answers with this stream, whoever asks. */
function over(parts: readonly Part[], ending?: Ending): { model: AiSdkLanguageModel; inner: PartStream } {
  const inner = new PartStream(parts, ending)
  const remote = new Remote(() => inner)
  return { inner, model: refreshingModel(remote.model('good'), async () => remote.model('fresh')) }
}

describe('leaving a stream', () => {
  test('[P8] before its first part reaches the inner stream with the same reason', async () => {
    const { model, inner } = over([START, text('a'), text('b')], 'hangs')
    const { stream } = await model.doStream(CALL)
    await stream.cancel(REASON)
    expect(inner.cancels).toEqual([REASON])
    expect(inner.cancels[0]).toBe(REASON)
    expect(await stream.getReader().read()).toEqual({ done: true, value: undefined })
    expect(inner.pulls).toBe(2)
  })

  test('[P8] amid what was held drops the rest', async () => {
    const { model, inner } = over([START, { type: 'ping' }, text('a')], 'hangs')
    const { stream } = await model.doStream(CALL)
    const reader = stream.getReader()
    expect(await reader.read()).toEqual({ done: false, value: START })
    await reader.cancel(REASON)
    expect(inner.cancels).toEqual([REASON])
    expect(await reader.read()).toEqual({ done: true, value: undefined })
  })

  test('[P8] while a part is awaited ends that wait', async () => {
    const { model, inner } = over([text('a')], 'hangs')
    const reader = (await model.doStream(CALL)).stream.getReader()
    await reader.read()
    const waiting = reader.read()
    await settled()
    await reader.cancel(REASON)
    expect(await waiting).toEqual({ done: true, value: undefined })
    expect(inner.cancels).toEqual([REASON])
  })

  test('[P8] by breaking out of a loop, or by throwing in it, closes it', async () => {
    const { model, inner } = over([text('a'), text('b')], 'hangs')
    for await (const part of (await model.doStream(CALL)).stream) {
      expect(part).toEqual(text('a'))
      break
    }
    expect(inner.cancels).toHaveLength(1)
  })

  test('[P8] a cancel that the inner stream refuses fails with its error', async () => {
    const stubborn = new ReadableStream({
      start: (controller) => controller.enqueue(text('a')),
      cancel: () => Promise.reject(REASON),
    })
    const remote = new Remote(() => Object.assign(new PartStream([]), { stream: stubborn }))
    const model = refreshingModel(remote.model('good'), async () => remote.model('fresh'))
    const { stream } = await model.doStream(CALL)
    await expect(stream.cancel('enough')).rejects.toBe(REASON)
  })

  test('[P8] after its end, or after it broke, does no harm', async () => {
    const ended = await over([text('a')]).model.doStream(CALL)
    const reader = ended.stream.getReader()
    await reader.read()
    await reader.read()
    await reader.cancel(REASON)

    const { model, inner } = over([START], { breaks: new Error('other side closed') })
    for await (const part of (await model.doStream(CALL)).stream) {
      expect(part).toBe(START)
      break
    }
    expect(inner.cancels).toEqual([])
  })

  test('[P8] whose beginning was a rejection that could not be mended does no harm', async () => {
    const inner = new PartStream([START, REJECTION])
    const model = refreshingModel(new Remote(() => inner).model('stale'), () =>
      Promise.reject(new Error('no')),
    )
    const { stream } = await model.doStream(CALL)
    await stream.cancel(REASON)
    expect(inner.cancels).toEqual([])
  })
})

describe('nothing is read ahead', () => {
  test('[P13] but the one part that decides; then one part for each that is taken', async () => {
    const { model, inner } = over([START, { type: 'ping' }, text('a'), text('b'), text('c'), END])
    const { stream } = await model.doStream(CALL)
    expect(inner.pulls).toBe(3)
    const reader = stream.getReader()
    const pulls: number[] = []
    for (;;) {
      const { done } = await reader.read()
      await settled()
      pulls.push(inner.pulls)
      if (done) break
    }
    // Three were held; the last is the end.
    expect(pulls).toEqual([3, 3, 3, 4, 5, 6, 7])
  })

  test('reads that do not wait for one another get one part each, in order', async () => {
    const { model, inner } = over([START, text('a'), text('b'), END])
    const reader = (await model.doStream(CALL)).stream.getReader()
    const reads = await Promise.all(Array.from({ length: 5 }, () => reader.read()))
    expect(reads.map(({ value }) => value)).toEqual([START, text('a'), text('b'), END, undefined])
    expect(inner.pulls).toBe(5)
  })

  test.each<[Ending, number]>([
    ['ends', 0],
    ['hangs', 1],
  ])('[P13, M3] a rejected stream that %s is over before the refresh begins', async (ending, cancels) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const inner = new PartStream([START, REJECTION], ending)
    const remote = expiring(
      () => inner,
      () => new PartStream([END]),
    )
    const cancelled: number[] = []
    const model = refreshingModel(remote.model('stale'), async () => {
      cancelled.push(inner.cancels.length)
      return remote.model('fresh')
    })
    const answer = model.doStream(CALL)
    await settled()
    expect(vi.getTimerCount()).toBe(cancels)
    await vi.advanceTimersByTimeAsync(4_999)
    expect(cancelled.length).toBe(1 - cancels)
    await vi.advanceTimersByTimeAsync(1)
    await answer
    expect([cancelled, inner.pulls, vi.getTimerCount()]).toEqual([[cancels], 3, 0])
    vi.useRealTimers()
  })
})

test('[C4] an abort ends the wait for the first content with its reason, and closes the stream', async () => {
  for (const parts of [[], [START, { type: 'ping' }]]) {
    const { model, inner } = over(parts, 'hangs')
    const leaving = new AbortController()
    const answer = model.doStream({ ...CALL, abortSignal: leaving.signal })
    answer.then(undefined, () => undefined)
    await settled()
    expect(inner.pulls).toBe(parts.length + 1)
    leaving.abort(REASON)
    await expect(answer).rejects.toBe(REASON)
    await settled()
    expect(inner.cancels).toEqual([REASON])
  }
})

test('[C4] so does one within a second attempt', async () => {
  const inner = new PartStream([START], 'hangs')
  const remote = expiring(
    () => new PartStream([REJECTION]),
    () => inner,
  )
  const model = refreshingModel(remote.model('stale'), async () => remote.model('fresh'))
  const leaving = new AbortController()
  const answer = model.doStream({ ...CALL, abortSignal: leaving.signal })
  answer.then(undefined, () => undefined)
  await settled()
  leaving.abort(REASON)
  await expect(answer).rejects.toBe(REASON)
  expect(inner.cancels).toEqual([REASON])
})

test('after the call is answered, its abort is no business of ours: the model heeds it', async () => {
  const { model, inner } = over([text('a'), text('b')])
  const leaving = new AbortController()
  const { stream } = await model.doStream({ ...CALL, abortSignal: leaving.signal })
  leaving.abort(REASON)
  const reader = stream.getReader()
  expect(await reader.read()).toEqual({ done: false, value: text('a') })
  expect(await reader.read()).toEqual({ done: false, value: text('b') })
  expect(inner.cancels).toEqual([])
})
