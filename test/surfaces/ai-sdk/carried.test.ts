import { expect, test } from 'vitest'
import {
  type AiSdkVersion,
  languageModelProvider,
  type ProviderWarning,
} from '../../../src/surfaces/ai-sdk/index.ts'
import { collectStream, type ContentBlock, RefreshingProvider } from '../../../src/surfaces/provider/index.ts'
import { collectAll } from './deltas.ts'
import { fakeModel, FINISH } from './fake-model.ts'

const HELLO = { system: '', messages: [{ role: 'user' as const, content: 'Hello' }] }
const MARK = { nobody: { itemId: 'item_1' } }

/** What a model may say that is neither text nor a call of the caller's tools; every part comes whole. */
const PARTS = [
  {
    type: 'source',
    sourceType: 'url',
    id: '1',
    url: 'https://a.example',
    title: 'A',
    providerMetadata: MARK,
  },
  {
    type: 'source',
    sourceType: 'document',
    id: '2',
    mediaType: 'application/pdf',
    title: 'B',
    filename: 'b.pdf',
  },
  {
    type: 'tool-call',
    toolCallId: 's',
    toolName: 'search',
    input: '{"q":"a"}',
    providerExecuted: true,
    providerMetadata: MARK,
  },
  { type: 'tool-result', toolCallId: 's', toolName: 'search', result: { found: 1 }, providerMetadata: MARK },
  { type: 'tool-result', toolCallId: 't', toolName: 'search', result: 'away', isError: true },
  { type: 'tool-approval-request', approvalId: 'a', toolCallId: 's', providerMetadata: MARK },
]
const BLOCKS: ContentBlock[] = [
  {
    type: 'source',
    id: '1',
    sourceType: 'url',
    url: 'https://a.example',
    title: 'A',
    providerMetadata: MARK,
  },
  {
    type: 'source',
    id: '2',
    sourceType: 'document',
    mediaType: 'application/pdf',
    title: 'B',
    filename: 'b.pdf',
  },
  {
    type: 'provider_tool_use',
    provider: 'nobody',
    id: 's',
    name: 'search',
    input: { q: 'a' },
    providerMetadata: MARK,
  },
  {
    type: 'provider_tool_result',
    provider: 'nobody',
    toolUseId: 's',
    name: 'search',
    result: { found: 1 },
    providerMetadata: MARK,
  },
  {
    type: 'provider_tool_result',
    provider: 'nobody',
    toolUseId: 't',
    name: 'search',
    result: 'away',
    isError: true,
  },
  { type: 'tool_approval_request', id: 'a', toolUseId: 's', providerMetadata: MARK },
]

/** The content of the answer, whole and streamed, and what was reported. */
async function told(
  whole: readonly Record<string, unknown>[],
  parts: readonly Record<string, unknown>[] = whole,
): Promise<ContentBlock[][]> {
  const warnings: ProviderWarning[] = []
  const model = fakeModel({ answer: { content: whole }, parts: [...parts, FINISH] })
  const provider = languageModelProvider(model, { onWarning: (warning) => warnings.push(warning) })
  const outcomes = [
    await provider.chat(HELLO),
    await collectStream(provider.chatStream(HELLO), { model: provider.model }),
  ]
  expect(warnings).toEqual([])
  return outcomes.map((outcome) => (outcome.type === 'success' ? outcome.response.content : []))
}

test('given sources, tool calls that the vendor ran and its requests for approval, when a model responds with them, then the caller gets them as blocks', async () => {
  for (const content of await told(PARTS)) expect(content).toEqual(BLOCKS)
})

test('given results of a tool that replace each other, when the model streams them, then the block has the last one', async () => {
  const result = (n: number, preliminary: boolean): Record<string, unknown> => ({
    type: 'tool-result',
    toolCallId: 's',
    toolName: 'image',
    result: n,
    preliminary,
  })
  const [, streamed] = await told([result(1, true), result(2, true), result(3, false)])
  expect(streamed).toMatchObject([{ type: 'provider_tool_result', result: 3 }])
})

test('given metadata of a text, of a thought and of a call, when the model responds with them, then their blocks have the metadata', async () => {
  const marks = (name: string): object => ({
    providerMetadata: { nobody: { name, signature: 'x', gone: null } },
  })
  const call = { toolCallId: 'c', toolName: 'weather', input: '{}' }
  const whole = [
    { type: 'reasoning', text: 'a', ...marks('thought') },
    { type: 'text', text: 'b', ...marks('text') },
    { type: 'tool-call', ...call, ...marks('call') },
  ]
  const pieces = [
    { type: 'reasoning-start', id: 'r' },
    { type: 'reasoning-delta', id: 'r', delta: 'a' },
    { type: 'reasoning-end', id: 'r', ...marks('thought') },
    { type: 'text-start', id: 't', ...marks('text') },
    { type: 'text-delta', id: 't', delta: 'b' },
    { type: 'text-end', id: 't' },
    { type: 'tool-call', ...call, ...marks('call') },
  ]
  const beside = (name: string, more: object = {}): object => ({
    providerMetadata: { nobody: { name, ...more } },
  })
  const expected = [
    { type: 'thinking', thinking: 'a', signature: 'nobody:{"signature":"x"}', ...beside('thought') },
    { type: 'text', text: 'b', ...beside('text', { signature: 'x' }) },
    { type: 'tool_use', id: 'c', name: 'weather', input: {}, ...beside('call', { signature: 'x' }) },
  ]
  expect(await told(whole, pieces)).toEqual([expected, expected])
})

