import { describe, expect, test, vi } from 'vitest'
import { type AiSdkLanguageModel, refreshingModel } from '../../../src/surfaces/ai-sdk/index.ts'
import { responder } from '../../support/responder.ts'
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
  streamed,
  text,
} from './refreshing-remote.ts'

const REASON = new Error('I am leaving')

/** A wrapped model that answers with this stream, whoever asks. */
function over(parts: readonly Part[], ending?: Ending): { model: AiSdkLanguageModel; inner: PartStream } {
  const inner = new PartStream(parts, ending)
  const remote = new Remote(() => inner)
  return { inner, model: refreshingModel(remote.model('good'), async () => remote.model('fresh')) }
}

describe('given a consumer that leaves a stream,', () => {
  test('[P8] when it leaves before the first part, then the inner stream gets the same reason', async () => {
    const { model, inner } = over([START, text('a'), text('b')], 'hangs')
    const { stream } = await model.doStream(CALL)
    await stream.cancel(REASON)
    expect(inner.cancels).toEqual([REASON])
    expect(inner.cancels[0]).toBe(REASON)
    expect(await stream.getReader().read()).toEqual({ done: true, value: undefined })
    expect(inner.pulls).toBe(0)
  })

  test('[P8] when it leaves between the parts before the content, then the inner stream gets the same reason', async () => {
    const { model, inner } = over([START, { type: 'ping' }, text('a')], 'hangs')
    const { stream } = await model.doStream(CALL)
    const reader = stream.getReader()
    expect(await reader.read()).toEqual({ done: false, value: START })
    await reader.cancel(REASON)
    expect(inner.cancels).toEqual([REASON])
    expect(await reader.read()).toEqual({ done: true, value: undefined })
  })

  test('[P8] when it leaves while it waits for a part, then that wait ends', async () => {
    const { model, inner } = over([text('a')], 'hangs')
    const reader = (await model.doStream(CALL)).stream.getReader()
    await reader.read()
    const waiting = reader.read()
    await settled()
    await reader.cancel(REASON)
    expect(await waiting).toEqual({ done: true, value: undefined })
    expect(inner.cancels).toEqual([REASON])
  })

  test('[P8] when it breaks out of a loop, then the inner stream is closed', async () => {
    const { model, inner } = over([text('a'), text('b')], 'hangs')
    for await (const part of (await model.doStream(CALL)).stream) {
      expect(part).toEqual(text('a'))
      break
    }
    expect(inner.cancels).toHaveLength(1)
  })

  test('[P8] when the inner stream fails to cancel, then the consumer gets that error', async () => {
    const stubborn = new ReadableStream({
      start: (controller) => controller.enqueue(text('a')),
      cancel: () => Promise.reject(REASON),
    })
    const remote = new Remote(() => Object.assign(new PartStream([]), { stream: stubborn }))
    const model = refreshingModel(remote.model('good'), async () => remote.model('fresh'))
    const { stream } = await model.doStream(CALL)
    await expect(stream.cancel('enough')).rejects.toBe(REASON)
  })

  test('[P8] when it leaves after the end, or before a break, then nothing breaks', async () => {
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
    // It has not broken yet: nothing was read ahead.
    expect(inner.cancels).toEqual([undefined])
  })

  test('[P8] when it leaves after a rejection that no refresh mended, then nothing is cancelled', async () => {
    const inner = new PartStream([START, REJECTION])
    const model = refreshingModel(new Remote(() => inner).model('stale'), () =>
      Promise.reject(new Error('no')),
    )
    const reader = (await model.doStream(CALL)).stream.getReader()
    expect([await reader.read(), await reader.read()]).toMatchObject([{ value: START }, { value: REJECTION }])
    await reader.cancel(REASON)
    expect(inner.cancels).toEqual([])
  })

  test('[P8] when it leaves during the refresh, then its wait ends, and nothing is opened', async () => {
    const remote = expiring(
      () => new PartStream([START, REJECTION]),
      () => new PartStream([END]),
    )
    const source = responder<AiSdkLanguageModel>()
    const model = refreshingModel(remote.model('stale'), source.refresh)
    const reader = (await model.doStream(CALL)).stream.getReader()
    await reader.read()
    const waiting = reader.read()
    await settled()
    expect(source.calls).toHaveLength(1)
    await reader.cancel(REASON)
    expect(await waiting).toEqual({ done: true, value: undefined })
    source.call(0).resolve(remote.model('fresh'))
    await settled()
    expect(remote.tokens).toEqual(['stale'])
  })

  test('[P8] when it leaves while the second attempt opens, then the stream that opens is closed', async () => {
    const second = new PartStream([END])
    let open: ((stream: PartStream) => void) | undefined
    const remote = expiring(
      () => new PartStream([REJECTION]),
      () => new Promise((resolve) => (open = resolve)),
    )
    const model = refreshingModel(remote.model('stale'), async () => remote.model('fresh'))
    const reader = (await model.doStream(CALL)).stream.getReader()
    const waiting = reader.read()
    await settled()
    expect(remote.tokens).toEqual(['stale', 'fresh'])
    await reader.cancel(REASON)
    expect(await waiting).toEqual({ done: true, value: undefined })
    open?.(second)
    await settled()
    expect([second.cancels.length, second.pulls]).toEqual([1, 0])
  })
})

