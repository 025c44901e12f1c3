import { common as common5, session as session5 } from './ai-sdk-5.ts'
import { common as common6, session as session6 } from './ai-sdk-6.ts'
import { common as common7, session as session7 } from './ai-sdk-7.ts'
import type { Client } from './client.ts'

const model = {
  takes: 'model',
  option: 'refreshingModels(credential, ({ accessToken }) => createOpenAI({ apiKey: accessToken }))',
} as const

/** Google's provider accepts a token as a header. It needs no key then. */
function googleHeaders(token: string): Record<string, string | undefined> {
  return { Authorization: `Bearer ${token}`, 'x-goog-api-key': undefined }
}

export const aiSdk7Model: Client = {
  ...common7,
  ...model,
  name: 'AI SDK 7 models',
  async build({ url, token }) {
    const { createAnthropic } = await import('@ai-sdk/anthropic')
    const { createGoogle } = await import('@ai-sdk/google')
    const { createOpenAI } = await import('@ai-sdk/openai')
    const { createOpenAICompatible } = await import('@ai-sdk/openai-compatible')
    const { refreshingModels } = await import('llm-refresh/ai-sdk')
    const baseURL = `${url}/v1`
    const credential = token.map((accessToken) => ({ accessToken }))
    const openai = refreshingModels(credential, ({ accessToken: apiKey }) =>
      createOpenAI({ apiKey, baseURL }),
    )
    return session7({
      anthropic: refreshingModels(credential, ({ accessToken: authToken }) =>
        createAnthropic({ authToken, baseURL }),
      )('claude-sonnet-5'),
      google: refreshingModels(credential, ({ accessToken: key }) =>
        createGoogle({ apiKey: key, headers: googleHeaders(key), baseURL: `${url}/v1beta` }),
      )('gemini-2.5-flash'),
      openai: openai('gpt-5'),
      compatible: refreshingModels(credential, ({ accessToken: apiKey }) =>
        createOpenAICompatible({ name: 'gateway', apiKey, baseURL }),
      )('gpt-5'),
      embedding: openai.embeddingModel('text-embedding-3-small'),
    })
  },
}

export const aiSdk6Model: Client = {
  ...common6,
  ...model,
  name: 'AI SDK 6 models',
  async build({ url, token }) {
    const { createAnthropic } = await import('ai-sdk-anthropic-v3')
    const { createGoogleGenerativeAI } = await import('ai-sdk-google-v3')
    const { createOpenAI } = await import('ai-sdk-openai-v3')
    const { createOpenAICompatible } = await import('ai-sdk-openai-compatible-v2')
    const { refreshingModels } = await import('llm-refresh/ai-sdk')
    const baseURL = `${url}/v1`
    const credential = token.map((accessToken) => ({ accessToken }))
    const openai = refreshingModels(credential, ({ accessToken: apiKey }) =>
      createOpenAI({ apiKey, baseURL }),
    )
    return session6({
      anthropic: refreshingModels(credential, ({ accessToken: authToken }) =>
        createAnthropic({ authToken, baseURL }),
      )('claude-sonnet-5'),
      google: refreshingModels(credential, ({ accessToken: key }) =>
        createGoogleGenerativeAI({ apiKey: key, headers: googleHeaders(key), baseURL: `${url}/v1beta` }),
      )('gemini-2.5-flash'),
      openai: openai('gpt-5'),
      compatible: refreshingModels(credential, ({ accessToken: apiKey }) =>
        createOpenAICompatible({ name: 'gateway', apiKey, baseURL }),
      )('gpt-5'),
      embedding: openai.embeddingModel('text-embedding-3-small'),
    })
  },
}

export const aiSdk5Model: Client = {
  ...common5,
  ...model,
  name: 'AI SDK 5 models',
  async build({ url, token }) {
    const { createAnthropic } = await import('ai-sdk-anthropic-v2')
    const { createGoogleGenerativeAI } = await import('ai-sdk-google-v2')
    const { createOpenAI } = await import('ai-sdk-openai-v2')
    const { refreshingModels } = await import('llm-refresh/ai-sdk')
    const baseURL = `${url}/v1`
    const credential = token.map((accessToken) => ({ accessToken }))
    const openai = refreshingModels(credential, ({ accessToken: apiKey }) =>
      createOpenAI({ apiKey, baseURL }),
    )
    return session5({
      anthropic: refreshingModels(credential, ({ accessToken: apiKey }) =>
        createAnthropic({ apiKey, baseURL }),
      )('claude-sonnet-5'),
      google: refreshingModels(credential, ({ accessToken: key }) =>
        createGoogleGenerativeAI({ apiKey: key, headers: googleHeaders(key), baseURL: `${url}/v1beta` }),
      )('gemini-2.5-flash'),
      openai: openai('gpt-5'),
      embedding: openai.textEmbeddingModel('text-embedding-3-small'),
    })
  },
}
