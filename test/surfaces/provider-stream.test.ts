import { expect, test } from 'vitest'
import { collectStream, RefreshingProvider, type StreamDelta } from '../../src/surfaces/provider/index.ts'
import { ManualClock } from '../support/manual-clock.ts'
import {
  done,
  drain,
  failing,
  listener,
  rejected,
  Remote,
  renewing,
  request,
  ScriptedStream,
  type Step,
  text,
  usage,
} from '../support/scripted.ts'
import { settled } from '../support/settled.ts'

/** A wrapper whose first stream and second stream are these. */
function wrapped(first: ScriptedStream, second: ScriptedStream) {
  const remote = new Remote({ stream: ({ token }) => (token === 'old' ? first : second) })
  const renewal = renewing(remote)
  return { remote, renewal, provider: new RefreshingProvider(remote.provider('old'), renewal.refresh) }
}

const thrown = (): Promise<never> => Promise.reject(Object.assign(new Error('expired'), { status: 401 }))

const content: StreamDelta[] = [
  text('a'),
  { type: 'thinking_delta', delta: 'a', blockIndex: 0 },
  { type: 'tool_use_start', id: 't', name: 'n', blockIndex: 0 },
  { type: 'tool_input_delta', id: 't', delta: '{', blockIndex: 0 },
  { type: 'signature_delta', delta: 's', blockIndex: 0 },
  { type: 'redacted_thinking', data: 'r', blockIndex: 0 },
  { type: 'opaque_reasoning', provider: 'openai', data: '{}', blockIndex: 0 },
  // A kind that a later version may add.
  Object.assign(text('c'), { type: 'citation_delta' }),
]

test('[P5] given a rejection before the commit, when the stream is read, then it is opened again, and the consumer sees the second stream only', async () => {
  for (const rejection of [rejected(), thrown] satisfies Step[]) {
    const first = new ScriptedStream(rejection, text('never'))
    const { remote, renewal, provider } = wrapped(first, new ScriptedStream(text('a'), text('b'), done))
    expect(await drain(provider.chatStream(request))).toEqual([text('a'), text('b'), done])
    expect([remote.tokens, renewal.count, first.reads, first.returns]).toEqual([['old', 'new 1'], 1, 1, 1])
  }
})

test('[P5] given a provider that throws when it opens a stream, from its method or its iterator, when it is a rejection, then that is retried', async () => {
  const expired = Object.assign(new Error('expired'), { status: 401 })
  const broken: (() => AsyncIterable<StreamDelta>)[] = [
    () => {
      throw expired
    },
    () => ({
      [Symbol.asyncIterator]: () => {
        throw expired
      },
    }),
    () => ({
      [Symbol.asyncIterator]: () => ({
        next: () => {
          throw expired
        },
      }),
    }),
  ]
  for (const open of broken) {
    const remote = new Remote({
      stream: ({ token }) => (token === 'old' ? open() : new ScriptedStream(text('a'), done)),
    })
    const renewal = renewing(remote)
    const provider = new RefreshingProvider(remote.provider('old'), renewal.refresh)
    expect(await drain(provider.chatStream(request))).toEqual([text('a'), done])
    expect([remote.tokens, renewal.count]).toEqual([['old', 'new 1'], 1])
  }
})

test('[P5] given any other failure before the commit, when it arrives, then the consumer gets it unchanged, and the stream ends', async () => {
  const error = new TypeError('terminated')
  const first = new ScriptedStream(() => Promise.reject(error), text('never'))
  const { remote, renewal, provider } = wrapped(first, new ScriptedStream())
  const stream = provider.chatStream(request)
  await expect(stream.next()).rejects.toBe(error)
  expect(await stream.next()).toEqual({ done: true, value: undefined })
  expect([remote.tokens, renewal.count, first.reads]).toEqual([['old'], 0, 1])
})

