import { createGoogle } from '@ai-sdk/google'
import { createOpenAI } from '@ai-sdk/openai'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { createOpenAI as createOpenAIV2 } from 'ai-sdk-openai-v2'
import { createOpenAI as createOpenAIV3 } from 'ai-sdk-openai-v3'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Refreshable } from '../../../src/index.ts'
import {
  type AiSdkEmbeddingModel,
  type AiSdkEmbedOptions,
  languageModelProvider,
  type LanguageModelProviderOptions,
  type ProviderWarning,
} from '../../../src/surfaces/ai-sdk/index.ts'
import { RefreshingProvider } from '../../../src/surfaces/provider/index.ts'
import { type LlmServer, startLlmServer } from '../../support/llm-server.ts'
import { fakeModel } from './fake-model.ts'
import { json, recorded } from './wire.ts'

const CREATE = { v2: createOpenAIV2, v3: createOpenAIV3, v4: createOpenAI } as const
const VERSIONS = ['v2', 'v3', 'v4'] as const
const NOWHERE = 'https://model.invalid/v1'
const REQUEST = { input: ['a', 'b'] }
const VECTORS = {
  object: 'list',
  model: 'embedder-2',
  data: [{ embedding: [1, 2] }, { embedding: [3, 4] }],
  usage: { prompt_tokens: 7, total_tokens: 7 },
}

/** A provider whose chat nobody asks, and what it warns of. */
function embedding(
  embeddingModel: AiSdkEmbeddingModel,
  options: LanguageModelProviderOptions = {},
): { provider: ReturnType<typeof languageModelProvider>; warnings: ProviderWarning[] } {
  const warnings: ProviderWarning[] = []
  const onWarning = (warning: ProviderWarning): void => void warnings.push(warning)
  return {
    warnings,
    provider: languageModelProvider(fakeModel(), { ...options, embeddingModel, onWarning }),
  }
}

/** A hand-written embedding model, for what no real one does at will. */
function fakeEmbedder(
  answer: Record<string, unknown>,
  about: Partial<AiSdkEmbeddingModel> = {},
): AiSdkEmbeddingModel & { calls: AiSdkEmbedOptions[] } {
  const calls: AiSdkEmbedOptions[] = []
  return {
    specificationVersion: 'v4',
    provider: 'nobody.embedding',
    modelId: 'embedder',
    maxEmbeddingsPerCall: undefined,
    calls,
    doEmbed: async (options) => {
      calls.push(options)
      return { embeddings: [], ...answer }
    },
    ...about,
  }
}

describe.each(VERSIONS)('openai %s', (version) => {
  test('[M2] given an embedding model, when embed is called, then one request brings vectors, model and usage', async () => {
    const { fetch, sent } = recorded(() => json(VECTORS))
    const openai = CREATE[version]({ apiKey: 'key', baseURL: NOWHERE, fetch })
    const { provider, warnings } = embedding(openai.embedding('embedder'), {
      embeddingProviderOptions: { openai: { user: 'me', dimensions: 9 } },
    })
    const request = Object.freeze({ input: Object.freeze(['a', 'b']) as string[], dimensions: 2 })
    expect(await provider.embed?.(request)).toEqual({
      type: 'success',
      response: {
        embeddings: [
          [1, 2],
          [3, 4],
        ],
        model: 'embedder-2',
        usage: { inputTokens: 7 },
      },
    })
    expect(sent.map(({ body }) => body)).toEqual([
      { model: 'embedder', input: ['a', 'b'], encoding_format: 'float', dimensions: 2, user: 'me' },
    ])
    expect(warnings).toEqual([])
  })

  test.each([
    [401, {}, { type: 'invalid_request', message: 'No.', status: 401, code: 'invalid_api_key' }],
    [429, { 'retry-after': '7' }, { type: 'rate_limited', retryAfterMs: 7000 }],
    [503, {}, { type: 'server_error', message: 'No.', status: 503, code: 'invalid_api_key' }],
  ])(
    '[P2] given a status %d, when embed ends, then the caller gets an outcome after one request',
    async (status, headers, outcome) => {
      const body = { error: { type: 'x', code: 'invalid_api_key', message: 'No.' } }
      const { fetch, sent } = recorded(() => json(body, { status, headers: { ...headers } }))
      const openai = CREATE[version]({ apiKey: 'key', baseURL: NOWHERE, fetch })
      expect(await embedding(openai.embedding('embedder')).provider.embed?.(REQUEST)).toEqual(outcome)
      expect(sent).toHaveLength(1)
    },
  )

  test('[P3] given more texts than the model takes at once, when embed is called, then the error says how many, and nothing is sent', async () => {
    const { fetch, sent } = recorded(() => json(VECTORS))
    const openai = CREATE[version]({ apiKey: 'key', baseURL: NOWHERE, fetch })
    const { provider } = embedding(openai.embedding('embedder'))
    const asking = provider.embed?.({ input: Array.from({ length: 2049 }, () => 'a') })
    await expect(asking).rejects.toMatchObject({
      code: 'invalid_request',
      message: 'input has 2049 texts, and embedder takes at most 2048 in one request: split it.',
    })
    expect(sent).toEqual([])
  })
})

