import { expect, test } from 'vitest'
import type { RefreshEvent } from '../../../src/index.ts'
import { type AiSdkLanguageModel, refreshingModel } from '../../../src/surfaces/ai-sdk/index.ts'
import { responder } from '../../support/responder.ts'
import { settled } from '../../support/settled.ts'
import {
  apiError,
  CALL,
  END,
  expiring,
  failing,
  type Part,
  PartStream,
  Remote,
  streamed,
} from './refreshing-remote.ts'

const ANSWER = { content: [{ type: 'text', text: 'Hello.' }], finishReason: 'stop', usage: {} }
const expired = (): never => {
  throw apiError(401)
}

test('[M1, P1] given a good credential, when a call is made, then the result passes through unchanged, after one call and no refresh', async () => {
  const remote = new Remote(() => ANSWER)
  const source = responder<AiSdkLanguageModel>()
  const model = refreshingModel(remote.model('good'), source.refresh)
  expect(await model.doGenerate(CALL)).toBe(ANSWER)
  expect(remote.calls).toEqual([{ token: 'good', method: 'doGenerate', given: [CALL] }])
  expect(source.calls).toHaveLength(0)
})

test('[M1, P2, P12] given a rejected credential, when a call is made, then one refresh follows, and the second call has the very same arguments', async () => {
  const remote = expiring(expired, () => ANSWER)
  const events: RefreshEvent[] = []
  const model = refreshingModel(remote.model('stale'), async () => remote.model('fresh'), {
    onEvent: (event) => events.push(event),
  })
  const call = Object.freeze({ ...CALL })
  expect(await Reflect.apply(model.doGenerate, model, [call, 'second'])).toBe(ANSWER)
  expect(remote.tokens).toEqual(['stale', 'fresh'])
  for (const { given } of remote.calls) {
    expect(given[0]).toBe(call)
    expect(given[1]).toBe('second')
  }
  expect(events).toMatchObject([
    { type: 'rejected', generation: 1, stale: false },
    { type: 'refresh_started', generation: 1, cause: 'rejected' },
    { type: 'refresh_succeeded', generation: 2, joined: 1 },
    { type: 'retried', generation: 2 },
  ])
  await model.doGenerate(CALL)
  expect(remote.tokens).toEqual(['stale', 'fresh', 'fresh'])
})

test('given a rejection with a challenge, when the model refreshes, then the refresh gets the challenge', async () => {
  const challenge = 'Bearer error="invalid_token"'
  const remote = expiring(
    () => Promise.reject(apiError(401, 'no', challenge)),
    () => ANSWER,
  )
  const heard: unknown[] = []
  const model = refreshingModel(remote.model('stale'), async (context) => {
    heard.push(context.challenge)
    return remote.model('fresh')
  })
  await model.doGenerate(CALL)
  expect(heard).toEqual([challenge])
})

test('[P3] given any other error, when a call throws it, then the caller gets that very error, and nothing is refreshed', async () => {
  const error = apiError(500, 'authentication service is down')
  const remote = new Remote(() => Promise.reject(error))
  const source = responder<AiSdkLanguageModel>()
  await expect(refreshingModel(remote.model('good'), source.refresh).doGenerate(CALL)).rejects.toBe(error)
  expect(remote.calls).toHaveLength(1)
  expect(source.calls).toHaveLength(0)
})

test('[P3, U5] given an error that throws when it is read, when a call throws it or a stream sends it, then it passes unchanged', async () => {
  for (const error of [revoked(), unreadable()]) {
    const source = responder<AiSdkLanguageModel>()
    const throwing = new Remote(() => Promise.reject(error))
    const call = refreshingModel(throwing.model('good'), source.refresh).doGenerate(CALL)
    // Not handed on bare: even to be looked at by a promise is too much for it.
    const [thrown] = await call.then(
      () => [],
      (reason: unknown) => [reason],
    )
    expect(thrown === error).toBe(true)

    const streaming = new Remote(() => new PartStream([failing(error), END]))
    const { parts } = await streamed(refreshingModel(streaming.model('good'), source.refresh))
    expect(parts.map((part) => (part as Part).type)).toEqual(['error', 'finish'])
    expect(source.calls).toHaveLength(0)
  }
})

