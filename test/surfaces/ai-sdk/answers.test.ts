import { describe, expect, test } from 'vitest'
import type { ChatRequest, ContentBlock, Usage } from '../../../src/index.ts'
import { languageModelProvider } from '../../../src/surfaces/ai-sdk.ts'
import { assembled, collect } from './deltas.ts'
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
  'openai-responses': [{ type: 'thinking', thinking: 'Weather? Ask.', signature: REASONING_ID }, TEXT, CALL],
  google: [
    { type: 'thinking', thinking: 'Weather? Ask.' },
    TEXT,
    { ...CALL, thoughtSignature: 'dGhvdWdodA==' },
  ],
}

function usage(wire: Wire): Usage {
  return {
    inputTokens: 100,
    outputTokens: 30,
    cachedInputTokens: 40,
    cacheCreationInputTokens: wire === 'anthropic' ? 20 : 0,
  }
}

describe.each(MODELS)('$name', ({ wire, create }) => {
  test('chat: every block, the usage with the whole input, the reason, id and model; one request', async () => {
    const { fetch, sent } = recorded(() => json(UNARY[wire]))
    const provider = languageModelProvider(create({ fetch }))
    const outcome = await provider.chat(REQUEST)
    expect(outcome).toEqual({
      type: 'success',
      response: {
        id: 'answer_1',
        // Google's provider does not tell.
        model: wire === 'google' ? provider.model : 'model-1',
        content: CONTENT[wire],
        stopReason: 'tool_use',
        usage: usage(wire),
      },
    })
    expect(sent).toHaveLength(1)
  })

  test('chatStream: the same blocks piece by piece, then usage, then done; one request', async () => {
    const { fetch, sent } = recorded(() => eventStream(wire, STREAMED[wire]))
    const provider = languageModelProvider(create({ fetch }))
    const deltas = await collect(provider.chatStream(REQUEST))
    expect(assembled(deltas)).toEqual(CONTENT[wire])
    expect(deltas.slice(-2)).toEqual([
      { type: 'usage', usage: usage(wire) },
      { type: 'done', stopReason: 'tool_use' },
    ])
    expect(sent).toHaveLength(1)
  })
})