test('[P5] given an error delta that is no rejection, when it arrives, then the consumer gets it, and everything after it', async () => {
  const limited: StreamDelta = { type: 'error', kind: 'rate_limited', message: 'slow down', status: 429 }
  const { remote, provider } = wrapped(new ScriptedStream(limited, done), new ScriptedStream())
  const deltas = await drain(provider.chatStream(request))
  expect(deltas[0]).toBe(limited)
  expect([deltas.length, remote.tokens]).toEqual([2, ['old']])
})

test.each(content)(
  '[P6] given a $type delta, when a rejection follows, then the consumer gets it, because the content has committed the stream',
  async (delta) => {
    const late = rejected()
    const first = new ScriptedStream(delta, late)
    const { remote, renewal, provider } = wrapped(first, new ScriptedStream())
    const deltas = await drain(provider.chatStream(request))
    expect(deltas[0]).toBe(delta)
    expect(deltas[1]).toBe(late)
    expect([deltas.length, remote.tokens, renewal.count]).toEqual([2, ['old'], 0])
  },
)

test('[P6] given content, when a rejection is thrown after it, then the consumer gets it unchanged', async () => {
  const error = Object.assign(new Error('expired'), { status: 401 })
  const first = new ScriptedStream(text('a'), () => Promise.reject(error), text('never'))
  const { remote, provider } = wrapped(first, new ScriptedStream())
  const stream = provider.chatStream(request)
  expect(await stream.next()).toEqual({ done: false, value: text('a') })
  await expect(stream.next()).rejects.toBe(error)
  expect(await stream.next()).toEqual({ done: true, value: undefined })
  expect([remote.tokens, first.reads]).toEqual([['old'], 2])
})

test('[P4] given a refresh that fails, when a stream is rejected, then its last item is that very delta, or it throws that very error', async () => {
  const original = rejected()
  const error = Object.assign(new Error('expired'), { status: 401 })
  for (const step of [original, () => Promise.reject(error)] satisfies Step[]) {
    const first = new ScriptedStream({ type: 'usage', usage: usage(1, 0) }, step, text('never'))
    const remote = new Remote({ stream: () => first })
    const { types, onEvent } = listener()
    const failure = failing(new Error('down'))
    const provider = new RefreshingProvider(remote.provider('old'), failure.refresh, { onEvent })
    const stream = provider.chatStream(request)
    await stream.next()
    if (step === original) expect((await stream.next()).value).toBe(original)
    else await expect(stream.next()).rejects.toBe(error)
    expect(await stream.next()).toEqual({ done: true, value: undefined })
    expect([remote.tokens, failure.count, first.returns]).toEqual([['old'], 1, 1])
    expect(types()).toEqual(['rejected', 'refresh_started', 'refresh_failed', 'not_retried'])
  }
})

test('[P7] given a second rejection, when it arrives, then the consumer gets that very object, after two attempts and one refresh', async () => {
  const second = rejected()
  const { remote, renewal, provider } = wrapped(new ScriptedStream(rejected()), new ScriptedStream(second))
  const deltas = await drain(provider.chatStream(request))
  expect(deltas[0]).toBe(second)
  expect([deltas.length, remote.tokens, renewal.count]).toEqual([1, ['old', 'new 1'], 1])
})

test('[P7] given a second rejection, when it is thrown, then the consumer gets that very error', async () => {
  const second = Object.assign(new Error('again'), { status: 401 })
  for (const first of [rejected(), thrown] satisfies Step[]) {
    const { remote, renewal, provider } = wrapped(
      new ScriptedStream(first),
      new ScriptedStream(() => Promise.reject(second)),
    )
    await expect(drain(provider.chatStream(request))).rejects.toBe(second)
    expect([remote.tokens, renewal.count]).toEqual([['old', 'new 1'], 1])
  }
})

