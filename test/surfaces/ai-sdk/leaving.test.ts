import { expect, test } from 'vitest'
import { type AiSdkStreamResult, languageModelProvider } from '../../../src/surfaces/ai-sdk/index.ts'
import { collect } from './deltas.ts'
import { fakeModel } from './fake-model.ts'

const HELLO = { system: '', messages: [{ role: 'user' as const, content: 'Hello' }] }
const END = { done: true, value: undefined }

/** A stream that says nothing, and what became of it. */
function stalled(): { result: AiSdkStreamResult; asked: Promise<void>; cancelled: () => boolean } {
  const asked = deferred<void>()
  let cancelled = false
  const stream = new ReadableStream<{ type: string }>(
    {
      pull: () => {
        asked.resolve()
        return new Promise(() => {})
      },
      cancel: () => {
        cancelled = true
      },
    },
    { highWaterMark: 0 },
  )
  return { result: { stream }, asked: asked.promise, cancelled: () => cancelled }
}

function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {}
  const promise = new Promise<T>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}

test('[P8] given a stream that stalls, when its consumer leaves, then that ends at once, closes the stream and ends the call', async () => {
  const { result, asked, cancelled } = stalled()
  let signal: AbortSignal | undefined
  const model = fakeModel()
  model.doStream = async (call) => {
    signal = call.abortSignal
    return result
  }
  const iterator = languageModelProvider(model).chatStream(HELLO)[Symbol.asyncIterator]()
  const next = iterator.next()
  await asked
  expect(await iterator.return?.()).toEqual(END)
  expect(cancelled()).toBe(true)
  expect(signal?.aborted).toBe(true)
  expect(await next).toEqual(END)
  expect(await iterator.next()).toEqual(END)
})

test('[P8] given a stream that is still opening, when its consumer leaves, then that ends at once, and a stream that opens later is closed', async () => {
  const { result, cancelled } = stalled()
  const called = deferred<AbortSignal | undefined>()
  const opening = deferred<AiSdkStreamResult>()
  const model = fakeModel()
  model.doStream = (call) => {
    called.resolve(call.abortSignal)
    return opening.promise
  }
  const iterator = languageModelProvider(model).chatStream(HELLO)[Symbol.asyncIterator]()
  const next = iterator.next()
  const signal = await called.promise
  expect(await iterator.return?.()).toEqual(END)
  expect(await next).toEqual(END)
  expect(signal?.aborted).toBe(true)
  opening.resolve(result)
  await new Promise(setImmediate)
  expect(cancelled()).toBe(true)
})

test('[P8] given a stream that no one has read, when its consumer leaves, then nothing is opened', async () => {
  const model = fakeModel()
  const iterator = languageModelProvider(model).chatStream(HELLO)[Symbol.asyncIterator]()
  await iterator.return?.()
  expect(await iterator.next()).toEqual(END)
  expect(model.calls).toHaveLength(0)
})

test('given calls of next() that overlap, when deltas arrive, then each call gets one, in order', async () => {
  const parts = ['a', 'b'].map((delta) => ({ type: 'text-delta', id: '0', delta }))
  const model = fakeModel({ parts })
  const iterator = languageModelProvider(model).chatStream(HELLO)[Symbol.asyncIterator]()
  const results = await Promise.all([iterator.next(), iterator.next()])
  expect(results).toMatchObject([{ value: { delta: 'a' } }, { value: { delta: 'b' } }])
  expect(model.calls).toHaveLength(1)
  expect(model.pulls()).toBe(2)
})

test('given a model that ignores aborts, when the caller aborts, then the call ends', async () => {
  const reason = new Error('Enough.')
  const never = new Promise<never>(() => {})
  const { result, asked, cancelled } = stalled()
  const provider = (model: Partial<ReturnType<typeof fakeModel>>): ReturnType<typeof languageModelProvider> =>
    languageModelProvider({ ...fakeModel(), ...model })
  for (const run of [
    (signal: AbortSignal) => provider({ doGenerate: () => never }).chat(HELLO, { signal }),
    (signal: AbortSignal) => collect(provider({ doStream: () => never }).chatStream(HELLO, { signal })),
    (signal: AbortSignal) =>
      collect(provider({ doStream: async () => result }).chatStream(HELLO, { signal })),
  ]) {
    const controller = new AbortController()
    const running = run(controller.signal)
    await Promise.race([asked, new Promise(setImmediate)])
    controller.abort(reason)
    await expect(running).rejects.toBe(reason)
  }
  expect(cancelled()).toBe(true)
})
