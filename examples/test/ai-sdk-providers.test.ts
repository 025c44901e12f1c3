import { createGateway } from '@ai-sdk/gateway'
import { createOpenAI } from '@ai-sdk/openai'
import { createProviderRegistry, customProvider, embed, generateText, streamText } from 'ai'
import { createGoogleGenerativeAI as createGoogleV2 } from 'ai-sdk-google-v2'
import { createGoogleGenerativeAI as createGoogleV3 } from 'ai-sdk-google-v3'
import { createOpenAI as createOpenAIV2 } from 'ai-sdk-openai-v2'
import { createOpenAI as createOpenAIV3 } from 'ai-sdk-openai-v3'
import {
  createProviderRegistry as createProviderRegistry5,
  customProvider as customProvider5,
  generateText as generateText5,
} from 'ai5'
import {
  createProviderRegistry as createProviderRegistry6,
  customProvider as customProvider6,
  generateText as generateText6,
} from 'ai6'
import { Refreshable } from 'llm-refresh'
import { refreshingModels } from 'llm-refresh/ai-sdk'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Gate } from '../../test/support/gate.ts'
import { type LlmServer, startLlmServer } from '../../test/support/llm-server.ts'
import { settled } from '../../test/support/settled.ts'
import { walkProvider } from '../../test/support/walk-provider.ts'

const prompt = 'Hello?'
let refreshes: number
let llm: LlmServer
beforeEach(async () => {
  refreshes = 0
  llm = await startLlmServer({ accepts: (credential) => credential === 'fresh', answer: 'Hello, you.' })
})
afterEach(async () => {
  await llm.close()
})

const expired = (): Refreshable<{ accessToken: string }> =>
  new Refreshable({
    initial: { accessToken: 'stale' },
    refresh: async () => {
      refreshes++
      return { accessToken: 'fresh' }
    },
  })
const settings = (accessToken: string): { apiKey: string; baseURL: string } => ({
  apiKey: accessToken,
  baseURL: llm.baseUrl.openai,
})

describe('[M4] given a registry or a custom provider, inside or around, when its models are called with an expired token, then one refresh serves them', () => {
  test('AI SDK 7', async () => {
    const credential = expired()
    const openai = refreshingModels(credential, ({ accessToken }) => createOpenAI(settings(accessToken)))
    const around = createProviderRegistry({ openai })
    const inside = refreshingModels(credential, ({ accessToken }) =>
      createProviderRegistry({ openai: createOpenAI(settings(accessToken)) }),
    )
    const custom = customProvider({ languageModels: { fast: openai('gpt-5') }, fallbackProvider: openai })
    const customInside = refreshingModels(credential, ({ accessToken }) =>
      customProvider({ languageModels: { fast: createOpenAI(settings(accessToken)).chat('gpt-5') } }),
    )
    const models = [
      around.languageModel('openai:gpt-5'),
      inside.languageModel('openai:gpt-5'),
      custom.languageModel('fast'),
      custom.languageModel('gpt-5'),
      customInside.languageModel('fast'),
    ]
    const texts = await Promise.all(models.map(async (model) => (await generateText({ model, prompt })).text))
    expect(new Set(texts)).toEqual(new Set(['Hello, you.']))
    expect(await streamText({ model: around.languageModel('openai:gpt-5'), prompt }).text).toBe('Hello, you.')
    llm.answer({ embedding: [1, 2, 3] })
    const { embedding } = await embed({
      model: inside.embeddingModel('openai:text-embedding-3-small'),
      value: 'a',
    })
    expect(embedding).toEqual([1, 2, 3])
    expect(refreshes).toBe(1)
    expect(() => inside.languageModel('openai' as 'openai:gpt-5')).toThrow(/Invalid languageModel id/)
  })

  test('AI SDK 6', async () => {
    const credential = expired()
    const openai = refreshingModels(credential, ({ accessToken }) => createOpenAIV3(settings(accessToken)))
    const inside = refreshingModels(credential, ({ accessToken }) =>
      createProviderRegistry6({ openai: createOpenAIV3(settings(accessToken)) }),
    )
    for (const model of [
      createProviderRegistry6({ openai }).languageModel('openai:gpt-5'),
      inside.languageModel('openai:gpt-5'),
      customProvider6({ languageModels: { fast: openai('gpt-5') } }).languageModel('fast'),
    ]) {
      expect((await generateText6({ model, prompt })).text).toBe('Hello, you.')
    }
    expect(refreshes).toBe(1)
  })

  test('AI SDK 5', async () => {
    const credential = expired()
    const openai = refreshingModels(credential, ({ accessToken }) => createOpenAIV2(settings(accessToken)))
    const inside = refreshingModels(credential, ({ accessToken }) =>
      createProviderRegistry5({ openai: createOpenAIV2(settings(accessToken)) }),
    )
    for (const model of [
      createProviderRegistry5({ openai }).languageModel('openai:gpt-5'),
      inside.languageModel('openai:gpt-5'),
      customProvider5({ languageModels: { fast: openai('gpt-5') } }).languageModel('fast'),
    ]) {
      expect((await generateText5({ model, prompt })).text).toBe('Hello, you.')
    }
    expect(refreshes).toBe(1)
  })
})

interface Settings {
  readonly apiKey: string
  readonly baseURL: string
  readonly fetch: typeof fetch
}

// Providers that only the examples have installed.
describe.each<[string, (settings: Settings) => object]>([
  ['google v2', createGoogleV2],
  ['google v3', createGoogleV3],
  ['gateway', createGateway],
  ['a registry', (given) => createProviderRegistry({ openai: createOpenAI(given) })],
])('%s', (_, create) => {
  test('[M5] given no token yet, when every member of the provider is read and called, then no request is made; with the token, requests carry that one', async () => {
    const sent: string[] = []
    const fetch = async (...given: Parameters<typeof globalThis.fetch>): Promise<Response> => {
      const request = new Request(...given)
      sent.push(`${request.url} ${JSON.stringify([...request.headers])}`)
      return Response.json({ error: { message: 'no' } }, { status: 500 })
    }
    const source = new Gate()
    source.hold(1)
    // A function that is called with nonsense may throw an error like a 401. The refresh then returns the same token again.
    const credential = new Refreshable({
      refresh: async () => {
        await source.pass()
        return { accessToken: 'real-token' }
      },
    })
    const provider = refreshingModels(credential, ({ accessToken }) =>
      create({ apiKey: accessToken, baseURL: 'https://model.invalid/v1', fetch }),
    )
    const walk = walkProvider(provider)
    await settled()
    expect(walk.called.length).toBeGreaterThan(10)
    expect(sent).toEqual([])
    source.release()
    await walk.over
    for (const request of sent) {
      expect(request).toContain('real-token')
      expect(request).not.toContain('placeholder')
    }
    expect(sent.length).toBeGreaterThan(0)
  })
})
