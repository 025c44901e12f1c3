import { expect, test } from 'vitest'
import { languageModelProvider, type ProviderWarning } from '../../../src/surfaces/ai-sdk/index.ts'
import type { StreamDelta } from '../../../src/surfaces/provider/index.ts'
import { assembled, collect } from './deltas.ts'
import { fakeModel, FINISH } from './fake-model.ts'
import { modelNamed } from './models.ts'
import { STREAMED } from './said.ts'
import { chatChunk, eventStream, recorded } from './wire.ts'

const HELLO = { system: '', messages: [{ role: 'user' as const, content: 'Hello' }] }
const CUT = { type: 'error', kind: 'connection', message: 'The stream ended before it was finished.' }

function textParts(...deltas: string[]): Record<string, unknown>[] {
  return [{ type: 'text-start', id: '0' }, ...deltas.map((delta) => ({ type: 'text-delta', id: '0', delta }))]
}

test('[P13] given a stream, when no one reads it, then nothing is sent', async () => {
  const model = fakeModel()
  const stream = languageModelProvider(model).chatStream(HELLO)
  const iterator = stream[Symbol.asyncIterator]()
  expect(model.calls).toHaveLength(0)
  await iterator.next()
  expect(model.calls).toHaveLength(1)
})

test('[P13] given a stream, when its consumer asks for a delta, then one part is read, and none ahead', async () => {
  const model = fakeModel({ parts: [...textParts('a', 'b', 'c'), FINISH] })
  const iterator = languageModelProvider(model).chatStream(HELLO)[Symbol.asyncIterator]()
  const pulls: number[] = []
  for (let asked = 0; asked < 3; asked++) {
    await iterator.next()
    pulls.push(model.pulls())
  }
  // The first delta takes the start of its block along.
  expect(pulls).toEqual([2, 3, 4])
})

test.each([
  ['an error', { type: 'error', error: 'It broke.' }],
  ['the end', FINISH],
])(
  "given %s as a part, when it arrives, then nothing more is read, and the model's stream is closed",
  async (_, last) => {
    const model = fakeModel({ parts: [...textParts('a'), last, { type: 'text-delta', id: '0', delta: 'b' }] })
    const deltas = await collect(languageModelProvider(model).chatStream(HELLO))
    expect(deltas.filter(({ type }) => type !== 'usage')).toHaveLength(2)
    expect(model.pulls()).toBe(3)
    expect(model.cancelled()).toBe(true)
  },
)

test("given an open stream, when its consumer leaves, then the model's stream is closed", async () => {
  const model = fakeModel({ parts: [...textParts('a', 'b'), FINISH] })
  for await (const delta of languageModelProvider(model).chatStream(HELLO)) {
    expect(delta).toMatchObject({ delta: 'a' })
    break
  }
  expect(model.pulls()).toBe(2)
  expect(model.cancelled()).toBe(true)
})

test('given several blocks, when they are streamed, then they are numbered by their first delta, and an id may begin another block later', async () => {
  const parts = [
    { type: 'reasoning-start', id: '0' },
    { type: 'text-start', id: 'empty' },
    { type: 'text-end', id: 'empty' },
    { type: 'reasoning-delta', id: '0', delta: 'Hm.' },
    { type: 'text-start', id: '0' },
    { type: 'text-delta', id: '0', delta: 'One' },
    { type: 'reasoning-delta', id: '0', delta: ' Yes.' },
    { type: 'reasoning-end', id: '0' },
    { type: 'text-end', id: '0' },
    { type: 'tool-input-start', id: 't1', toolName: 'a' },
    { type: 'tool-input-start', id: 't2', toolName: 'b' },
    { type: 'tool-input-delta', id: 't2', delta: '{"n":2}' },
    { type: 'tool-input-delta', id: 't1', delta: '{"n":1}' },
    { type: 'tool-call', toolCallId: 't1', toolName: 'a', input: '{"n":1}' },
    { type: 'tool-call', toolCallId: 't2', toolName: 'b', input: '{"n":2}' },
    { type: 'text-start', id: '0' },
    { type: 'text-delta', id: '0', delta: 'Two' },
    FINISH,
  ]
  const deltas = await collect(languageModelProvider(fakeModel({ parts })).chatStream(HELLO))
  const indexes = deltas.flatMap((delta) => ('blockIndex' in delta ? [delta.blockIndex] : []))
  expect([...new Set(indexes)]).toEqual([0, 1, 2, 3, 4])
  expect(assembled(deltas)).toEqual([
    { type: 'thinking', thinking: 'Hm. Yes.' },
    { type: 'text', text: 'One' },
    { type: 'tool_use', id: 't1', name: 'a', input: { n: 1 } },
    { type: 'tool_use', id: 't2', name: 'b', input: { n: 2 } },
    { type: 'text', text: 'Two' },
  ])
})

