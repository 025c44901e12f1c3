import { createAnthropic } from '@ai-sdk/anthropic'
import { createGoogle } from '@ai-sdk/google'
import { createOpenAI } from '@ai-sdk/openai'
import { createAnthropic as createAnthropicV2 } from 'ai-sdk-anthropic-v2'
import { createAnthropic as createAnthropicV3 } from 'ai-sdk-anthropic-v3'
import { createOpenAI as createOpenAIV2 } from 'ai-sdk-openai-v2'
import { createOpenAI as createOpenAIV3 } from 'ai-sdk-openai-v3'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Refreshable, type RefreshEvent } from '../../../src/index.ts'
import { type AiSdkLanguageModel, refreshingModels } from '../../../src/surfaces/ai-sdk/index.ts'
import { type LlmServer, startLlmServer } from '../../support/llm-server.ts'
import { type RecordingServer, startRecordingServer } from '../../support/recording-server.ts'
import { CALL, streamed, taken } from './refreshing-remote.ts'

let current: number
let refreshes: number
let llm: LlmServer
beforeEach(async () => {
  current = 2
  refreshes = 0
  llm = await startLlmServer({ accepts: (token) => token === `token-${current}` })
  llm.answer('Hello, you.')
})
afterEach(async () => {
  await llm.close()
})

/** Its first token has expired; without one it has none yet. */
function credential(initial?: string): Refreshable<{ accessToken: string }> {
  return new Refreshable({
    ...(initial !== undefined && { initial: { accessToken: initial } }),
    refresh: async () => {
      refreshes++
      return { accessToken: `token-${current}` }
    },
  })
}

const said = (parts: readonly unknown[]): string =>
  parts.map((part) => (part as { delta?: string }).delta ?? '').join('')

type Create = (
  apiKey: string,
  baseURL: LlmServer['baseUrl'],
) => ((id: string) => AiSdkLanguageModel) & { languageModel(id: string): AiSdkLanguageModel }

const PROVIDERS: readonly (readonly [string, string | undefined, Create])[] = [
  ['openai v4', 'v4', (apiKey, { openai }) => createOpenAI({ apiKey, baseURL: openai })],
  ['openai v3', 'v3', (apiKey, { openai }) => createOpenAIV3({ apiKey, baseURL: openai })],
  ['openai v2', undefined, (apiKey, { openai }) => createOpenAIV2({ apiKey, baseURL: openai })],
  ['anthropic v4', 'v4', (authToken, { anthropic }) => createAnthropic({ authToken, baseURL: anthropic })],
  ['anthropic v3', 'v3', (authToken, { anthropic }) => createAnthropicV3({ authToken, baseURL: anthropic })],
  ['anthropic v2', undefined, (apiKey, { anthropic }) => createAnthropicV2({ apiKey, baseURL: anthropic })],
  [
    'google v4',
    'v4',
    (apiKey, { google }) =>
      createGoogle({ apiKey, baseURL: google, headers: { Authorization: `Bearer ${apiKey}` } }),
  ],
]

describe.each(PROVIDERS)('%s', (_, version, create) => {
  test.each([
    ['an expired token', 'token-1', 5],
    ['no token yet', undefined, 0],
  ])(
    '[M4, C3] given %s, when several of its models are called and streamed at once, then one refresh serves them all',
    async (_given, initial, rejections) => {
      const provider = refreshingModels(credential(initial), ({ accessToken }) =>
        create(accessToken, llm.baseUrl),
      )
      const plain = create('token-2', llm.baseUrl)
      expect(Reflect.get(provider, 'specificationVersion')).toBe(version)
      expect(Object.keys(provider)).toEqual(Object.keys(plain))
      const models = [provider('model-1'), provider.languageModel('model-2')]
      expect(models.map(({ modelId }) => modelId)).toEqual(['model-1', 'model-2'])
      expect(models[0]).toBeInstanceOf(plain('model-1').constructor)
      const texts = await Promise.all([
        ...models.map(async (model) => JSON.stringify((await model.doGenerate(CALL)).content)),
        ...models.map(async (model) => said((await streamed(model)).parts)),
        provider('model-3')
          .doStream(CALL)
          .then(async ({ stream }) => said((await taken(stream)).parts)),
      ])
      for (const text of texts) expect(text).toContain('Hello, you.')
      expect(refreshes).toBe(1)
      expect(llm.rejections()).toBe(rejections)
      expect(llm.requests()).toBe(5 + rejections)
      // The next token is met by the models that are there already.
      current++
      await models[0]?.doGenerate(CALL)
      expect(refreshes).toBe(2)
    },
  )

  test('[M4, M3, P6] given a stream, when the server rejects it before its first content, then it begins again; after it, not', async () => {
    const provider = refreshingModels(credential('token-1'), ({ accessToken }) =>
      create(accessToken, llm.baseUrl),
    )
    llm.refuse('first_event')
    expect(said((await streamed(provider('model-1'))).parts)).toBe('Hello, you.')
    expect(refreshes).toBe(1)
    current++
    llm.refuse('after_content')
    const { parts } = await streamed(provider('model-1'))
    expect(parts.map((part) => (part as { type: string }).type)).toContain('error')
    expect(refreshes).toBe(1)
  })

  test("[M4, P4] given a refresh that fails, when a model is called, then the error is the vendor's own, and an event tells why", async () => {
    const events: RefreshEvent[] = []
    const cell = new Refreshable({
      initial: { accessToken: 'token-1' },
      refresh: () => Promise.reject(new Error('no')),
    })
    const provider = refreshingModels(cell, ({ accessToken }) => create(accessToken, llm.baseUrl), {
      onEvent: (event) => events.push(event),
    })
    await expect(provider('model-1').doGenerate(CALL)).rejects.toMatchObject({
      name: 'AI_APICallError',
      statusCode: 401,
    })
    expect(events.map(({ type }) => type)).toEqual(['not_retried'])
  })

  test('[M4, P12] given a call that is aborted, when it was rejected, then nothing is refreshed', async () => {
    const provider = refreshingModels(credential('token-1'), ({ accessToken }) =>
      create(accessToken, llm.baseUrl),
    )
    const abortSignal = AbortSignal.abort()
    await expect(provider('model-1').doGenerate({ ...CALL, abortSignal })).rejects.toMatchObject({
      name: 'AbortError',
    })
    expect(llm.requests()).toBe(0)
    expect(refreshes).toBe(0)
  })
})