test.each<AiSdkVersion>(['v2', 'v3', 'v4'])(
  '%s: given blocks of tools that the vendor ran, when they are sent back, then the same vendor gets them whole',
  async (version) => {
    const warnings: string[] = []
    const model = fakeModel({ version })
    const provider = languageModelProvider(model, { onWarning: ({ feature }) => warnings.push(feature) })
    const answer = {
      type: 'tool_approval_response',
      approvalId: 'a',
      approved: false,
      reason: 'No.',
    } as const
    await provider.chat({
      ...HELLO,
      messages: [
        ...HELLO.messages,
        { role: 'assistant', content: [...BLOCKS, { type: 'text', text: 'Done.' }] },
        { role: 'user', content: [answer, { type: 'text', text: 'Go on.' }] },
      ],
    })
    expect(model.calls[0]?.prompt.slice(1)).toEqual([
      {
        role: 'assistant',
        content: [
          {
            type: 'tool-call',
            toolCallId: 's',
            toolName: 'search',
            input: { q: 'a' },
            providerExecuted: true,
            providerOptions: MARK,
          },
          {
            type: 'tool-result',
            toolCallId: 's',
            toolName: 'search',
            output: { type: 'json', value: { found: 1 } },
            providerOptions: MARK,
          },
          {
            type: 'tool-result',
            toolCallId: 't',
            toolName: 'search',
            output: { type: 'error-json', value: 'away' },
          },
          { type: 'text', text: 'Done.' },
        ],
      },
      ...(version === 'v2'
        ? []
        : [
            {
              role: 'tool',
              content: [{ type: 'tool-approval-response', approvalId: 'a', approved: false, reason: 'No.' }],
            },
          ]),
      { role: 'user', content: [{ type: 'text', text: 'Go on.' }] },
    ])
    expect(warnings).toEqual(version === 'v2' ? ['tool_approval_response'] : [])
  },
)

test('given a tool of another vendor, when it is sent back, then it is left out and reported', async () => {
  const warnings: ProviderWarning[] = []
  const model = fakeModel()
  const provider = languageModelProvider(model, { onWarning: (warning) => warnings.push(warning) })
  const foreign = {
    type: 'provider_tool_use',
    provider: 'other',
    id: 's',
    name: 'search',
    input: {},
  } as const
  await provider.chat({ ...HELLO, messages: [...HELLO.messages, { role: 'assistant', content: [foreign] }] })
  expect(model.calls[0]?.prompt).toHaveLength(1)
  expect(warnings).toEqual([
    { type: 'unsupported', feature: 'provider_tool_use', details: "it is a tool of other's" },
  ])
})

test.each(BLOCKS)(
  'given a $type block in a message of the user, when it is sent, then the provider refuses it',
  async (block) => {
    const provider = languageModelProvider(fakeModel())
    const request = { ...HELLO, messages: [{ role: 'user' as const, content: [block] }] }
    await expect(provider.chat(request)).rejects.toMatchObject({ code: 'invalid_request' })
  },
)

test('[P6] given a stream with facts about the response only, when the server rejects it, then it is opened again', async () => {
  const rejected = { type: 'error', error: { type: 'authentication_error', message: 'expired' } }
  const stale = fakeModel({ parts: [{ type: 'response-metadata', id: 'gone' }, rejected] })
  const fresh = fakeModel({ parts: [{ type: 'response-metadata', id: 'real' }, FINISH] })
  const provider = new RefreshingProvider(languageModelProvider(stale), async () =>
    languageModelProvider(fresh),
  )
  const outcome = await collectStream(provider.chatStream(HELLO), { model: 'a-model' })
  expect(outcome).toMatchObject({ type: 'success', response: { id: 'real' } })
})

test('[P6] given a stream that began with a whole block, when the server rejects it, then the caller gets the rejection', async () => {
  const rejected = { type: 'error', error: { type: 'authentication_error', message: 'expired' } }
  const stale = fakeModel({ parts: [PARTS[0] ?? {}, rejected] })
  const provider = new RefreshingProvider(languageModelProvider(stale), async () =>
    languageModelProvider(fakeModel()),
  )
  const kinds = (await collectAll(provider.chatStream(HELLO))).map(({ type }) => type)
  expect(kinds).toEqual(['block', 'error'])
})
