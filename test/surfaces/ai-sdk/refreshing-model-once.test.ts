import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { Refreshable, type RefreshEvent } from '../../../src/index.ts'
import { refreshingModel } from '../../../src/surfaces/ai-sdk/index.ts'
import { settled } from '../../support/settled.ts'
import { apiError, END, failing, type Part, PartStream, START, taken } from './refreshing-remote.ts'

interface LiveCall {
  audio: ReadableStream<Uint8Array> | Uint8Array
  abortSignal?: AbortSignal
}

/** A live transcription: what it hears is what it says, once it is heard. */
function transcriber(token: string, heard: LiveCall[]) {
  return {
    specificationVersion: 'v4' as const,
    provider: 'live.transcription',
    modelId: 'live-1',
    doStream: async (call: LiveCall): Promise<{ stream: ReadableStream<Part> }> => {
      heard.push(call)
      if (token === 'stale') throw apiError(401)
      if (token === 'stale in the stream') return new PartStream([START, failing('401 Unauthorized')])
      const { audio } = call
      if (audio instanceof Uint8Array)
        return new PartStream([START, { type: 'transcript-delta', delta: 'all' }])
      const hears = new TransformStream<Uint8Array, Part>({
        transform: ([byte], controller) =>
          controller.enqueue({ type: 'transcript-delta', delta: String(byte) }),
      })
      return { stream: audio.pipeThrough(hears) }
    },
  }
}

/** A wrapped one, and what happens to it. */
function wrapped(token: string) {
  const heard: LiveCall[] = []
  const events: RefreshEvent[] = []
  const model = refreshingModel(transcriber(token, heard), async () => transcriber('fresh', heard), {
    onEvent: (event) => events.push(event),
  })
  return { model, heard, types: () => events.map(({ type }) => type), events }
}

test('[M2] given a live transcription, when the caller speaks, then it has the stream at once, and gets text while it speaks', async () => {
  const { model } = wrapped('good')
  const voice = new TransformStream<Uint8Array, Uint8Array>()
  const writer = voice.writable.getWriter()
  const { stream } = await model.doStream({ audio: voice.readable })
  const reader = stream.getReader()
  for (const byte of [1, 2]) {
    void writer.write(new Uint8Array([byte]))
    expect(await reader.read()).toEqual({
      done: false,
      value: { type: 'transcript-delta', delta: String(byte) },
    })
  }
  void writer.close()
  expect(await reader.read()).toEqual({ done: true, value: undefined })
})

/** Streams that cannot be given to a second attempt. */
const TOUCHED: readonly (readonly [string, () => unknown])[] = [
  ['locked', () => lockedStream()],
  ['read', () => readStream()],
  ['read to its end', () => readStream('to its end')],
  ['cancelled', () => cancelledStream()],
  ['no stream of the platform', () => ({ getReader: () => undefined, locked: false })],
  ['an iterable', () => endless()],
  ['a stream of Node that was read', () => Readable.from([1]).on('data', () => undefined)],
]

test.each(TOUCHED)(
  '[M2] given an input that is %s, when the call is rejected, then the credential is refreshed, and the caller gets the rejection',
  async (_, make) => {
    const { model, heard, types, events } = wrapped('stale')
    const call = { audio: make() as ReadableStream<Uint8Array> }
    await settled()
    await expect(model.doStream(call)).rejects.toMatchObject({ statusCode: 401 })
    expect(heard).toHaveLength(1)
    expect(heard[0]).toBe(call)
    expect(types()).toEqual(['rejected', 'refresh_started', 'refresh_succeeded', 'not_retried'])
    expect(events.at(-1)).toMatchObject({ generation: 1, error: { code: 'body_not_replayable' } })
    // The next one comes with the fresh credential.
    const { stream } = await model.doStream({ audio: new ReadableStream() })
    await stream.cancel()
    expect(types()).toHaveLength(4)
  },
)

test.each([
  ['a stream', (): object => new ReadableStream()],
  ['a stream of bytes', (): object => new ReadableStream({ type: 'bytes' })],
  ['a stream that is filled already', (): object => new Blob(['abc']).stream()],
  ['a stream of Node', (): object => Readable.from([1])],
])(
  '[M2] given %s that no one has read, when the call is rejected, then the credential is refreshed, and the call is made again',
  async (_, make) => {
    for (const token of ['stale', 'stale in the stream']) {
      const heard: LiveCall[] = []
      const build = (of: string) => ({
        ...transcriber(of, heard),
        doStream: async (call: LiveCall) =>
          of === 'fresh'
            ? (heard.push(call), new PartStream([START, END]))
            : transcriber(of, heard).doStream(call),
      })
      const call = { audio: make() as ReadableStream<Uint8Array> }
      const { stream } = await refreshingModel(build(token), async () => build('fresh')).doStream(call)
      expect(await taken(stream)).toEqual({ parts: [START, END] })
      expect(heard).toEqual([call, call])
      expect(heard[1]).toBe(call)
      expect(call.audio.locked ?? false).toBe(false)
    }
  },
)

