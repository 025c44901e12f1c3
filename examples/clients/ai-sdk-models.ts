import { common as common5, session as session5 } from './ai-sdk-5.ts'
import { common as common6, session as session6 } from './ai-sdk-6.ts'
import { common as common7, session as session7 } from './ai-sdk-7.ts'
import type { Client } from './client.ts'

const model = {
  takes: 'model',
  option:
    'await refreshingModelFrom(credential.map(({ accessToken }) => createOpenAI({ apiKey: accessToken })(id)))',
} as const

/** Google's provider takes a token as a header, and then no key. */
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
    const { refreshingModelFrom } = await import('llm-refresh/ai-sdk')
    const baseURL = `${url}/v1`
    const openai = token.map((apiKey) => createOpenAI({ apiKey, baseURL }))
    return session7({
      anthropic: await refreshingModelFrom(
        token.map((authToken) => createAnthropic({ authToken, baseURL })('claude-sonnet-5')),
      ),
      google: await refreshingModelFrom(
        token.map((key) =>
          createGoogle({ apiKey: key, headers: googleHeaders(key), baseURL: `${url}/v1beta` })(
            'gemini-2.5-flash',
          ),
        ),
      ),
      openai: await refreshingModelFrom(openai.map((provider) => provider('gpt-5'))),
      embedding: await refreshingModelFrom(
        openai.map((provider) => provider.embeddingModel('text-embedding-3-small')),
      ),
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
    const { refreshingModelFrom } = await import('llm-refresh/ai-sdk')
    const baseURL = `${url}/v1`
    const openai = token.map((apiKey) => createOpenAI({ apiKey, baseURL }))
    return session6({
      anthropic: await refreshingModelFrom(
        token.map((authToken) => createAnthropic({ authToken, baseURL })('claude-sonnet-5')),
      ),
      google: await refreshingModelFrom(
        token.map((key) =>
          createGoogleGenerativeAI({ apiKey: key, headers: googleHeaders(key), baseURL: `${url}/v1beta` })(
            'gemini-2.5-flash',
          ),
        ),
      ),
      openai: await refreshingModelFrom(openai.map((provider) => provider('gpt-5'))),
      embedding: await refreshingModelFrom(
        openai.map((provider) => provider.embeddingModel('text-embedding-3-small')),
      ),
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
    const { refreshingModelFrom } = await import('llm-refresh/ai-sdk')
    const baseURL = `${url}/v1`
    const openai = token.map((apiKey) => createOpenAI({ apiKey, baseURL }))
    return session5({
      anthropic: await refreshingModelFrom(
        token.map((apiKey) => createAnthropic({ apiKey, baseURL })('claude-sonnet-5')),
      ),
      google: await refreshingModelFrom(
        token.map((key) =>
          createGoogleGenerativeAI({ apiKey: key, headers: googleHeaders(key), baseURL: `${url}/v1beta` })(
            'gemini-2.5-flash',
          ),
        ),
      ),
      openai: await refreshingModelFrom(openai.map((provider) => provider('gpt-5'))),
      embedding: await refreshingModelFrom(
        openai.map((provider) => provider.textEmbeddingModel('text-embedding-3-small')),
      ),
    })
  },
}