describe('against a server that turns an expired token away', () => {
  let llm: LlmServer
  let good: string
  beforeEach(async () => {
    good = 'token-1'
    llm = await startLlmServer({ accepts: (credential) => credential === good })
    llm.answer({ embedding: [1, 2, 3] })
  })
  afterEach(() => llm.close())

  test.each(VERSIONS)(
    '[P2, P11, P14] openai %s: given an expired token, when five embeds and a listing run, then one refresh serves them',
    async (version) => {
      let refreshes = 0
      const token = new Refreshable<string>({
        initial: 'token-0',
        refresh: async () => {
          refreshes++
          return good
        },
      })
      const baseURL = llm.baseUrl.openai
      const provider = await RefreshingProvider.from(
        token.map((apiKey) => {
          const openai = CREATE[version]({ apiKey, baseURL })
          return languageModelProvider(openai.chat('gpt-5'), {
            embeddingModel: openai.embedding('text-embedding-3-small'),
            listModels: async () => {
              const response = await fetch(`${baseURL}/models`, {
                headers: { authorization: `Bearer ${apiKey}` },
              })
              if (!response.ok) throw Object.assign(new Error('no'), { status: response.status })
              return [{ id: 'gpt-5' }]
            },
          })
        }),
      )
      const embeds = Array.from({ length: 5 }, () => provider.embed?.(REQUEST))
      const [listed, ...outcomes] = await Promise.all([provider.listModels?.(), ...embeds])
      expect(listed).toEqual([{ id: 'gpt-5' }])
      for (const outcome of outcomes) {
        expect(outcome).toMatchObject({
          type: 'success',
          response: {
            embeddings: [
              [1, 2, 3],
              [1, 2, 3],
            ],
          },
        })
      }
      expect([refreshes, llm.rejections('openai'), llm.requests('openai')]).toEqual([1, 6, 12])
      expect('probe' in provider).toBe(false)
    },
  )

  test('[P12] given a caller that leaves, when embed is waiting, then it throws the reason, and sends nothing more', async () => {
    const leaving = new AbortController()
    const reason = new Error('I am leaving')
    llm.answer(async () => {
      leaving.abort(reason)
      await new Promise(() => {})
      return { embedding: [] }
    })
    const openai = createOpenAI({ apiKey: good, baseURL: llm.baseUrl.openai })
    const { provider } = embedding(openai.embedding('text-embedding-3-small'))
    await expect(provider.embed?.(REQUEST, leaving)).rejects.toBe(reason)
    await expect(provider.embed?.(REQUEST, leaving)).rejects.toBe(reason)
    expect(llm.requests('openai')).toBe(1)
  })
})

test("[M2] given Google's embedding model, when a length is asked for, then it goes out under Google's name and what it does not count is 0", async () => {
  const { fetch, sent } = recorded(() => json({ embeddings: [{ values: [1] }, { values: [2] }] }))
  const google = createGoogle({ apiKey: 'key', baseURL: NOWHERE, fetch })
  const { provider, warnings } = embedding(google.embedding('gemini-embedding-001'), {
    embeddingProviderOptions: { google: { taskType: 'RETRIEVAL_QUERY' } },
  })
  expect(await provider.embed?.({ ...REQUEST, dimensions: 1 })).toEqual({
    type: 'success',
    response: { embeddings: [[1], [2]], model: 'gemini-embedding-001', usage: { inputTokens: 0 } },
  })
  expect(sent[0]?.body).toMatchObject({
    requests: [{ outputDimensionality: 1, taskType: 'RETRIEVAL_QUERY' }, { outputDimensionality: 1 }],
  })
  expect(warnings).toEqual([])
})

