import { describe, expect, test } from 'vitest'
import { languageModelProvider, type ProviderWarning } from '../../../src/surfaces/ai-sdk/index.ts'
import type { ChatOutcome, ContentBlock } from '../../../src/surfaces/provider/index.ts'
import { assembled, collect } from './deltas.ts'
import { fakeModel } from './fake-model.ts'
import { modelNamed, type RealModel, speaking } from './models.ts'
import { STREAMED, UNARY } from './said.ts'
import { chatChunk, eventStream, geminiChunk, json, recorded } from './wire.ts'

const HELLO = { system: '', messages: [{ role: 'user' as const, content: 'Weather in Oslo?' }] }

function contentOf(outcome: ChatOutcome): ContentBlock[] {
  if (outcome.type !== 'success') throw new Error(`the chat ended in ${outcome.type}`)
  return outcome.response.content
}

/** What the model is sent when this content is put back into the conversation. */
async function sentBack(
  { wire, create }: RealModel,
  content: ContentBlock[],
  options: { providerOptions?: Record<string, Record<string, unknown>> } = {},
): Promise<{ body: Record<string, unknown>; unsupported: string[] }> {
  const unsupported: string[] = []
  const onWarning = ({ type, feature }: ProviderWarning): void => {
    if (type === 'unsupported') unsupported.push(feature)
  }
  const { fetch, sent } = recorded(() => json(UNARY[wire]))
  const provider = languageModelProvider(create({ fetch }), { ...options, onWarning })
  const calls = content.filter((block) => block.type === 'tool_use')
  await provider.chat({
    ...HELLO,
    messages: [
      ...HELLO.messages,
      { role: 'assistant', content },
      {
        role: 'user',
        content:
          calls.length === 0
            ? 'Go on.'
            : calls.map(({ id }) => ({ type: 'tool_result', toolUseId: id, content: 'Rain.' })),
      },
    ],
  })
  return { body: sent[0]?.body ?? {}, unsupported }
}

/** The content of an answer, asked for whole and piece by piece. */
async function answers(
  model: RealModel,
  unary: unknown,
  events: readonly unknown[],
): Promise<ContentBlock[][]> {
  const whole = languageModelProvider(model.create(recorded(() => json(unary))))
  const pieces = languageModelProvider(model.create(recorded(() => eventStream(model.wire, events))))
  return [contentOf(await whole.chat(HELLO)), assembled(await collect(pieces.chatStream(HELLO)))]
}

describe.each(speaking('anthropic'))('$name', (model) => {
  test('given signed and redacted thinking, when it is sent back, then it is unchanged', async () => {
    for (const content of await answers(model, UNARY.anthropic, STREAMED.anthropic)) {
      const { body, unsupported } = await sentBack(model, content)
      expect(body).toMatchObject({
        messages: [
          {},
          {
            role: 'assistant',
            content: [
              { type: 'thinking', thinking: 'Weather? Ask.', signature: 'c2lnbmVk' },
              { type: 'redacted_thinking', data: 'cmVkYWN0ZWQ=' },
              { type: 'text', text: 'One moment.' },
              { type: 'tool_use', id: 'call_1', name: 'weather', input: { city: 'Oslo' } },
            ],
          },
          {},
        ],
      })
      expect(unsupported).toEqual([])
    }
  })

  test('given thinking without its words, when it is sent back, then it keeps its signature', async () => {
    const block = { type: 'thinking', thinking: '', signature: 'c2lnbmVk' }
    const answer = { ...(UNARY.anthropic as object), content: [block, { type: 'text', text: 'Hm.' }] }
    const events = STREAMED.anthropic.filter((event) => !JSON.stringify(event).includes('"thinking_delta"'))
    for (const content of await answers(model, answer, events)) {
      const { body } = await sentBack(model, content)
      expect(body['messages']).toMatchObject([{}, { content: expect.arrayContaining([block]) }, {}])
    }
  })
})

describe.each(speaking('google'))('$name', (model) => {
  test('given a signed function call, when it is sent back, then its signature is unchanged', async () => {
    for (const content of await answers(model, UNARY.google, STREAMED.google)) {
      const { body, unsupported } = await sentBack(model, content)
      expect(body).toMatchObject({
        contents: [
          {},
          {
            role: 'model',
            parts: [
              { text: 'Weather? Ask.', thought: true },
              { text: 'One moment.' },
              {
                functionCall: { name: 'weather', args: { city: 'Oslo' } },
                thoughtSignature: 'dGhvdWdodA==',
              },
            ],
          },
          {},
        ],
      })
      expect(unsupported).toEqual([])
    }
  })

  test('given a signed thought and a signed text, when they are sent back, then their signatures are unchanged', async () => {
    const parts = [
      { text: 'Easy.', thought: true, thoughtSignature: 'dGhvdWdodA==' },
      { text: 'Rain.', thoughtSignature: 'dGV4dA==' },
    ]
    const chunks = [...parts.map((part) => geminiChunk([part])), geminiChunk([], 'STOP')]
    for (const content of await answers(model, geminiChunk(parts, 'STOP'), chunks)) {
      expect(content.map(({ type }) => type)).toEqual(['thinking', 'text', 'thinking'])
      const { body, unsupported } = await sentBack(model, content)
      expect(body).toMatchObject({ contents: [{}, { role: 'model', parts }, {}] })
      expect(unsupported).toEqual([])
    }
  })
})

