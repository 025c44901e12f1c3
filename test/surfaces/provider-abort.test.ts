import { expect, test } from 'vitest'
import { type LlmProvider, RefreshingProvider } from '../../src/surfaces/provider/index.ts'
import { responder } from '../support/responder.ts'
import {
  done,
  drain,
  failing,
  rejected,
  rejection,
  Remote,
  renewing,
  request,
  ScriptedStream,
  success,
  text,
  wrapped,
} from '../support/scripted.ts'
import { settled } from '../support/settled.ts'

/** Rejects the first token, and accepts what comes after it. */
const expiring = (): Remote => new Remote({ chat: ({ token }) => (token === 'old' ? rejection() : success) })

const END = { done: true, value: undefined }

test('[P12] given a caller that has aborted, when it makes a call, then no attempt is made', async () => {
  const remote = expiring()
  const renewal = renewing(remote)
  const provider = new RefreshingProvider(remote.provider('old'), renewal.refresh)
  const reason = new Error('left')
  await expect(provider.chat(request, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  expect([remote.tokens, renewal.count]).toEqual([[], 0])
})

test('[P12] given a caller that aborts before the rejection, when the rejection arrives, then nothing is retried', async () => {
  const leaving = new AbortController()
  const original = rejection()
  const remote = new Remote({
    chat: () => {
      leaving.abort()
      return original
    },
  })
  const renewal = renewing(remote)
  const provider = new RefreshingProvider(remote.provider('old'), renewal.refresh)
  expect(await provider.chat(request, { signal: leaving.signal })).toBe(original)
  expect([remote.tokens, renewal.count]).toEqual([['old'], 0])
})

test('[P12, C4] given callers that wait for a refresh, when one aborts, then it gets its reason at once, and the others are served', async () => {
  const remote = expiring()
  const source = responder<LlmProvider>()
  const provider = new RefreshingProvider(remote.provider('old'), source.refresh)
  const leaving = new AbortController()
  const left = provider.chat(request, { signal: leaving.signal })
  const stays = provider.chat(request)
  await settled()
  const reason = new Error('left')
  leaving.abort(reason)
  await expect(left).rejects.toBe(reason)
  expect(source.call(0).context.signal.aborted).toBe(false)

  source.call(0).resolve(remote.provider('new'))
  expect(await stays).toBe(success)
  expect([remote.tokens, source.calls.length]).toEqual([['old', 'old', 'new'], 1])
})

test('[P12] given a refresh that ends, when the caller aborts at that moment, then no second attempt is made', async () => {
  const remote = expiring()
  const leaving = new AbortController()
  const provider = new RefreshingProvider(remote.provider('old'), renewing(remote).refresh, {
    onEvent: ({ type }) => {
      if (type === 'refresh_succeeded') leaving.abort()
    },
  })
  await expect(provider.chat(request, { signal: leaving.signal })).rejects.toMatchObject({
    name: 'AbortError',
  })
  expect(remote.tokens).toEqual(['old'])
})
test('[P8, P12] given a caller that has aborted, when it reads a stream, then it gets its reason, and no attempt is made', async () => {
  const { remote, provider } = wrapped(new ScriptedStream(done))
  const reason = new Error('left')
  const stream = provider.chatStream(request, { signal: AbortSignal.abort(reason) })
  await expect(stream.next()).rejects.toBe(reason)
  expect(await stream.next()).toEqual(END)
  expect(remote.tokens).toEqual([])
})

test('[P12] given a caller that aborts before the rejection, when its stream is rejected, then nothing is retried', async () => {
  const leaving = new AbortController()
  const original = rejected()
  const remote = new Remote({
    stream: () =>
      new ScriptedStream(async () => {
        leaving.abort()
        return original
      }),
  })
  const failure = failing('never')
  const provider = new RefreshingProvider(remote.provider('old'), failure.refresh)
  const deltas = await drain(provider.chatStream(request, { signal: leaving.signal }))
  expect(deltas[0]).toBe(original)
  expect([deltas.length, remote.tokens, failure.count]).toEqual([1, ['old'], 0])
})

test('[P12, C4] given streams that wait for a refresh, when one caller aborts, then it gets its reason at once, no second attempt is made, and the others are served', async () => {
  const remote = new Remote({
    stream: ({ token }) => new ScriptedStream(token === 'old' ? rejected() : text('a')),
  })
  const source = responder<LlmProvider>()
  const provider = new RefreshingProvider(remote.provider('old'), source.refresh)
  const leaving = new AbortController()
  const stream = provider.chatStream(request, { signal: leaving.signal })
  const left = stream.next()
  const stays = drain(provider.chatStream(request))
  await settled()
  const reason = new Error('left')
  leaving.abort(reason)
  await expect(left).rejects.toBe(reason)
  expect(await stream.next()).toEqual(END)

  source.call(0).resolve(remote.provider('new'))
  expect(await stays).toEqual([text('a')])
  expect(await stream.next()).toEqual(END)
  expect([remote.tokens, source.calls.length]).toEqual([['old', 'old', 'new'], 1])
})

test("[P12] given a refresh that ends, when the stream's caller aborts at that moment, then no second attempt is made", async () => {
  const leaving = new AbortController()
  const remote = new Remote({ stream: () => new ScriptedStream(rejected()) })
  const provider = new RefreshingProvider(remote.provider('old'), async () => remote.provider('new'), {
    onEvent: ({ type }) => {
      if (type === 'refresh_succeeded') leaving.abort()
    },
  })
  const stream = provider.chatStream(request, { signal: leaving.signal })
  await expect(stream.next()).rejects.toMatchObject({ name: 'AbortError' })
  expect(remote.tokens).toEqual(['old'])
})

test('[P12] given a signal, when attempts are made, then both get it, and the provider observes it', async () => {
  const { signal } = new AbortController()
  const { remote, source, provider } = wrapped(new ScriptedStream(rejected()), new ScriptedStream(text('a')))
  const options = { signal }
  const reading = drain(provider.chatStream(request, options))
  await settled()
  source.call(0).resolve(remote.provider('new'))
  await reading
  expect(remote.attempts.map((attempt) => attempt.options)).toEqual([options, options])
  expect(remote.attempts.every((attempt) => attempt.request === request)).toBe(true)
})
