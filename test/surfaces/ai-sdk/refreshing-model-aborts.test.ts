import { expect, test } from 'vitest'
import { Refreshable } from '../../../src/index.ts'
import { type AiSdkLanguageModel, refreshingModel } from '../../../src/surfaces/ai-sdk/index.ts'
import { responder } from '../../support/responder.ts'
import { settled } from '../../support/settled.ts'
import {
  apiError,
  CALL,
  expiring,
  PartStream,
  REJECTION,
  Remote,
  START,
  streamed,
} from './refreshing-remote.ts'

const ANSWER = { content: [], finishReason: 'stop', usage: {} }
const expired = (): never => {
  throw apiError(401)
}

test('[C4] given a call that waits for a refresh, when it aborts, then its wait ends with the reason, and the refresh goes on', async () => {
  const remote = expiring(expired, () => ANSWER)
  const source = responder<AiSdkLanguageModel>()
  const model = refreshingModel(remote.model('stale'), source.refresh)
  const leaving = new AbortController()
  const answer = model.doGenerate({ ...CALL, abortSignal: leaving.signal })
  await settled()
  const reason = new Error('I am leaving')
  leaving.abort(reason)
  await expect(answer).rejects.toBe(reason)
  source.call(0).resolve(remote.model('fresh'))
  await settled()
  expect(await model.doGenerate(CALL)).toBe(ANSWER)
  expect(remote.tokens).toEqual(['stale', 'fresh'])
})

test('[C4, P12] given no model yet, when a call aborts, then its wait ends; when it aborted before, then no call is made', async () => {
  const remote = new Remote(() => ANSWER)
  const source = responder<AiSdkLanguageModel>()
  const cell = new Refreshable({ initial: remote.model('old'), refresh: source.refresh })
  const model = await refreshingModel(cell)
  void cell.refresh({ generation: 1 }).catch(() => undefined)
  await settled()
  const leaving = new AbortController()
  const reason = new Error('I am leaving')
  const answer = model.doGenerate({ ...CALL, abortSignal: leaving.signal })
  leaving.abort(reason)
  await expect(answer).rejects.toBe(reason)
  await expect(model.doGenerate({ ...CALL, abortSignal: leaving.signal })).rejects.toBe(reason)
  expect(remote.calls).toHaveLength(0)
})

test('[P12] given a caller that has aborted, when its call is rejected, then nothing is refreshed, whatever the reason says', async () => {
  const leaving = new AbortController()
  const reason = new Error('401 Unauthorized: the user left')
  const remote = new Remote(() => {
    leaving.abort(reason)
    throw reason
  })
  const source = responder<AiSdkLanguageModel>()
  const model = refreshingModel(remote.model('stale'), source.refresh)
  await expect(model.doGenerate({ ...CALL, abortSignal: leaving.signal })).rejects.toBe(reason)
  expect(source.calls).toHaveLength(0)
})

test('[C4] given a stream whose refresh is running, when the caller aborts, then it rejects with the reason, and is closed', async () => {
  const inner = new PartStream([START, REJECTION])
  const remote = new Remote(() => inner)
  const source = responder<AiSdkLanguageModel>()
  const model = refreshingModel(remote.model('stale'), source.refresh)
  const leaving = new AbortController()
  const answer = streamed(model, leaving.signal)
  await settled()
  expect(source.calls).toHaveLength(1)
  const reason = new Error('I am leaving')
  leaving.abort(reason)
  const { parts, broke } = await answer
  expect(parts).toEqual([START])
  expect(broke).toBe(reason)
  expect(inner.pulls).toBe(3)
  source.call(0).resolve(remote.model('fresh'))
  await settled()
  expect(remote.calls).toHaveLength(1)
})

test('[C4] given a rejected stream that has not ended, when the caller aborts, then it is closed at once, and nothing is refreshed', async () => {
  const inner = new PartStream([START, REJECTION], 'hangs')
  const source = responder<AiSdkLanguageModel>()
  const model = refreshingModel(new Remote(() => inner).model('stale'), source.refresh)
  const leaving = new AbortController()
  const answer = streamed(model, leaving.signal)
  await settled()
  const reason = new Error('I am leaving')
  leaving.abort(reason)
  expect((await answer).broke).toBe(reason)
  await settled()
  expect([inner.cancels, source.calls]).toEqual([[reason], []])
})

test('given a signal, when the call has ended, then no listener of ours stays on the signal', async () => {
  const remote = expiring(
    () => new PartStream([REJECTION]),
    () => new PartStream([START, { type: 'text-delta' }]),
  )
  const model = refreshingModel(remote.model('stale'), async () => remote.model('fresh'))
  const { signal } = new AbortController()
  let listeners = 0
  let added = 0
  const add = signal.addEventListener.bind(signal)
  const remove = signal.removeEventListener.bind(signal)
  signal.addEventListener = (...given: Parameters<typeof add>) => {
    listeners++
    added++
    add(...given)
  }
  signal.removeEventListener = (...given: Parameters<typeof remove>) => {
    listeners--
    remove(...given)
  }
  expect((await streamed(model, signal)).parts).toHaveLength(2)
  await settled()
  expect(added).toBeGreaterThan(0)
  expect(listeners).toBe(0)
})