test("[P4] given a refresh that fails, when a call is rejected, then the caller gets the vendor's own error, and an event tells why", async () => {
  const error = apiError(401)
  const remote = new Remote(() => Promise.reject(error))
  const events: RefreshEvent[] = []
  const cause = new Error('the token endpoint is down')
  const model = refreshingModel(remote.model('stale'), () => Promise.reject(cause), {
    onEvent: (event) => events.push(event),
  })
  await expect(model.doGenerate(CALL)).rejects.toBe(error)
  expect(remote.calls).toHaveLength(1)
  expect(events.map(({ type }) => type)).toEqual([
    'rejected',
    'refresh_started',
    'refresh_failed',
    'not_retried',
  ])
  expect(events.at(-1)).toMatchObject({ generation: 1, error: { code: 'refresh_failed', cause } })
})

test('[P7] given a second rejection, when a call is made, then the caller gets it unchanged, after two calls and one refresh', async () => {
  const errors = [apiError(401, 'first'), apiError(401, 'second')]
  const remote = new Remote(() => Promise.reject(errors[remote.calls.length - 1]))
  const source = responder<AiSdkLanguageModel>()
  const model = refreshingModel(remote.model('stale'), source.refresh)
  const answer = model.doGenerate(CALL)
  answer.then(undefined, () => undefined)
  await settled()
  source.call(0).resolve(remote.model('fresh'))
  await expect(answer).rejects.toBe(errors[1])
  expect(remote.calls).toHaveLength(2)
  expect(source.calls).toHaveLength(1)
})

test("[U4] given a rule of one's own, when a call fails as it says, then that is a rejection; a default rule can be switched off", async () => {
  const remote = expiring(
    () => Promise.reject(apiError(403, 'OAuth token has been revoked.')),
    () => ANSWER,
  )
  const build = async (): Promise<AiSdkLanguageModel> => remote.model('fresh')
  const off = refreshingModel(remote.model('stale'), build, { rules: { anthropic_revoked: false } })
  await expect(off.doGenerate(CALL)).rejects.toMatchObject({ statusCode: 403 })
  expect(await refreshingModel(remote.model('stale'), build).doGenerate(CALL)).toBe(ANSWER)

  const teapot = expiring(
    () => Promise.reject(apiError(418)),
    () => ANSWER,
  )
  const model = refreshingModel(teapot.model('stale'), async () => teapot.model('fresh'), {
    rules: { teapot: { statuses: [418], matches: () => true } },
  })
  expect(await model.doGenerate(CALL)).toBe(ANSWER)
})

test('[U4, M3] given rules, when a stream reports an error or breaks with one, then the rules judge it, too', async () => {
  const teapot = new Error('I am a teapot')
  const rules = { teapot: { statuses: [], matches: ({ text }: { text: string }) => /teapot/.test(text) } }
  for (const stream of [
    () => new PartStream([failing(teapot)]),
    () => new PartStream([], { breaks: teapot }),
  ]) {
    const remote = expiring(stream, () => new PartStream([END]))
    const build = async (): Promise<AiSdkLanguageModel> => remote.model('fresh')
    const model = refreshingModel(remote.model('stale'), build, { rules })
    expect(await streamed(model)).toEqual({ parts: [END] })
    await streamed(refreshingModel(remote.model('stale'), build))
    expect(remote.tokens).toEqual(['stale', 'fresh', 'stale'])
  }
})

function unreadable(): object {
  const get = (): never => {
    throw new Error('hands off')
  }
  return Object.defineProperties({}, { responseHeaders: { get }, name: { get } })
}

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}