test('[M2] given an OpenAI-compatible server, when a length is asked for, then it goes out, also before v4 knew such a field', async () => {
  const { fetch, sent } = recorded(() => json(VECTORS))
  const server = createOpenAICompatible({ name: 'my-server', baseURL: NOWHERE, fetch })
  const { provider, warnings } = embedding(server.embeddingModel('embedder'))
  await provider.embed?.({ ...REQUEST, dimensions: 2 })
  expect(sent[0]?.body).toMatchObject({ dimensions: 2 })
  const old = fakeEmbedder({ embeddings: [[1, 2]] }, { specificationVersion: 'v3' })
  // Every model that is built on that package has it.
  Object.assign(old, { providerOptionsName: 'my-server' })
  const before = embedding(old)
  await before.provider.embed?.({ input: ['a'], dimensions: 2 })
  expect(old.calls[0]?.providerOptions).toEqual({ nobody: { dimensions: 2 } })
  expect([...warnings, ...before.warnings]).toEqual([])
})

test('[E1] given a vendor that is not known, when a length cannot be asked for or is not obeyed, then that is reported', async () => {
  const model = fakeEmbedder({ embeddings: [[1, 2, 3]] }, { specificationVersion: 'v2' })
  const { provider, warnings } = embedding(model)
  await provider.embed?.({ input: ['a'], dimensions: 2 })
  expect(warnings).toEqual([
    { type: 'unsupported', feature: 'embed.dimensions', details: expect.stringContaining('is not known') },
    {
      type: 'unsupported',
      feature: 'embed.dimensions',
      details: 'embedder gave 3 dimensions, not 2',
    },
  ])
})

test.each([
  ['no vectors', { embeddings: undefined }],
  ['too few vectors', { embeddings: [[1]] }],
  ['an empty vector', { embeddings: [[1], []] }],
  ['a vector that is cut short', { embeddings: [[1], [NaN]] }],
  ['texts', { embeddings: [['1'], ['2']] }],
  ['base64', { embeddings: ['AAAA', 'AAAA'] }],
])(
  '[E1] given a model that answers with %s, when embed is called, then the error names the model',
  async (_, answer) => {
    const { provider } = embedding(fakeEmbedder(answer))
    await expect(provider.embed?.(REQUEST)).rejects.toMatchObject({
      code: 'invalid_provider',
      message: expect.stringContaining('embedder'),
    })
  },
)

test.each([
  ['no text', { input: [] }, 'input must be a list of at least one text.'],
  ['what is no text', { input: [1] }, 'input must be a list of at least one text.'],
  ['a length of 0', { input: ['a'], dimensions: 0 }, 'dimensions must be a whole number above 0, not 0.'],
  ['half a length', { input: ['a'], dimensions: 1.5 }, 'dimensions must be a whole number above 0, not 1.5.'],
])(
  '[E1] given %s, when embed is called, then the request is refused before anything is sent',
  async (_, request, message) => {
    const model = fakeEmbedder({})
    const { provider } = embedding(model)
    await expect(provider.embed?.(request as never)).rejects.toMatchObject({
      code: 'invalid_request',
      message,
    })
    expect(model.calls).toEqual([])
  },
)

test.each([
  [
    'a language model as embedding model',
    { embeddingModel: fakeModel() },
    'invalid_provider',
    /doEmbed missing/,
  ],
  ["a model's id as embedding model", { embeddingModel: 'embedder' }, 'invalid_provider', /string/],
  ['options without a model', { embeddingProviderOptions: {} }, 'invalid_option', /'embeddingModel'/],
  [
    'options of no namespace',
    { embeddingModel: fakeEmbedder({}), embeddingProviderOptions: { user: 'me' } },
    'invalid_option',
    /'embeddingProviderOptions.user' must be an object/,
  ],
  [
    "another vendor's options",
    {
      embeddingModel: createOpenAI({ apiKey: 'key' }).embedding('embedder'),
      embeddingProviderOptions: { google: {} },
    },
    'invalid_option',
    /'embeddingProviderOptions.google' is not read by embedder/,
  ],
  ['a listing that is no function', { listModels: [] }, 'invalid_option', /'listModels' must be a function/],
  ['a probe that is no function', { probe: true }, 'invalid_option', /'probe' must be a function/],
])('[E1] given %s, when the provider is made, then it is refused', (_, options, code, words) => {
  const make = (): unknown => languageModelProvider(fakeModel(), options as LanguageModelProviderOptions)
  expect(make).toThrow(expect.objectContaining({ code, message: expect.stringMatching(words) }))
})

test('[P10] given no embedding model, when the provider is made, then it has none of the three; given functions, then these', async () => {
  const bare = languageModelProvider(fakeModel())
  expect(['embed' in bare, 'listModels' in bare, 'probe' in bare]).toEqual([false, false, false])
  const probed: unknown[] = []
  const provider = languageModelProvider(fakeModel(), { probe: async (options) => void probed.push(options) })
  const options = { signal: new AbortController().signal }
  await provider.probe?.(options)
  expect(probed[0]).toBe(options)
})