describe('given a stream, when its consumer reads it, then nothing is read ahead:', () => {
  test('[P13] each read of the consumer takes one part from the model', async () => {
    const { model, inner } = over([START, { type: 'ping' }, text('a'), text('b'), text('c'), END])
    const { stream } = await model.doStream(CALL)
    expect(inner.pulls).toBe(0)
    const reader = stream.getReader()
    const pulls: number[] = []
    for (;;) {
      const { done } = await reader.read()
      await settled()
      pulls.push(inner.pulls)
      if (done) break
    }
    // The last is the end.
    expect(pulls).toEqual([1, 2, 3, 4, 5, 6, 7])
  })

  test('reads that overlap get one part each, in order', async () => {
    const { model, inner } = over([START, text('a'), text('b'), END])
    const reader = (await model.doStream(CALL)).stream.getReader()
    const reads = await Promise.all(Array.from({ length: 5 }, () => reader.read()))
    expect(reads.map(({ value }) => value)).toEqual([START, text('a'), text('b'), END, undefined])
    expect(inner.pulls).toBe(5)
  })

  test.each<[Ending, number]>([
    ['ends', 0],
    ['hangs', 1],
  ])(
    '[P13, M3] given a rejected stream that %s, when the refresh begins, then the stream is over',
    async (ending, cancels) => {
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
      const answer = streamed(model)
      await settled()
      expect(vi.getTimerCount()).toBe(cancels)
      await vi.advanceTimersByTimeAsync(4_999)
      expect(cancelled.length).toBe(1 - cancels)
      await vi.advanceTimersByTimeAsync(1)
      await answer
      expect([cancelled, inner.pulls, vi.getTimerCount()]).toEqual([[cancels], 3, 0])
      vi.useRealTimers()
    },
  )
})

test('[C4] given a stream that says nothing yet, when the caller aborts, then it ends as the model ends it', async () => {
  for (const parts of [[], [START, { type: 'ping' }]]) {
    const leaving = new AbortController()
    const { signal } = leaving
    const remote = new Remote(() => heeding(parts, signal))
    const model = refreshingModel(remote.model('good'), async () => remote.model('fresh'))
    const answer = streamed(model, signal)
    await settled()
    leaving.abort(REASON)
    const { parts: seen, broke } = await answer
    expect(seen).toEqual(parts)
    expect(broke).toBe(REASON)
    expect(remote.tokens).toEqual(['good'])
  }
})

test('[C4] given a second attempt that says nothing yet, when the caller aborts, then it ends as the model ends it', async () => {
  const leaving = new AbortController()
  const { signal } = leaving
  const remote = expiring(
    () => new PartStream([REJECTION]),
    () => heeding([START], signal),
  )
  const model = refreshingModel(remote.model('stale'), async () => remote.model('fresh'))
  const answer = streamed(model, signal)
  await settled()
  leaving.abort(REASON)
  expect((await answer).broke).toBe(REASON)
  expect(remote.tokens).toEqual(['stale', 'fresh'])
})

/** A stream that stalls after these parts, and breaks with the reason of an abort, as a connection does. */
function heeding(parts: readonly Part[], signal: AbortSignal): PartStream {
  const stream = new ReadableStream<Part>({
    start: (controller) => {
      for (const part of parts) controller.enqueue(part)
      signal.addEventListener('abort', () => controller.error(signal.reason))
    },
  })
  return Object.assign(new PartStream([]), { stream })
}

test('given a stream that is open, when the caller aborts, then the model observes that, and the wrapper does not', async () => {
  const { model, inner } = over([text('a'), text('b')])
  const leaving = new AbortController()
  const { stream } = await model.doStream({ ...CALL, abortSignal: leaving.signal })
  leaving.abort(REASON)
  const reader = stream.getReader()
  expect(await reader.read()).toEqual({ done: false, value: text('a') })
  expect(await reader.read()).toEqual({ done: false, value: text('b') })
  expect(inner.cancels).toEqual([])
})
