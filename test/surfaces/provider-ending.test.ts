import { expect, test } from 'vitest'
import type { StreamDelta } from '../../src/surfaces/provider/index.ts'
import { done, drain, rejected, request, ScriptedStream, text, usage, wrapped } from '../support/scripted.ts'
import { settled } from '../support/settled.ts'

const END = { done: true, value: undefined }

test("[P8] given a stream, when done arrives, then nothing after it is read, and the provider's stream is closed once", async () => {
  const first = new ScriptedStream(text('a'), done, text('never'))
  const { provider } = wrapped(first)
  const stream = provider.chatStream(request)
  expect(await drain(stream)).toEqual([text('a'), done])
  expect(await stream.next()).toEqual(END)
  expect(await stream.return?.()).toEqual(END)
  expect([first.reads, first.returns]).toEqual([2, 1])
})

test('[P8] given a stream without content, when done arrives, then the stream ends, too', async () => {
  const first = new ScriptedStream(done, text('never'))
  const { provider } = wrapped(first)
  expect(await drain(provider.chatStream(request))).toEqual([done])
  expect([first.reads, first.returns]).toEqual([1, 1])
})

test('[P8] given a stream that ends without done, before or after the commit, when it ends, then nothing is closed', async () => {
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

test('[P8] given a close that fails, when done has arrived, then the consumer gets no error, because the response is complete', async () => {
  const first = new ScriptedStream(text('a'), done)
  first.closing = () => Promise.reject(new Error('reset'))
  const { provider } = wrapped(first)
  expect(await drain(provider.chatStream(request))).toEqual([text('a'), done])
})

test('[P8] given calls of next() that overlap, when items arrive, then each gets one in order, and all end after done', async () => {
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

test('[P8] given overlapping calls after the commit, when items arrive, then their order stays, and nothing after done is delivered', async () => {
  const first = new ScriptedStream(text('1'), text('2'), done, text('never'), text('never'))
  const { provider } = wrapped(first)
  const stream = provider.chatStream(request)
  await stream.next()
  const results = await Promise.all(Array.from({ length: 4 }, () => stream.next()))
  expect(results).toEqual([{ done: false, value: text('2') }, { done: false, value: done }, END, END])
  expect(first.returns).toBe(1)
})

test('[P8] given a call that waits, when another is made at the commit, then it does not overtake the first', async () => {
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

test('[P8] given overlapping calls, when the stream is retried, then there is one refresh, and each item arrives once', async () => {
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

test('[P8] given overlapping calls, when the stream fails, then the calls after the failure end', async () => {
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

test('[P8] given an iterator without return(), when the consumer leaves it, or it is abandoned or finished, then nothing breaks', async () => {
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

test('[P8] given an iterator whose next() throws after the commit, when it is called, then the stream ends with that error', async () => {
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

test("[P8] given a value that is no item, when it arrives, then the stream ends with an error, and the provider's stream is closed", async () => {
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

test('[P6] given a call that overlaps the commit, when it gets a rejection, then nothing is retried', async () => {
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
