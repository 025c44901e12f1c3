import { describe, expect, test } from 'vitest'
import { languageModelProvider } from '../../../src/surfaces/ai-sdk/index.ts'
import {
  type ChatRequest,
  collectStream,
  type ContentBlock,
  type ProviderMetadata,
  type ResponseInfo,
  type Usage,
} from '../../../src/surfaces/provider/index.ts'
import { assembled, collect, collectAll } from './deltas.ts'
import { MODELS } from './models.ts'
import { STREAMED, UNARY } from './said.ts'
import { eventStream, json, recorded, type Wire } from './wire.ts'

const REQUEST: ChatRequest = {
  system: 'Be brief.',
  messages: [{ role: 'user', content: 'What is the weather in Oslo?' }],
  tools: [{ name: 'weather', inputSchema: { type: 'object', properties: { city: { type: 'string' } } } }],
}
const TEXT: ContentBlock = { type: 'text', text: 'One moment.' }
const CALL: ContentBlock = { type: 'tool_use', id: 'call_1', name: 'weather', input: { city: 'Oslo' } }
const REASONING_ID = 'openai:{"itemId":"rs_1","reasoningEncryptedContent":"ZW5jcnlwdGVk"}'

const CONTENT: Readonly<Record<Wire, ContentBlock[]>> = {
  anthropic: [
    { type: 'thinking', thinking: 'Weather? Ask.', signature: 'c2lnbmVk' },
    { type: 'redacted_thinking', data: 'cmVkYWN0ZWQ=' },
    TEXT,
    CALL,
  ],
  'openai-chat': [TEXT, CALL],
  'openai-responses': [
    { type: 'thinking', thinking: 'Weather? Ask.', signature: REASONING_ID },
    { ...TEXT, providerMetadata: { openai: { itemId: 'msg_1' } } },
    { ...CALL, providerMetadata: { openai: { itemId: 'fc_1' } } },
  ],
  google: [
    { type: 'thinking', thinking: 'Weather? Ask.' },
    TEXT,
    { ...CALL, thoughtSignature: 'dGhvdWdodA==' },
  ],
}

/** The vendor's own word for why it stopped, which versions before v3 do not tell. */
const RAW: Readonly<Record<Wire, string | undefined>> = {
  anthropic: 'tool_use',
  'openai-chat': 'tool_calls',
  'openai-responses': undefined,
  google: 'STOP',
}

/** What is known of the response besides its content. */
function about(wire: Wire, version: string, contentType: string): ResponseInfo {
  return {
    id: 'answer_1',
    headers: { 'content-type': contentType },
    // The vendor's clock is in seconds, and two of them tell no time.
    ...(wire.startsWith('openai') && { createdAt: 1000 }),
    ...(version !== 'v2' && RAW[wire] !== undefined && { rawStopReason: RAW[wire] }),
    providerMetadata: expect.any(Object) as ProviderMetadata,
  }
}

function usage(wire: Wire, version: string): Usage {
  return {
    // Anthropic does not tell the reasoning apart.
    ...(wire !== 'anthropic' && { reasoningTokens: 10 }),
    ...(version !== 'v2' && { raw: expect.any(Object) as Record<string, unknown> }),
    inputTokens: 100,
    outputTokens: 30,
    cachedInputTokens: 40,
    cacheCreationInputTokens: wire === 'anthropic' ? 20 : 0,
  }
}

describe.each(MODELS)('$name', ({ wire, version, create }) => {
  test('given a response with every kind of block, when chat returns it, then it has the blocks, the usage of the whole input, the stop reason, id and model, after one request', async () => {
    const { fetch, sent } = recorded(() => json(UNARY[wire]))
    const provider = languageModelProvider(create({ fetch }))
    const outcome = await provider.chat(REQUEST)
    expect(outcome).toEqual({
      type: 'success',
      response: {
        ...about(wire, version, 'application/json'),
        // Google's provider does not tell.
        model: wire === 'google' ? provider.model : 'model-1',
        content: CONTENT[wire],
        stopReason: 'tool_use',
        usage: usage(wire, version),
      },
    })
    expect(sent).toHaveLength(1)
  })

  test('given the same response as a stream, when it is read, then the same blocks arrive in pieces, then usage, then done, after one request', async () => {
    const { fetch, sent } = recorded(() => eventStream(wire, STREAMED[wire]))
    const provider = languageModelProvider(create({ fetch }))
    const deltas = await collect(provider.chatStream(REQUEST))
    expect(assembled(deltas)).toEqual(CONTENT[wire])
    expect(deltas.slice(-2)).toEqual([
      { type: 'usage', usage: usage(wire, version) },
      { type: 'done', stopReason: 'tool_use' },
    ])
    expect(sent).toHaveLength(1)
  })

  test('given a stream, when it is read, then facts about the response arrive in deltas of their own, before and after the content', async () => {
    const connection = recorded(() => eventStream(wire, STREAMED[wire]))
    const provider = languageModelProvider(create(connection))
    const outcome = await collectStream(provider.chatStream(REQUEST), { model: provider.model })
    expect(outcome).toMatchObject({
      type: 'success',
      response: { ...about(wire, version, 'text/event-stream'), content: CONTENT[wire] },
    })
    const kinds = (await collectAll(provider.chatStream(REQUEST))).map(({ type }) => type)
    expect([kinds[0], kinds.at(-3)]).toEqual(['response', 'response'])
  })
})
