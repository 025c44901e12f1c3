import { expect, test } from 'vitest'
import { Refreshable, type RefreshEvent } from '../../../src/index.ts'
import { refreshingModel } from '../../../src/surfaces/ai-sdk.ts'
import { settled } from '../../support/settled.ts'
import { apiError, failing, type Part, PartStream, START, taken } from './refreshing-remote.ts'

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

test('[M2] who speaks while listening gets the result at once, and hears as they speak', async () => {
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

test('[M2] its rejection refreshes, and is thrown: the stream may have been read', async () => {
  const { model, heard, types, events } = wrapped('stale')
  const call = { audio: new PartStream([]).stream as unknown as ReadableStream<Uint8Array> }
  await expect(model.doStream(call)).rejects.toMatchObject({ statusCode: 401 })
  expect(heard).toHaveLength(1)
  expect(heard[0]).toBe(call)
  expect(types()).toEqual(['rejected', 'refresh_started', 'refresh_succeeded', 'not_retried'])
  expect(events.at(-1)).toMatchObject({ generation: 1, error: { code: 'body_not_replayable' } })
  // The next one comes with the fresh credential.
  const { stream } = await model.doStream({ audio: new ReadableStream() })
  await stream.cancel()
  expect(types()).toHaveLength(4)
})

test('[M2] what its own stream reports is handed on, whatever it is', async () => {
  const { model, types } = wrapped('stale in the stream')
  const { stream } = await model.doStream({ audio: new ReadableStream() })
  expect(await taken(stream)).toEqual({ parts: [START, failing('401 Unauthorized')] })
  expect(types()).toEqual([])
})

test('[M2, C8] so it does not show that the credential is good; an answer without a stream does', async () => {
  const accepted: number[] = []
  const heard: LiveCall[] = []
  const cell = new Refreshable({
    initial: transcriber('stale in the stream', heard),
    refresh: () => Promise.reject(new Error('no')),
  })
  cell.accepted = ({ generation }) => accepted.push(generation)
  const live = refreshingModel(transcriber('stale in the stream', heard), cell)
  await live.doStream({ audio: new ReadableStream() })
  expect(accepted).toEqual([])
  const unary = {
    specificationVersion: 'v4' as const,
    provider: 'live',
    doGenerate: async ({ audio }: LiveCall) => typeof audio,
  }
  const other = new Refreshable({ initial: unary, refresh: async () => unary })
  other.accepted = cell.accepted
  await refreshingModel(unary, other).doGenerate({ audio: new ReadableStream() })
  expect(accepted).toEqual([1])
})

test('[M2] without a stream as its input, the same method is called again', async () => {
  for (const token of ['stale', 'stale in the stream']) {
    const { model, heard, types } = wrapped(token)
    const { stream } = await model.doStream({ audio: new Uint8Array([1]) })
    expect(await taken(stream)).toEqual({ parts: [START, { type: 'transcript-delta', delta: 'all' }] })
    expect(heard).toHaveLength(2)
    expect(types()).toEqual(['rejected', 'refresh_started', 'refresh_succeeded', 'retried'])
  }
})

test('[C4] an abort while its rejection is refreshed ends the wait', async () => {
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

test('[M2] a method without any argument, or with a stream in another place, is called again', async () => {
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