test('[M2] given an input that the model has begun to read, when its stream reports a rejection, then no second attempt gets that input', async () => {
  const heard: LiveCall[] = []
  const events: RefreshEvent[] = []
  const build = (token: string) => ({
    ...transcriber(token, heard),
    doStream: async (call: LiveCall) => {
      heard.push(call)
      if (call.audio instanceof ReadableStream) call.audio.getReader()
      return new PartStream([START, failing('401 Unauthorized'), END])
    },
  })
  const model = refreshingModel(build('stale'), async () => build('fresh'), {
    onEvent: (event) => events.push(event),
  })
  const { stream } = await model.doStream({ audio: new ReadableStream() })
  expect(await taken(stream)).toEqual({ parts: [START, failing('401 Unauthorized'), END] })
  expect(heard).toHaveLength(1)
  expect(events.at(-1)).toMatchObject({ type: 'not_retried', error: { code: 'body_not_replayable' } })
})

test('[M2] given a stream one level down in the input, when the call is rejected, then the same rules hold', async () => {
  const calls: object[] = []
  const build = (token: string) => ({
    specificationVersion: 'v4' as const,
    provider: 'files',
    doUpload: async (call: { data: { type: 'stream'; stream: ReadableStream } }) => {
      calls.push(call)
      if (token === 'fresh') return 'kept'
      if (token === 'reads') await call.data.stream.cancel()
      throw apiError(401)
    },
  })
  const call = () => ({ data: { type: 'stream' as const, stream: new ReadableStream() } })
  expect(await refreshingModel(build('stale'), async () => build('fresh')).doUpload(call())).toBe('kept')
  calls.length = 0
  const reads = refreshingModel(build('reads'), async () => build('fresh'))
  await expect(reads.doUpload(call())).rejects.toMatchObject({ statusCode: 401 })
  expect(calls).toHaveLength(1)
})

test('[M2, C8] given a stream as input, when the call returns a result without a stream, then the credential counts as accepted', async () => {
  const accepted: number[] = []
  const unary = {
    specificationVersion: 'v4' as const,
    provider: 'live',
    doGenerate: async ({ audio }: LiveCall) => typeof audio,
  }
  const other = new Refreshable({ initial: unary, refresh: async () => unary })
  other.accepted = ({ generation }) => accepted.push(generation)
  await refreshingModel(unary, other).doGenerate({ audio: new ReadableStream() })
  expect(accepted).toEqual([1])
})

test('[M2] given no stream in the input, when the call is rejected, then it is made again', async () => {
  for (const token of ['stale', 'stale in the stream']) {
    const { model, heard, types } = wrapped(token)
    const { stream } = await model.doStream({ audio: new Uint8Array([1]) })
    expect(await taken(stream)).toEqual({ parts: [START, { type: 'transcript-delta', delta: 'all' }] })
    expect(heard).toHaveLength(2)
    expect(types()).toEqual(['rejected', 'refresh_started', 'refresh_succeeded', 'retried'])
  }
})

test('[C4] given a stream as input, when the caller aborts during the refresh, then its wait ends', async () => {
  const heard: LiveCall[] = []
  const model = refreshingModel(transcriber('stale', heard), () => new Promise<never>(() => {}))
  const leaving = new AbortController()
  const answer = model.doStream({ audio: new ReadableStream(), abortSignal: leaving.signal })
  answer.catch(() => undefined)
  await settled()
  const reason = new Error('I am leaving')
  leaving.abort(reason)
  await expect(answer).rejects.toBe(reason)
})

test('[M2] given a method without arguments, or with a stream in another place, when it is rejected, then it is called again', async () => {
  let calls = 0
  const given: unknown[][] = []
  const bare = (token: string) => ({
    specificationVersion: 'v4' as const,
    provider: 'bare',
    doList: async (...all: unknown[]) => {
      given.push(all)
      calls++
      if (token === 'stale') throw apiError(401)
      return new ReadableStream()
    },
  })
  for (const all of [[], [null], ['id'], [['a']], [undefined, new ReadableStream()]]) {
    calls = 0
    given.length = 0
    const model = refreshingModel(bare('stale'), async () => bare('fresh'))
    expect(await model.doList(...all)).toBeInstanceOf(ReadableStream)
    expect(calls).toBe(2)
    expect(given).toEqual([all, all])
  }
})

function lockedStream(): ReadableStream {
  const stream = new ReadableStream()
  stream.getReader()
  return stream
}

async function* endless(): AsyncGenerator<number> {
  for (let n = 0; ; n++) yield n
}

/** One that was read from, and let go. */
function readStream(howFar?: 'to its end'): ReadableStream {
  const stream = new ReadableStream({
    start: (controller) => {
      controller.enqueue(1)
      controller.close()
    },
  })
  const reader = stream.getReader()
  void reader.read()
  if (howFar !== undefined) void reader.read()
  reader.releaseLock()
  return stream
}

function cancelledStream(): ReadableStream {
  const stream = new ReadableStream()
  void stream.cancel()
  return stream
}