test('[M4, M2] given an expired token, when models of several kinds are called one after another, then each new token is fetched once', async () => {
  const openai = refreshingModels(credential('token-1'), ({ accessToken }) =>
    createOpenAI({ apiKey: accessToken, baseURL: llm.baseUrl.openai }),
  )
  llm.answer({ embedding: [1, 2, 3] })
  const embedding = openai.embeddingModel('text-embedding-3-small')
  expect(embedding.maxEmbeddingsPerCall).toBe(2048)
  expect(await embedding.doEmbed({ values: ['a'] })).toMatchObject({ embeddings: [[1, 2, 3]] })
  current++
  llm.answer({ audio: 'aGVsbG8=' })
  expect(await openai.speech('tts-1').doGenerate({ text: 'hello', voice: 'alloy' })).toMatchObject({
    audio: new TextEncoder().encode('hello'),
  })
  expect(refreshes).toBe(2)
  expect(llm.requests()).toBe(4)
})

describe('what is no model', () => {
  let server: RecordingServer
  beforeEach(async () => {
    server = await startRecordingServer(({ headers, path }, response) => {
      const isGood = headers.authorization === `Bearer token-${current}`
      const body = isGood
        ? { id: 'file-1', object: 'file', value: 'ek_1', expires_at: 1, deleted: true, path }
        : { error: { message: 'Expired.', code: 'token_expired' } }
      response.writeHead(isGood ? 200 : 401, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    })
  })
  afterEach(async () => {
    await server.close()
  })
  const openAI = (initial?: string): ReturnType<typeof createOpenAI> =>
    refreshingModels(credential(initial), ({ accessToken }) =>
      createOpenAI({ apiKey: accessToken, baseURL: `${server.origin}/v1` }),
    )

  test.each([
    ['an expired token', 'token-1', ['Bearer token-1', 'Bearer token-2', 'Bearer token-2']],
    ['no token yet', undefined, ['Bearer token-2', 'Bearer token-2']],
  ])(
    '[M6] given %s, when files() uploads and deletes, then its requests are refreshed and made once more',
    async (_, initial, sent) => {
      const files = openAI(initial).files()
      const uploaded = await files.uploadFile({
        data: { type: 'text', text: 'Hello' },
        mediaType: 'text/plain',
        filename: 'a.txt',
      })
      expect(uploaded.providerReference).toMatchObject({ openai: 'file-1' })
      await files.deleteFile?.({ file: uploaded.providerReference })
      expect(server.sent('authorization')).toEqual(sent)
      expect(refreshes).toBe(1)
    },
  )

  test('[M6] given no token yet, when a function named get… is called, then it waits for the token', async () => {
    const { token } = await openAI().experimental_realtime.getToken({ model: 'gpt-realtime' })
    expect(token).toBe('ek_1')
    expect(server.sent('authorization')).toEqual(['Bearer token-2'])
  })

  test('[M6] given an expired token, when a function named get… is called, then its request is made once more', async () => {
    await openAI('token-1').experimental_realtime.getToken({ model: 'gpt-realtime' })
    expect(server.sent('authorization')).toEqual(['Bearer token-1', 'Bearer token-2'])
    expect(refreshes).toBe(1)
  })

  test("[M5, M6] given a model's own function, when it is called, then the current token's model responds; before the first token the call waits", async () => {
    const known = openAI('token-1').experimental_realtime('gpt-realtime').getServerWebSocketConfig?.()
    expect(JSON.stringify(known)).toContain('token-1')
    const unknown = openAI().experimental_realtime('gpt-realtime').getServerWebSocketConfig?.()
    expect(unknown).toBeInstanceOf(Promise)
    expect(JSON.stringify(await unknown)).toContain('token-2')
  })

  test('[M6] given tools of a provider, when they are read, then they are returned unchanged', () => {
    const tool = openAI().tools.webSearch({})
    expect(tool).toEqual(createOpenAI({ apiKey: 'any' }).tools.webSearch({}))
    expect(server.requests).toHaveLength(0)
  })
})
