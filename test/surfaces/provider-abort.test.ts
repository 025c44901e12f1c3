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

test('[P12] a call that was aborted before it began makes no attempt', async () => {
  const remote = expiring()
  const renewal = renewing(remote)
  const provider = new RefreshingProvider(remote.provider('old'), renewal.refresh)
  const reason = new Error('left')
  await expect(provider.chat(request, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  expect([remote.tokens, renewal.count]).toEqual([[], 0])
})

test('[P12] a call that was aborted by the time it is rejected is not retried', async () => {
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

test('[P12, C4] one who aborts during the refresh gets the reason at once; the others are served', async () => {
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

test('[P12] one who aborts as the refresh ends makes no second attempt', async () => {
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
test('[P8, P12] a signal that aborted before the first item: its reason, no attempt', async () => {
  const { remote, provider } = wrapped(new ScriptedStream(done))
  const reason = new Error('left')
  const stream = provider.chatStream(request, { signal: AbortSignal.abort(reason) })
  await expect(stream.next()).rejects.toBe(reason)
  expect(await stream.next()).toEqual(END)
  expect(remote.tokens).toEqual([])
})

test('[P12] a stream that was aborted by the time it is rejected is not retried', async () => {
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

test('[P12, C4] a signal that aborts during the refresh: its reason at once, no second attempt ever; the others are served', async () => {
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

test('[P12] a signal that aborts as the refresh ends: no second attempt', async () => {
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

test('[P12] a signal that aborts later is the provider’s to obey: it is handed to both attempts', async () => {
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