test('[P7] given a second rejection, when another refresh would be allowed, then there is no third attempt', async () => {
  const clock = new ManualClock()
  const second = rejected()
  const remote = new Remote({
    stream: ({ token }) =>
      new ScriptedStream(async () => {
        if (token === 'old') return rejected()
        clock.jump(120_000)
        return second
      }),
  })
  const renewal = renewing(remote)
  const provider = new RefreshingProvider(remote.provider('old'), renewal.refresh, { clock })
  const deltas = await drain(provider.chatStream(request))
  expect(deltas[0]).toBe(second)
  expect([deltas.length, remote.tokens, renewal.count]).toEqual([1, ['old', 'new 1'], 1])
})

test('[P9] given usage of an abandoned attempt, when the second attempt reports totals, then each includes it', async () => {
  const first = new ScriptedStream(
    { type: 'usage', usage: usage(3, 0) },
    { type: 'usage', usage: { ...usage(10, 1), cachedInputTokens: 4, cacheCreationInputTokens: 2 } },
    rejected(),
  )
  const second = new ScriptedStream(
    { type: 'usage', usage: usage(10, 0) },
    text('a'),
    { type: 'usage', usage: { ...usage(10, 7), cachedInputTokens: 1, cacheCreationInputTokens: 3 } },
    done,
  )
  const { provider } = wrapped(first, second)
  const outcome = await collectStream(provider.chatStream(request), { model: 'm' })
  expect(outcome).toMatchObject({
    type: 'success',
    response: {
      content: [{ type: 'text', text: 'a' }],
      usage: { inputTokens: 20, outputTokens: 8, cachedInputTokens: 5, cacheCreationInputTokens: 5 },
    },
  })
})

test("[P9] given a second attempt without usage, when it ends, then the abandoned attempt's total counts", async () => {
  const first = new ScriptedStream({ type: 'usage', usage: usage(3, 1) }, thrown)
  const { provider } = wrapped(first, new ScriptedStream(text('a'), done))
  const outcome = await collectStream(provider.chatStream(request), { model: 'm' })
  expect(outcome).toMatchObject({ response: { usage: usage(3, 1) } })
})

test('[P9] given a call that is not retried, when it reports usage, then the consumer gets that very object', async () => {
  const delta: StreamDelta = { type: 'usage', usage: usage(3, 1) }
  const { provider } = wrapped(new ScriptedStream(delta, text('a'), delta, done), new ScriptedStream())
  const deltas = await drain(provider.chatStream(request))
  expect(deltas[0]).toBe(delta)
  expect(deltas[2]).toBe(delta)
})

test('[P13] given a stream, when no one reads it, then no attempt is made', async () => {
  const { remote, renewal, provider } = wrapped(new ScriptedStream(rejected()), new ScriptedStream(done))
  const stream = provider.chatStream(request)
  expect(stream[Symbol.asyncIterator]()).toBe(stream)
  await settled()
  expect([remote.tokens, renewal.count]).toEqual([[], 0])
})

test('[P13] given a stream, when it is read, before the commit or after it, then nothing is read ahead', async () => {
  const report: StreamDelta = { type: 'usage', usage: usage(1, 0) }
  const second = new ScriptedStream(report, text('a'), text('b'), text('c'), done)
  const { provider } = wrapped(new ScriptedStream(rejected()), second)
  const stream = provider.chatStream(request)
  for (let reads = 1; reads <= 5; reads++) {
    await stream.next()
    await settled()
    expect(second.reads).toBe(reads)
  }
  await stream.next()
  expect(second.reads).toBe(5)
})

test('[P9] given usage before a failure of another kind, when a retry reports totals, then they include it', async () => {
  const failure: StreamDelta = { type: 'error', kind: 'server_error', message: 'overloaded', status: 529 }
  const first = new ScriptedStream({ type: 'usage', usage: usage(10, 0) }, failure, rejected())
  const second = new ScriptedStream({ type: 'usage', usage: usage(5, 1) }, text('a'), done)
  const { provider } = wrapped(first, second)
  const totals = (await drain(provider.chatStream(request))).filter((delta) => delta.type === 'usage')
  expect(totals.at(-1)).toEqual({ type: 'usage', usage: usage(15, 1) })
})
