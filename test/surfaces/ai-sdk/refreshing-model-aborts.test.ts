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

test('[C4] an abort ends the wait for a refresh with its reason; the refresh goes on', async () => {
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

test('[C4, P12] an abort ends the wait for a first model; one that came before causes no call at all', async () => {
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

test('[P12] a rejection after the abort is not refreshed, whatever the reason says', async () => {
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

test('[C4] a stream whose refresh is not waited for rejects with the reason, too, and is closed', async () => {
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

test('[C4] one that has yet to end after its rejection is closed at once, and nothing is refreshed', async () => {
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

test('a signal has no listener of ours once the call is answered', async () => {
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
