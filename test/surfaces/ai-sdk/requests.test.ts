import { describe, expect, test } from 'vitest'
import {
  languageModelProvider,
  type LanguageModelProviderOptions,
  type ProviderWarning,
} from '../../../src/surfaces/ai-sdk/index.ts'
import type { ChatRequest, Message } from '../../../src/surfaces/provider/index.ts'
import { fakeModel } from './fake-model.ts'
import { CONVERSATION, FIELDS, FORM, TOOLS } from './fields.ts'
import { modelNamed, MODELS, type RealModel } from './models.ts'
import { UNARY } from './said.ts'
import { json, recorded } from './wire.ts'

const HELLO: ChatRequest = { system: '', messages: [{ role: 'user', content: 'Hello' }] }

/** What goes out for a request, and what is said to be left out of it. */
async function sentFor(
  { wire, create }: RealModel,
  request: Partial<ChatRequest>,
  options: LanguageModelProviderOptions = {},
): Promise<{
  body: Record<string, unknown> | undefined
  unsupported: string[]
  warnings: ProviderWarning[]
}> {
  const warnings: ProviderWarning[] = []
  const { fetch, sent } = recorded(() => json(UNARY[wire]))
  const onWarning = (warning: ProviderWarning): unknown => warnings.push(warning)
  const provider = languageModelProvider(create({ fetch }), { ...options, onWarning })
  await provider.chat({ ...HELLO, ...request })
  expect(sent).toHaveLength(1)
  const unsupported = warnings.filter(({ type }) => type === 'unsupported').map(({ feature }) => feature)
  return { body: sent[0]?.body, unsupported, warnings }
}

describe.each(MODELS)('$name', (model) => {
  test.each(FIELDS)('$field', async ({ field, request, becomes }) => {
    const expected = becomes[model.name] ?? becomes[model.wire]
    const { body, unsupported } = await sentFor(model, request)
    if (expected !== 'unsupported') expect(body).toMatchObject(expected as object)
    expect(unsupported).toEqual(expected === 'unsupported' ? [field] : [])
  })

  test('given a tool that failed, when its result is sent, then the vendor learns of the failure, or a warning tells', async () => {
    const messages: Message[] = [
      ...CONVERSATION.slice(0, 2),
      {
        role: 'user',
        content: [{ type: 'tool_result', toolUseId: 'call_1', content: 'No city.', isError: true }],
      },
    ]
    const { body, unsupported } = await sentFor(model, { messages })
    const told = /"is_error":true|"error":|\\"error\\":/.test(JSON.stringify(body))
    expect({ told, unsupported }).toEqual({ told, unsupported: told ? [] : ['tool_result.isError'] })
  })

  test('given a request without a field, when it is sent, then the vendor decides about that field', async () => {
    const { body, warnings } = await sentFor(model, {})
    const given = [
      'model',
      'messages',
      'input',
      'contents',
      'generationConfig',
      'max_tokens',
      'anthropic_version',
    ]
    expect(Object.keys(body ?? {}).filter((key) => !given.includes(key))).toEqual([])
    expect(warnings).toEqual([])
  })
})

test('given a request without thinking, when it is sent, then the configured thinking applies', async () => {
  const thinking = { mode: 'adaptive', effort: 'high' } as const
  const model = modelNamed('anthropic v4')
  expect((await sentFor(model, {}, { thinking })).body).toMatchObject({ output_config: { effort: 'high' } })
  const own = { thinking: { mode: 'adaptive', effort: 'low' } } as const
  expect((await sentFor(model, own, { thinking })).body).toMatchObject({ output_config: { effort: 'low' } })
})

test("given Anthropic, which demands a limit, when a request has none, then the model's known limit is sent", async () => {
  const capabilities = {
    contextWindow: 9000,
    maxOutputTokens: 6000,
    input: ['text'],
    thinking: 'both',
  } as const
  const model = modelNamed('anthropic v4')
  expect((await sentFor(model, {}, { capabilities })).body).toMatchObject({ max_tokens: 6000 })
  const thinking = { mode: 'enabled', budgetTokens: 2000 } as const
  expect((await sentFor(model, { thinking }, { capabilities })).body).toMatchObject({ max_tokens: 6000 })
})

test.each(['anthropic v4', 'anthropic v3', 'anthropic v2'])(
  'given %s, when providerOptions ask for thinking, then maxTokens limits that, too',
  async (name) => {
    for (const [thinking, budget] of [
      [{ type: 'enabled', budgetTokens: 2000 }, 2000],
      [{ type: 'enabled' }, 1024],
    ] as const) {
      const options = { providerOptions: { anthropic: { thinking } } }
      const { body } = await sentFor(modelNamed(name), { maxTokens: 5000 }, options)
      expect(body).toMatchObject({ max_tokens: 5000, thinking: { budget_tokens: budget } })
    }
  },
)

test('given a format and a forced tool, when Anthropic is not made to use the tool, then a warning tells', async () => {
  const [tool] = TOOLS
  const toolChoice = { type: 'tool', name: tool?.name ?? '' } as const
  const responseFormat = { type: 'json_schema', name: 'form', schema: FORM } as const
  for (const version of ['v4', 'v3', 'v2']) {
    const model = modelNamed(`anthropic ${version}`)
    for (const [structuredOutputMode, expected] of [
      ['jsonTool', ['toolChoice']],
      ['outputFormat', []],
    ] as const) {
      const options = { providerOptions: { anthropic: { structuredOutputMode } } }
      const { body, unsupported } = await sentFor(
        model,
        { tools: TOOLS, toolChoice, responseFormat },
        options,
      )
      expect(unsupported).toEqual(expected)
      expect(body).toMatchObject({ tool_choice: { type: expected.length > 0 ? 'any' : 'tool' } })
    }
  }
})