test('given a tool call that was not streamed, when it arrives, then it comes whole; a call without input has an empty one', async () => {
  const parts = [
    { type: 'tool-call', toolCallId: 't1', toolName: 'a', input: '{"n":1}' },
    { type: 'tool-input-start', id: 't2', toolName: 'b' },
    { type: 'tool-input-end', id: 't2' },
    { type: 'tool-call', toolCallId: 't2', toolName: 'b', input: '' },
    FINISH,
  ]
  const deltas = await collect(languageModelProvider(fakeModel({ parts })).chatStream(HELLO))
  expect(assembled(deltas)).toEqual([
    { type: 'tool_use', id: 't1', name: 'a', input: { n: 1 } },
    { type: 'tool_use', id: 't2', name: 'b', input: {} },
  ])
})

test('given parts that no delta can carry, when they arrive, then each kind is reported once, and the rest goes on', async () => {
  const search = { toolCallId: 's', toolName: 'search', providerExecuted: true }
  const parts = [
    { type: 'stream-start', warnings: [{ type: 'other', message: 'Mind the gap.' }] },
    { type: 'response-metadata', id: 'a', modelId: 'b' },
    { type: 'ping' },
    { type: 'raw', rawValue: {} },
    { type: 'custom', kind: 'anthropic.message_start' },
    { type: 'tool-input-start', id: 's', toolName: 'search', providerExecuted: true },
    { type: 'tool-input-delta', id: 's', delta: '{}' },
    { type: 'tool-call', ...search, input: '{}' },
    { type: 'tool-result', toolCallId: 's', toolName: 'search', result: {} },
    { type: 'source', sourceType: 'url', id: '1', url: 'https://a.example' },
    { type: 'source', sourceType: 'url', id: '2', url: 'https://b.example' },
    { type: 'file', mediaType: 'image/png', data: 'AA==' },
    { type: 'from-the-future' },
    ...textParts('Hello'),
    FINISH,
  ]
  const warnings: ProviderWarning[] = []
  const provider = languageModelProvider(fakeModel({ parts }), {
    onWarning: (warning) => warnings.push(warning),
  })
  expect((await collect(provider.chatStream(HELLO))).map(({ type }) => type)).toEqual([
    ...Array.from({ length: 4 }, () => 'block'),
    'text_delta',
    'usage',
    'done',
  ])
  expect(warnings.map(({ type, feature, details }) => `${type} ${feature}: ${details}`)).toEqual([
    'other provider: Mind the gap.',
    'unsupported content: file: left out of the answer',
    'unsupported content: of a kind that is not known: left out of the answer',
  ])
})

