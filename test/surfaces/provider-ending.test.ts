import { expect, test } from 'vitest'
import type { StreamDelta } from '../../src/surfaces/provider/index.ts'
import { done, drain, rejected, request, ScriptedStream, text, usage, wrapped } from '../support/scripted.ts'
import { settled } from '../support/settled.ts'

const END = { done: true, value: undefined }

test('[P8] done ends the stream: what comes after it is not read, and the provider’s stream is closed once', async () => {
  const first = new ScriptedStream(text('a'), done, text('never'))
  const { provider } = wrapped(first)
  const stream = provider.chatStream(request)
  expect(await drain(stream)).toEqual([text('a'), done])
  expect(await stream.next()).toEqual(END)
  expect(await stream.return?.()).toEqual(END)
  expect([first.reads, first.returns]).toEqual([2, 1])
})

test('[P8] done without content ends the stream, too', async () => {
  const first = new ScriptedStream(done, text('never'))
  const { provider } = wrapped(first)
  expect(await drain(provider.chatStream(request))).toEqual([done])
  expect([first.reads, first.returns]).toEqual([1, 1])
})

test('[P8] a stream may end without done, before the commit or after it; there is nothing to close then', async () => {
  for (const [first, length] of [
    [new ScriptedStream(), 0],
    [new ScriptedStream({ type: 'usage', usage: usage(1, 1) }), 1],
    [new ScriptedStream(text('a')), 1],
  ] as const) {
    const { provider } = wrapped(first)
    const stream = provider.chatStream(request)
    expect(await drain(stream)).toHaveLength(length)
    expect(await stream.next()).toEqual(END)
    expect([first.reads, first.returns]).toEqual([length + 1, 0])
  }
})

test('[P8] a close that fails after done is nobody’s: the answer is complete', async () => {
  const first = new ScriptedStream(text('a'), done)
  first.closing = () => Promise.reject(new Error('reset'))
  const { provider } = wrapped(first)
  expect(await drain(provider.chatStream(request))).toEqual([text('a'), done])
})

test('[P8] overlapping calls of next() are answered in order, and end after done', async () => {
  for (const first of [
    [text('1'), text('2'), done, text('never')],
    [{ type: 'usage', usage: usage(1, 1) }, text('2'), done],
  ] satisfies StreamDelta[][]) {
    const { provider } = wrapped(new ScriptedStream(...first))
    const stream = provider.chatStream(request)
    const results = await Promise.all(Array.from({ length: 6 }, () => stream.next()))
    expect(results.map(({ value }) => value)).toEqual([...first.slice(0, 3), undefined, undefined, undefined])
    expect(results.map((result) => result.done === true)).toEqual([false, false, false, true, true, true])
  }
})

test('[P8] overlapping calls after the commit keep their order, and what follows done is not delivered', async () => {
  const first = new ScriptedStream(text('1'), text('2'), done, text('never'), text('never'))
  const { provider } = wrapped(first)
  const stream = provider.chatStream(request)
  await stream.next()
  const results = await Promise.all(Array.from({ length: 4 }, () => stream.next()))
  expect(results).toEqual([{ done: false, value: text('2') }, { done: false, value: done }, END, END])
  expect(first.returns).toBe(1)
})

test('[P8] a call that is made as the commit arrives does not overtake one that waits', async () => {
  const { provider } = wrapped(new ScriptedStream(text('1'), text('2'), text('3'), done))
  const stream = provider.chatStream(request)
  const first = stream.next()
  const third = first.then(() => stream.next())
  const second = stream.next()
  expect((await Promise.all([first, second, third])).map(({ value }) => value)).toEqual([
    text('1'),
    text('2'),
    text('3'),
  ])
})

test('[P8] overlapping calls survive a retry: one refresh, each item once', async () => {
  const { remote, source, provider } = wrapped(
    new ScriptedStream(rejected()),
    new ScriptedStream(text('1'), text('2'), done),
  )
  const stream = provider.chatStream(request)
  const results = Array.from({ length: 4 }, () => stream.next())
  await settled()
  source.call(0).resolve(remote.provider('new'))
  expect((await Promise.all(results)).map(({ value }) => value)).toEqual([
    text('1'),
    text('2'),
    done,
    undefined,
  ])
  expect(remote.tokens).toEqual(['old', 'new'])
})

test('[P8] after a failure the calls that overlap it end', async () => {
  const error = new TypeError('terminated')
  const { provider } = wrapped(new ScriptedStream(() => Promise.reject(error), text('never')))
  const stream = provider.chatStream(request)
  const results = await Promise.allSettled([stream.next(), stream.next(), stream.next()])
  expect(results).toEqual([
    { status: 'rejected', reason: error },
    { status: 'fulfilled', value: END },
    { status: 'fulfilled', value: END },
  ])
})

test('[P8] an iterator without return() can be left, abandoned and finished', async () => {
  const bare = (...deltas: StreamDelta[]): AsyncIterable<StreamDelta> => {
    const left = [...deltas]
    const next = async (): Promise<IteratorResult<StreamDelta>> => {
      const value = left.shift()
      return value === undefined ? { done: true, value } : { done: false, value }
    }
    return { [Symbol.asyncIterator]: () => ({ next }) }
  }
  const { remote, source, provider } = wrapped(bare(rejected()), bare(text('a'), done))
  const reading = drain(provider.chatStream(request))
  await settled()
  source.call(0).resolve(remote.provider('new'))
  expect(await reading).toEqual([text('a'), done])
  for await (const _ of provider.chatStream(request)) break
})

test('[P8] an iterator whose next() throws instead of rejecting, after the commit, ends the stream', async () => {
  const error = new Error('broken')
  let reads = 0
  const next = (): Promise<IteratorResult<StreamDelta>> => {
    if (reads++ > 0) throw error
    return Promise.resolve({ done: false, value: text('a') })
  }
  const { provider } = wrapped({ [Symbol.asyncIterator]: () => ({ next }) })
  const stream = provider.chatStream(request)
  await stream.next()
  const caught = await Promise.resolve()
    .then(() => stream.next())
    .catch((thrown: unknown) => thrown)
  expect(caught).toBe(error)
  expect(await stream.next()).toEqual(END)
  expect(reads).toBe(2)
})

test('[P8] an item that is none is an error of the stream: it ends, and the provider’s stream is closed', async () => {
  const junk = JSON.parse('null') as StreamDelta
  for (const before of [[], [text('a')]]) {
    const first = new ScriptedStream(...before, junk, text('never'))
    const { provider } = wrapped(first)
    const stream = provider.chatStream(request)
    for (const item of before) expect(await stream.next()).toEqual({ done: false, value: item })
    await expect(stream.next()).rejects.toThrow(TypeError)
    expect(await stream.next()).toEqual(END)
    expect(first.returns).toBe(1)
  }
})

test('[P6] a call that overlaps the commit gets a rejection as it is: nothing is retried', async () => {
  const error = Object.assign(new Error('expired'), { status: 401 })
  for (const step of [rejected(), () => Promise.reject(error)]) {
    const { remote, source, provider } = wrapped(
      new ScriptedStream(text('a'), step),
      new ScriptedStream(text('b')),
    )
    const stream = provider.chatStream(request)
    const [first, second] = await Promise.allSettled([stream.next(), stream.next()])
    expect(first).toMatchObject({ status: 'fulfilled', value: { value: text('a') } })
    expect(second.status).toBe(typeof step === 'function' ? 'rejected' : 'fulfilled')
    expect([source.calls.length, remote.tokens]).toEqual([0, ['old']])
  }
})
