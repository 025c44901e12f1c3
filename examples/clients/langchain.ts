import type { AIMessageChunk } from '@langchain/core/messages'
import type { z } from 'zod'
import { type Client, SAID, UNUSED } from './client.ts'

export const langchain: Client = {
  name: 'LangChain, OpenAI',
  server: 'llm',
  takes: 'fetch',
  package: '@langchain/openai',
  option: "new ChatOpenAI({ apiKey: 'unused', configuration: { fetch } })",
  calls: { invoke: SAID, 'invoke (responses)': SAID, 'bound tools': 'weather', embedQuery: '3' },
  streams: ['stream', 'stream (responses)'],
  async build({ url, fetch }) {
    const { ChatOpenAI, OpenAIEmbeddings } = await import('@langchain/openai')
    const options = { apiKey: UNUSED, configuration: { baseURL: `${url}/v1`, fetch } }
    const chat = new ChatOpenAI({ ...options, model: 'gpt-5' })
    const responses = new ChatOpenAI({ ...options, model: 'gpt-5', useResponsesApi: true })

    async function* streamed(model: typeof chat): AsyncGenerator<string> {
      for await (const chunk of await model.stream('Hello?')) yield chunk.text
    }

    return {
      calls: {
        invoke: async () => (await chat.invoke('Hello?')).text,
        'invoke (responses)': async () => (await responses.invoke('Hello?')).text,
        'bound tools': async () => toolIn(await chat.bindTools([await weather()]).invoke('Hello?')),
        embedQuery: async () => String((await new OpenAIEmbeddings(options).embedQuery('Hello?')).length),
      },
      streams: { stream: () => streamed(chat), 'stream (responses)': () => streamed(responses) },
      isRefusal,
      isBroken: (error) => error instanceof Error,
    }
  },
}

export const langchainAnthropic: Client = {
  name: 'LangChain, Anthropic',
  server: 'llm',
  takes: 'fetch',
  package: '@langchain/anthropic',
  option: "new ChatAnthropic({ apiKey: 'unused', clientOptions: { fetch } })",
  calls: { invoke: SAID, 'bound tools': 'weather' },
  streams: ['stream'],
  // The client always sends a key.
  apply: (token) => ({ authorization: `Bearer ${token}`, 'x-api-key': undefined }),
  async build({ url, fetch }) {
    const { ChatAnthropic } = await import('@langchain/anthropic')
    const chat = new ChatAnthropic({
      model: 'claude-sonnet-5',
      apiKey: UNUSED,
      anthropicApiUrl: url,
      clientOptions: { fetch },
    })
    return {
      calls: {
        invoke: async () => (await chat.invoke('Hello?')).text,
        'bound tools': async () => toolIn(await chat.bindTools([await weather()]).invoke('Hello?')),
      },
      streams: {
        async *stream() {
          for await (const chunk of await chat.stream('Hello?')) yield chunk.text
        },
      },
      isRefusal,
      isBroken: (error) => error instanceof Error,
    }
  },
}

async function weather(): Promise<{ name: string; description: string; schema: z.ZodObject }> {
  const { z } = await import('zod')
  return { name: 'weather', description: 'The weather.', schema: z.object({ city: z.string() }) }
}

function toolIn({ tool_calls: calls }: AIMessageChunk): string {
  return String(calls?.[0]?.name)
}

/** Whether LangChain has marked an error of the vendor's client as a rejected credential. */
function isRefusal(error: unknown): boolean {
  return error instanceof Error && 'lc_error_code' in error && error.lc_error_code === 'MODEL_AUTHENTICATION'
}
