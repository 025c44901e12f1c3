import { expect, test } from 'vitest'
import { type AiSdkVersion, languageModelProvider } from '../../../src/surfaces/ai-sdk/index.ts'
import type { Usage } from '../../../src/surfaces/provider/index.ts'
import { collect } from './deltas.ts'
import { fakeModel, FINISH } from './fake-model.ts'

const HELLO = { system: '', messages: [{ role: 'user' as const, content: 'Hello' }] }

/** The fields of a `Usage`, in its order. */
type Counts = [input: number, output: number, cached: number, written: number]

test.each<[string, AiSdkVersion, object, object | undefined, Counts]>([
  [
    'nested',
    'v4',
    {
      inputTokens: { total: 100, cacheRead: 40, cacheWrite: 20 },
      outputTokens: { total: 30, reasoning: 10 },
    },
    undefined,
    [100, 30, 40, 20],
  ],
  [
    'nested, without totals',
    'v3',
    {
      inputTokens: { noCache: 40, cacheRead: 40, cacheWrite: 20 },
      outputTokens: { text: 20, reasoning: 10 },
    },
    undefined,
    [100, 30, 40, 20],
  ],
  ['nested, of nothing', 'v4', { inputTokens: {}, outputTokens: {} }, undefined, [0, 0, 0, 0]],
  [
    'flat, reasoning counted within the output (OpenAI)',
    'v2',
    { inputTokens: 100, outputTokens: 30, totalTokens: 130, reasoningTokens: 10, cachedInputTokens: 40 },
    { openai: {} },
    [100, 30, 40, 0],
  ],
  [
    'flat, reasoning counted beside the output (Google)',
    'v2',
    { inputTokens: 100, outputTokens: 20, totalTokens: 130, reasoningTokens: 10, cachedInputTokens: 40 },
    { google: {} },
    [100, 30, 40, 0],
  ],
  [
    'flat, the cache counted beside the input (Anthropic)',
    'v2',
    { inputTokens: 40, outputTokens: 30, totalTokens: 70, cachedInputTokens: 40 },
    { anthropic: { cacheCreationInputTokens: 20 } },
    [100, 30, 40, 20],
  ],
  ['flat, of nothing', 'v2', { inputTokens: undefined, outputTokens: undefined }, undefined, [0, 0, 0, 0]],
])(
  'given %s, when usage is read, then it counts the whole input and the whole output',
  async (_, version, usage, providerMetadata, counts) => {
    const [inputTokens, outputTokens, cachedInputTokens, cacheCreationInputTokens] = counts
    const reasoningTokens = reasoningIn(usage)
    const expected: Usage = {
      inputTokens,
      outputTokens,
      cachedInputTokens,
      cacheCreationInputTokens,
      ...(reasoningTokens !== undefined && { reasoningTokens }),
    }
    const ended = { finishReason: version === 'v2' ? 'stop' : FINISH.finishReason, usage, providerMetadata }
    const model = fakeModel({ version, answer: ended, parts: [{ ...FINISH, ...ended }] })
    const provider = languageModelProvider(model)
    expect(await provider.chat(HELLO)).toMatchObject({ response: { usage: expected } })
    expect(await collect(provider.chatStream(HELLO))).toEqual([
      { type: 'usage', usage: expected },
      { type: 'done', stopReason: 'end_turn' },
    ])
  },
)

/** How many tokens of reasoning the usage tells of, nested or flat. */
function reasoningIn(usage: object): number | undefined {
  const { outputTokens, reasoningTokens } = usage as {
    outputTokens?: number | { reasoning?: number }
    reasoningTokens?: number
  }
  return typeof outputTokens === 'object' ? outputTokens.reasoning : reasoningTokens
}

test("given the vendor's own usage, when it is read, then it is passed on unchanged; reasoning counts over both attempts", async () => {
  const raw = { prompt_tokens: 1, some_day: { more: 2 } }
  const usage = { inputTokens: {}, outputTokens: { reasoning: 3 }, raw }
  const model = fakeModel({ answer: { usage }, parts: [{ ...FINISH, usage }] })
  const provider = languageModelProvider(model)
  expect(await provider.chat(HELLO)).toMatchObject({ response: { usage: { reasoningTokens: 3, raw } } })
  expect(await collect(provider.chatStream(HELLO))).toMatchObject([{ usage: { raw } }, {}])
})
