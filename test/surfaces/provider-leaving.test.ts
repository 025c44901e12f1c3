import { expect, test } from 'vitest'
import { Refreshable, retryStreamOnce } from '../../src/index.ts'
import { type LlmProvider, RefreshingProvider, type StreamDelta } from '../../src/surfaces/provider/index.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { responder } from '../support/responder.ts'
import {
  done,
  drain,
  gate,
  rejected,
  Remote,
  request,
  ScriptedStream,
  text,
  usage,
  wrapped,
} from '../support/scripted.ts'
import { settled } from '../support/settled.ts'

const END = { done: true, value: undefined }

/** Whether a promise has settled by now. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let is = false
  const note = (): void => void (is = true)
  promise.then(note, note)
  await settled()
  return is
}

test("[P8] given a consumer that breaks out before, at or after the commit, when it leaves, then the provider's stream is closed once", async () => {
  for (let items = 1; items <= 3; items++) {
    const first = new ScriptedStream({ type: 'usage', usage: usage(1, 1) }, text('a'), text('b'), done)
    const { provider } = wrapped(first)
    let seen = 0
    for await (const _ of provider.chatStream(request)) if (++seen === items) break
    expect([first.reads, first.returns]).toEqual([items, 1])
  }
})

test('[P8] given a retried stream, when its consumer breaks out, then that stream is closed; the abandoned one was closed before the refresh', async () => {
  const first = new ScriptedStream({ type: 'usage', usage: usage(1, 1) }, rejected())
  const second = new ScriptedStream(text('a'), text('b'), done)
  const { remote, source, provider } = wrapped(first, second)
  const stream = provider.chatStream(request)
  await stream.next()
  const waiting = stream.next()
  await settled()
  expect([source.calls.length, first.returns]).toEqual([1, 1])
  source.call(0).resolve(remote.provider('new'))
  expect(await waiting).toEqual({ done: false, value: text('a') })
  await stream.return?.()
  expect([second.reads, second.returns, first.returns]).toEqual([1, 1, 1])
})

test('[P8] given an abandoned stream that fails to close or never closes, when the second attempt runs, then nothing else breaks', async () => {
  for (const closing of [
    () => Promise.reject(new Error('reset')),
    () => new Promise<void>(() => undefined),
  ]) {
    const first = new ScriptedStream(rejected())
    first.closing = closing
    const { remote, source, provider } = wrapped(first, new ScriptedStream(text('a'), done))
    const reading = drain(provider.chatStream(request))
    await settled()
    source.call(0).resolve(remote.provider('new'))
    expect(await reading).toEqual([text('a'), done])
    expect(first.returns).toBe(1)
  }
})

test('[P8] given a close that fails, when the consumer leaves, then it gets that error, once', async () => {
  const error = new Error('reset')
  const first = new ScriptedStream(text('a'), text('b'))
  first.closing = () => Promise.reject(error)
  const { provider } = wrapped(first)
  const stream = provider.chatStream(request)
  await stream.next()
  await expect(stream.return?.()).rejects.toBe(error)
  expect(await stream.return?.()).toEqual(END)
  expect(await stream.next()).toEqual(END)
  expect([first.reads, first.returns]).toEqual([1, 1])
})

test('[P8, P13] given a consumer that has read nothing, when it leaves, then no attempt is made', async () => {
  const { remote, provider } = wrapped(new ScriptedStream(done))
  const stream = provider.chatStream(request)
  expect(await stream.return?.()).toEqual(END)
  expect(await stream.next()).toEqual(END)
  expect(remote.tokens).toEqual([])
})

test('[P8] given a provider that says nothing, when the consumer leaves, then its stream is closed at once', async () => {
  for (const before of [[], [text('a')]]) {
    const first = new ScriptedStream(...before, () => new Promise(() => undefined))
    const { provider } = wrapped(first)
    const stream = provider.chatStream(request)
    for (const item of before) expect(await stream.next()).toEqual({ done: false, value: item })
    void stream.next()
    await settled()
    expect(await stream.return?.()).toEqual(END)
    expect(first.returns).toBe(1)
  }
})

test('[P8] given a stream that its consumer has left, when it is read again, then it ends at once, whatever else is pending', async () => {
  const silent = new ScriptedStream(() => new Promise(() => undefined))
  for (const first of [silent, new ScriptedStream(rejected())]) {
    const { provider } = wrapped(first)
    const stream = provider.chatStream(request)
    void stream.next()
    await settled()
    await stream.return?.()
    const late = stream.next()
    expect(await isSettled(late)).toBe(true)
    expect(await late).toEqual(END)
  }
})

test('[P8] given a stream that its consumer has left, when a pending read fails, then no one gets that error', async () => {
  for (const before of [[], [text('a')]]) {
    const reading = gate<StreamDelta>()
    const first = new ScriptedStream(...before, reading.wait)
    first.closing = async () => reading.fail(new Error('closed'))
    const { provider } = wrapped(first)
    const stream = provider.chatStream(request)
    for (const item of before) expect(await stream.next()).toEqual({ done: false, value: item })
    const pending = stream.next()
    await settled()
    await stream.return?.()
    expect(await pending).toEqual(END)
  }
})

test("[P8, P9] given a retried stream that adds usage, when its consumer leaves, then the provider's stream is closed at once", async () => {
  const first = new ScriptedStream({ type: 'usage', usage: usage(1, 1) }, rejected())
  const second = new ScriptedStream(text('a'), () => new Promise(() => undefined))
  const { remote, source, provider } = wrapped(first, second)
  const stream = provider.chatStream(request)
  await stream.next()
  const item = stream.next()
  await settled()
  source.call(0).resolve(remote.provider('new'))
  await item
  void stream.next()
  await settled()
  expect(await isSettled(Promise.resolve(stream.return?.()))).toBe(true)
  expect(second.returns).toBe(1)
})

test('[P8] given a refresh that is running, when the consumer leaves, then its wait ends, and nothing is opened later', async () => {
  const { remote, source, provider } = wrapped(new ScriptedStream(rejected()), new ScriptedStream(text('a')))
  const stream = provider.chatStream(request)
  const pending = stream.next()
  const queued = stream.next()
  await settled()
  expect(await stream.return?.()).toEqual(END)
  expect(await Promise.all([pending, queued])).toEqual([END, END])
  expect(source.call(0).context.signal.aborted).toBe(false)

  source.call(0).resolve(remote.provider('new'))
  await settled()
  expect(await stream.next()).toEqual(END)
  expect(remote.tokens).toEqual(['old'])
})

test('[P8] given a wait for the first provider, when the consumer leaves, then its wait ends, and nothing is opened later', async () => {
  const clock = new ManualClock()
  const remote = new Remote({ stream: () => new ScriptedStream(text('a')) })
  const source = responder<LlmProvider>()
  const provider = new RefreshingProvider(remote.provider('old'), source.refresh, {
    clock,
    expiresAt: () => clock.now() + 1_000,
  })
  clock.jump(2_000)
  const stream = provider.chatStream(request)
  const pending = stream.next()
  await settled()
  expect(source.calls).toHaveLength(1)
  await stream.return?.()
  expect(await isSettled(pending)).toBe(true)
  source.call(0).resolve(remote.provider('new'))
  expect(await pending).toEqual(END)
  await settled()
  expect(remote.tokens).toEqual([])
})

test('[P8] given a rejection that is still being judged, when the consumer leaves, then its wait ends, and nothing is opened later', async () => {
  const source = responder<string>()
  const judged = gate<boolean>()
  const cell = new Refreshable({ initial: 'old', refresh: source.refresh })
  const stream = retryStreamOnce(cell, () => new ScriptedStream(rejected()), {
    isContent: ({ type }) => type === 'text_delta',
    isEnd: ({ type }) => type === 'done',
    isRejection: judged.wait,
  })
  const pending = stream.next()
  await settled()
  await stream.return?.()
  judged.open(true)
  expect(await isSettled(pending)).toBe(true)
})