test.each<[string, string, unknown, StreamDelta]>([
  [
    'v4',
    'stop at a sequence',
    { unified: 'stop', raw: 'stop_sequence' },
    { type: 'done', stopReason: 'stop_sequence' },
  ],
  ['v3', 'a refusal', { unified: 'content-filter', raw: 'refusal' }, { type: 'done', stopReason: 'refusal' }],
  ['v2', 'a refusal', 'content-filter', { type: 'done', stopReason: 'refusal' }],
  ['v4', 'the limit', { unified: 'length', raw: 'MAX_TOKENS' }, { type: 'done', stopReason: 'max_tokens' }],
  ['v2', 'the limit', 'length', { type: 'done', stopReason: 'max_tokens' }],
  ['v3', 'an odd reason', { unified: 'other', raw: 'moon' }, { type: 'done', stopReason: 'unknown' }],
  ['v2', 'an odd reason', 'other', { type: 'done', stopReason: 'unknown' }],
  [
    'v4',
    'a call gone wrong',
    { unified: 'error', raw: 'MALFORMED_FUNCTION_CALL' },
    { type: 'done', stopReason: 'unknown' },
  ],
  ['v4', 'a pause', { unified: 'stop', raw: 'pause_turn' }, { type: 'done', stopReason: 'unknown' }],
  ['v2', 'nothing', 'unknown', { type: 'error', kind: 'connection', message: CUT.message }],
  ['v3', 'nothing', { unified: 'other' }, { type: 'error', kind: 'connection', message: CUT.message }],
  [
    'v4',
    'an error',
    { unified: 'error' },
    { type: 'error', kind: 'server_error', message: 'The vendor gave up on its answer.' },
  ],
])(
  'given %s, when it finishes with %s, then the last delta says so',
  async (version, _, finishReason, last) => {
    const usage = version === 'v2' ? {} : FINISH.usage
    const parts = [{ ...FINISH, finishReason, usage }]
    const model = fakeModel({ version: version === 'v2' ? 'v2' : version === 'v3' ? 'v3' : 'v4', parts })
    expect((await collect(languageModelProvider(model).chatStream(HELLO))).at(-1)).toEqual(last)
  },
)

test("given Anthropic's stop sequence, when a model of any version stops at it, then the delta says so", async () => {
  const ended = {
    type: 'message_delta',
    delta: { stop_reason: 'stop_sequence', stop_sequence: 'END' },
    usage: { output_tokens: 3 },
  }
  const events = STREAMED.anthropic.toSpliced(-2, 1, ended)
  for (const name of ['anthropic v4', 'anthropic v3', 'anthropic v2']) {
    const { fetch } = recorded(() => eventStream('anthropic', events))
    const deltas = await collect(languageModelProvider(modelNamed(name).create({ fetch })).chatStream(HELLO))
    expect(deltas.at(-1)).toEqual({ type: 'done', stopReason: 'stop_sequence' })
  }
})

test.each([
  ['v4', { unified: 'stop', raw: 'stop' }],
  ['v3', { unified: 'other', raw: 'FUNCTION_CALL' }],
  ['v2', 'stop'],
] as const)(
  'given %s and a response with tool calls, when it ends, then it stopped for them, whatever reason the model gives',
  async (version, finishReason) => {
    const call = { type: 'tool-call', toolCallId: 't', toolName: 'a', input: '{}' }
    const usage = version === 'v2' ? {} : FINISH.usage
    const model = fakeModel({
      version,
      parts: [call, { ...FINISH, finishReason, usage }],
      answer: { content: [call], finishReason, usage },
    })
    const provider = languageModelProvider(model)
    expect((await collect(provider.chatStream(HELLO))).at(-1)).toEqual({
      type: 'done',
      stopReason: 'tool_use',
    })
    expect(await provider.chat(HELLO)).toMatchObject({ response: { stopReason: 'tool_use' } })
  },
)

test('given a model that refuses, when its stream ends, then the stop reason says so', async () => {
  const chunks = [
    chatChunk([{ index: 0, delta: { refusal: 'No.' } }]),
    chatChunk([{ index: 0, delta: {}, finish_reason: 'stop' }]),
  ]
  const { fetch } = recorded(() => eventStream('openai-chat', chunks))
  const deltas = await collect(
    languageModelProvider(modelNamed('openai chat v4').create({ fetch })).chatStream(HELLO),
  )
  expect(deltas.at(-1)).toEqual({ type: 'done', stopReason: 'refusal' })
})

test('given a part without a type, when it arrives, then the error says that it breaks the contract', async () => {
  const stream = new ReadableStream({ start: (controller) => controller.enqueue(null) })
  const model = { ...fakeModel(), doStream: () => Promise.resolve({ stream }) }
  const deltas = collect(languageModelProvider(model).chatStream(HELLO))
  await expect(deltas).rejects.toMatchObject({ code: 'invalid_stream' })
})