test.each<[string, Record<string, Record<string, unknown>>, Record<string, unknown>]>([
  [
    'anthropic v4',
    { anthropic: { thinking: { type: 'enabled', budgetTokens: 9, display: 'summarized' }, speed: 'fast' } },
    {
      thinking: { type: 'adaptive', display: 'summarized' },
      speed: 'fast',
      output_config: { effort: 'low' },
    },
  ],
  [
    'openai chat v4',
    { openai: { reasoningEffort: 'high', store: true } },
    { reasoning_effort: 'low', store: true },
  ],
  [
    'openai chat v2',
    { openai: { reasoningEffort: 'high', store: true } },
    { reasoning_effort: 'low', store: true },
  ],
  [
    'google vertex v4',
    { googleVertex: { thinkingConfig: { thinkingBudget: 9 }, labels: { team: 'a' } } },
    { generationConfig: { thinkingConfig: { thinkingLevel: 'low' } }, labels: { team: 'a' } },
  ],
  [
    'google vertex v4',
    { vertex: { thinkingConfig: { thinkingBudget: 9 }, labels: { team: 'a' } } },
    { generationConfig: { thinkingConfig: { thinkingLevel: 'low' } }, labels: { team: 'a' } },
  ],
  [
    'openai-compatible v4',
    { myServer: { reasoningEffort: 'high', top_a: 1 } },
    { reasoning_effort: 'low', top_a: 1 },
  ],
])(
  "given %s and providerOptions %j, when a request is sent, then they go along, and the request's own options win",
  async (name, providerOptions, expected) => {
    const given = structuredClone(providerOptions)
    const request = { thinking: { mode: 'adaptive', effort: 'low' } } as const
    const { body } = await sentFor(modelNamed(name), request, { providerOptions })
    expect(body).toMatchObject(expected)
    expect(JSON.stringify(body)).not.toContain('thinkingBudget')
    expect(providerOptions).toEqual(given)
  },
)

test('given a v2 model with tools, when strict output would make the tools strict, then it is not asked for', async () => {
  const request: Partial<ChatRequest> = {
    tools: TOOLS,
    responseFormat: { type: 'json_schema', name: 'form', schema: FORM, strict: true },
  }
  const { body, unsupported } = await sentFor(modelNamed('openai chat v2'), request)
  expect(body).toMatchObject({ tools: [{ function: { strict: false } }] })
  expect(unsupported).toEqual(['responseFormat.strict'])
})

test.each([
  ['gemini-3-pro-preview', { includeThoughts: true, thinkingLevel: 'high' }, ['thinking.effort']],
  ['gemini-2.5-flash', { includeThoughts: true }, ['thinking.effort']],
])(
  'given a model before v4 and an effort, when %s is asked, then it gets a level, if it has that level',
  async (modelId, thinkingConfig, features) => {
    for (const version of ['v2', 'v3'] as const) {
      const warnings: ProviderWarning[] = []
      const model = fakeModel({ version, provider: 'google.generative-ai', modelId })
      const provider = languageModelProvider(model, { onWarning: (warning) => warnings.push(warning) })
      await provider.chat({ ...HELLO, thinking: { mode: 'adaptive', effort: 'max' } })
      expect(model.calls[0]?.providerOptions).toEqual({ google: { thinkingConfig } })
      expect(model.calls[0]?.reasoning).toBeUndefined()
      expect(warnings.map(({ feature }) => feature)).toEqual(features)
    }
  },
)

test('given an unknown vendor, when a request is sent, then it gets the fields of the specification, and warnings tell of the rest', async () => {
  const request: ChatRequest = {
    ...HELLO,
    thinking: { mode: 'enabled', budgetTokens: 2000, effort: 'high' },
    sessionId: 'a',
    cachedContent: 'b',
  }
  const seen = (['v4', 'v3'] as const).map(async (version) => {
    const features: string[] = []
    const model = fakeModel({ version })
    await languageModelProvider(model, { onWarning: ({ feature }) => features.push(feature) }).chat(request)
    return { reasoning: model.calls[0]?.reasoning, features }
  })
  const both = ['thinking.budgetTokens', 'sessionId', 'cachedContent']
  expect(await Promise.all(seen)).toEqual([
    { reasoning: 'high', features: both },
    {
      reasoning: undefined,
      features: ['thinking.budgetTokens', 'thinking.effort', 'sessionId', 'cachedContent'],
    },
  ])
})

test("given a model with a name of its own, when the option vendor is set, then that vendor's protocol is used", async () => {
  const model = fakeModel({ provider: 'my-proxy' })
  const provider = languageModelProvider(model, { vendor: 'anthropic' })
  await provider.chat({ ...HELLO, sessionId: 'a' })
  expect(model.calls[0]?.providerOptions).toEqual({ anthropic: { metadata: { userId: 'a' } } })
})

test('given a request, when it is sent, then it is not changed', async () => {
  const request: ChatRequest = { ...HELLO, messages: CONVERSATION, tools: TOOLS, sessionId: 'a' }
  const before = structuredClone(request)
  for (const model of MODELS) await sentFor(model, request)
  expect(request).toEqual(before)
})
