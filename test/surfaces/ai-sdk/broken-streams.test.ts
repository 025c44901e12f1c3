import { describe, expect, test } from 'vitest'
import { languageModelProvider } from '../../../src/surfaces/ai-sdk/index.ts'
import { collect } from './deltas.ts'
import { fakeModel, FINISH } from './fake-model.ts'
import { MODELS } from './models.ts'
import { STREAMED } from './said.ts'
import { eventStream, recorded, terminated } from './wire.ts'

const HELLO = { system: '', messages: [{ role: 'user' as const, content: 'Hello' }] }
const CUT = { type: 'error', kind: 'connection', message: 'The stream ended before it was finished.' }

describe.each(MODELS)('$name', ({ wire, create }) => {
  const most = STREAMED[wire].slice(0, -2)

  test('given a stream that ends too early, when it is read, then its last delta is a lost connection', async () => {
    const { fetch } = recorded(() => eventStream(wire, most, 'cut'))
    const deltas = await collect(languageModelProvider(create({ fetch })).chatStream(HELLO))
    expect(deltas.at(-1)).toEqual(CUT)
    expect(deltas.some(({ type }) => type === 'text_delta')).toBe(true)
    expect(deltas.some(({ type }) => type === 'done')).toBe(false)
  })

  test('given a stream without any event, when it is read, then its last delta is a lost connection', async () => {
    const { fetch } = recorded(() => eventStream(wire, [], 'cut'))
    const deltas = await collect(languageModelProvider(create({ fetch })).chatStream(HELLO))
    expect(deltas).toEqual([CUT])
  })

  test('given a connection that breaks within the stream, when the stream is read, then its last delta tells of the break', async () => {
    const { fetch } = recorded(() => eventStream(wire, most, terminated()))
    const deltas = await collect(languageModelProvider(create({ fetch })).chatStream(HELLO))
    expect(deltas.at(-1)).toMatchObject({ type: 'error', kind: 'connection' })
    expect(deltas.some(({ type }) => type === 'text_delta')).toBe(true)
  })

  test('given an open stream, when its consumer leaves, then the response is closed', async () => {
    const { promise: closed, resolve: close } = deferred()
    const { fetch } = recorded(() => {
      const { body, headers } = eventStream(wire, STREAMED[wire])
      const endless = new ReadableStream<Uint8Array>({
        async start(controller) {
          for await (const chunk of body ?? []) controller.enqueue(chunk)
        },
        cancel: () => close(),
      })
      return new Response(endless, { headers })
    })
    for await (const delta of languageModelProvider(create({ fetch })).chatStream(HELLO)) {
      if (delta.type === 'text_delta') break
    }
    await expect(closed).resolves.toBeUndefined()
  })
})

test('given a stream that broke off after the model counted tokens, when it is read, then the consumer gets the usage', async () => {
  const usage = { inputTokens: { total: 10 }, outputTokens: { total: 2 } }
  const parts = [
    { type: 'text-delta', id: '0', delta: 'a' },
    { ...FINISH, finishReason: { unified: 'interrupted' }, usage },
  ]
  const deltas = await collect(languageModelProvider(fakeModel({ parts })).chatStream(HELLO))
  expect(deltas.slice(1)).toEqual([
    {
      type: 'usage',
      usage: { inputTokens: 10, outputTokens: 2, cachedInputTokens: 0, cacheCreationInputTokens: 0 },
    },
    CUT,
  ])
})

test.each(['v3', 'v4'] as const)(
  'given a %s stream without a reason, when it has counted tokens, then it is complete',
  async (version) => {
    const usage = { inputTokens: { total: 10 }, outputTokens: { total: 2 } }
    const parts = [{ ...FINISH, finishReason: { unified: 'other' }, usage }]
    const deltas = await collect(languageModelProvider(fakeModel({ version, parts })).chatStream(HELLO))
    expect(deltas.at(-1)).toEqual({ type: 'done', stopReason: 'unknown' })
  },
)

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => {}
  const promise = new Promise<void>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}