describe.each(speaking('openai-responses'))('$name', (model) => {
  test('given a vendor that stores nothing, when a reasoning item is sent back, then it is encrypted', async () => {
    for (const content of await answers(model, UNARY['openai-responses'], STREAMED['openai-responses'])) {
      const { body } = await sentBack(model, content, { providerOptions: { openai: { store: false } } })
      expect(body).toMatchObject({
        input: [
          {},
          {
            type: 'reasoning',
            id: 'rs_1',
            encrypted_content: 'ZW5jcnlwdGVk',
            summary: [{ type: 'summary_text', text: 'Weather? Ask.' }],
          },
          { role: 'assistant' },
          { type: 'function_call', call_id: 'call_1' },
          { type: 'function_call_output', call_id: 'call_1' },
        ],
      })
    }
  })

  test('given a reasoning item without a summary, when it is sent back, then it was an opaque block, and is encrypted', async () => {
    const item = { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'ZW5jcnlwdGVk' }
    const answer = { ...(UNARY['openai-responses'] as { output: object[] }) }
    answer.output = [item, ...answer.output.slice(1)]
    const events = STREAMED['openai-responses'].flatMap((event) => {
      const { type, item: added } = event as { type: string; item?: { type: string } }
      if (type.startsWith('response.reasoning_summary')) return []
      if (type !== 'response.output_item.done' || added?.type !== 'reasoning') return [event]
      return [{ ...(event as object), item }]
    })
    for (const content of await answers(model, answer, events)) {
      expect(content[0]).toEqual({
        type: 'opaque_reasoning',
        provider: 'openai',
        data: '{"itemId":"rs_1","reasoningEncryptedContent":"ZW5jcnlwdGVk"}',
      })
      const { body, unsupported } = await sentBack(model, content, {
        providerOptions: { openai: { store: false } },
      })
      expect(body).toMatchObject({ input: [{}, item, {}, {}, {}] })
      expect(unsupported).toEqual([])
    }
  })

  test('given a vendor that stores reasoning, when an item is sent back, then its id is sent', async () => {
    const [content = []] = await answers(model, UNARY['openai-responses'], STREAMED['openai-responses'])
    const { body } = await sentBack(model, content)
    expect(body).toMatchObject({ input: [{}, { type: 'item_reference', id: 'rs_1' }, {}, {}, {}] })
  })
})

test("given Google's OpenAI-compatible server, when function calls are sent back, then they have their signatures", async () => {
  const model = modelNamed('openai-compatible v4')
  const call = (index: number): object => ({
    index,
    id: `call_${index}`,
    type: 'function',
    function: { name: 'weather', arguments: '{}' },
    extra_content: { google: { thought_signature: `signature-${index}` } },
  })
  const choice = { index: 0, finish_reason: 'tool_calls' }
  const whole = chatChunk([{ ...choice, message: { role: 'assistant', tool_calls: [call(0), call(1)] } }])
  const chunks = [
    chatChunk([{ index: 0, delta: { role: 'assistant', tool_calls: [call(0)] } }]),
    chatChunk([{ index: 0, delta: { tool_calls: [call(1)] } }]),
    chatChunk([{ ...choice, delta: {} }]),
  ]
  for (const content of await answers(model, whole, chunks)) {
    const { body, unsupported } = await sentBack(model, content)
    const signed = [0, 1].map((index) => ({
      id: `call_${index}`,
      extra_content: { google: { thought_signature: `signature-${index}` } },
    }))
    expect(body).toMatchObject({ messages: [{}, { tool_calls: signed }, {}, {}] })
    expect(unsupported).toEqual([])
  }
})

test("given an unknown vendor, when its mark is sent back, then it is under the vendor's own name", async () => {
  const marked = (fields: object): object => ({
    type: 'reasoning',
    text: '',
    providerMetadata: { acme: fields },
  })
  const model = fakeModel({
    answer: { content: [marked({ signature: 'c2ln' }), marked({ redactedData: 'cmVk' })] },
  })
  const provider = languageModelProvider(model)
  const content = contentOf(await provider.chat(HELLO))
  expect(content).toEqual([
    { type: 'opaque_reasoning', provider: 'acme', data: '{"signature":"c2ln"}' },
    { type: 'opaque_reasoning', provider: 'acme', data: '{"redactedData":"cmVk"}' },
  ])
  await provider.chat({ ...HELLO, messages: [...HELLO.messages, { role: 'assistant', content }] })
  expect(model.calls[1]?.prompt[1]).toEqual({
    role: 'assistant',
    content: [
      { type: 'reasoning', text: '', providerOptions: { acme: { signature: 'c2ln' } } },
      { type: 'reasoning', text: '', providerOptions: { acme: { redactedData: 'cmVk' } } },
    ],
  })
})

const OF_ANTHROPIC: ContentBlock[] = [
  { type: 'thinking', thinking: 'Hm.', signature: 'c2lnbmVk' },
  { type: 'redacted_thinking', data: 'cmVkYWN0ZWQ=' },
]
const OF_OPENAI: ContentBlock[] = [
  { type: 'thinking', thinking: 'Hm.', signature: 'openai:{"itemId":"rs_1"}' },
]
const OF_GOOGLE: ContentBlock[] = [
  { type: 'thinking', thinking: 'Hm.', signature: 'google:{"thoughtSignature":"dGhvdWdodA=="}' },
  { type: 'tool_use', id: 'call_1', name: 'weather', input: {}, thoughtSignature: 'dGhvdWdodA==' },
]
const OPAQUE: ContentBlock[] = [
  { type: 'opaque_reasoning', provider: 'openai', data: '{"itemId":"rs_1"}' },
  { type: 'opaque_reasoning', provider: 'hand-written', data: 'c2lnbmVk' },
]
const MARKS = /c2lnbmVk|cmVkYWN0ZWQ=|rs_1|dGhvdWdodA==/

test.each<[string, string, ContentBlock[], string[]]>([
  ["OpenAI's", 'anthropic v4', OF_OPENAI, ['thinking.signature']],
  ["Google's", 'anthropic v2', OF_GOOGLE, ['thinking.signature', 'tool_use.thoughtSignature']],
  ["Anthropic's", 'google v4', OF_ANTHROPIC, ['thinking.signature', 'redacted_thinking']],
  ["OpenAI's", 'google vertex v4', OF_OPENAI, ['thinking.signature']],
  ["Anthropic's", 'openai responses v4', OF_ANTHROPIC, ['thinking.signature', 'redacted_thinking']],
  ["OpenAI's opaque", 'anthropic v4', OPAQUE, ['opaque_reasoning']],
  ["OpenAI's opaque, from its Responses API", 'openai chat v4', OPAQUE, ['opaque_reasoning']],
  ["OpenAI's opaque", 'openai-compatible v4', OPAQUE, ['opaque_reasoning']],
  ["Google's", 'openai responses v3', OF_GOOGLE, ['thinking.signature', 'tool_use.thoughtSignature']],
  ["OpenAI's own, from its Responses API", 'openai chat v4', OF_OPENAI, ['thinking.signature']],
  ["Anthropic's", 'openai-compatible v4', OF_ANTHROPIC, ['thinking.signature', 'redacted_thinking']],
])(
  'given the mark of another vendor (%s to %s), when it is sent back, then it is left out, and a warning tells',
  async (_, name, content, features) => {
    const { body, unsupported } = await sentBack(modelNamed(name), [
      { type: 'text', text: 'Hm.' },
      ...content,
    ])
    expect(JSON.stringify(body)).not.toMatch(MARKS)
    expect(unsupported).toEqual(features)
  },
)

test('given unsigned thinking, when it is sent back, then the vendor gets it, or a warning tells that it takes none', async () => {
  const content: ContentBlock[] = [
    { type: 'thinking', thinking: 'I wonder.' },
    { type: 'text', text: 'Hm.' },
  ]
  const compatible = await sentBack(modelNamed('openai-compatible v4'), content)
  expect(compatible.body).toMatchObject({ messages: [{}, { reasoning_content: 'I wonder.' }, {}] })
  for (const name of ['anthropic v4', 'openai chat v4', 'openai responses v4']) {
    const { body, unsupported } = await sentBack(modelNamed(name), content)
    expect(JSON.stringify(body)).not.toContain('I wonder.')
    expect(unsupported).toEqual(['thinking'])
  }
})

test('given a turn whose every block is left out, when the request is sent, then the turn is left out', async () => {
  const { body } = await sentBack(modelNamed('anthropic v4'), OF_OPENAI)
  expect(body['messages']).toHaveLength(1)
})
