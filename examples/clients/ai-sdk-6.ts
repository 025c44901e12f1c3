import type { EmbeddingModel, LanguageModel } from 'ai6'
import { aiSdkParts, googleApply } from './ai-sdk-parts.ts'
import { CITY_PROMPT, type Client, SAID, type Session, UNUSED } from './client.ts'

interface Models {
  readonly anthropic: LanguageModel
  readonly google: LanguageModel
  readonly openai: LanguageModel
  readonly compatible: LanguageModel
  readonly embedding: EmbeddingModel
}

export const common = {
  package: 'ai6',
  server: 'llm',
  calls: {
    'generateText (openai)': SAID,
    'generateText (anthropic)': SAID,
    'generateText (google)': SAID,
    'generateText (openai-compatible)': SAID,
    tools: `${SAID} It rains in Paris.`,
    'streamText with tools': SAID,
    'object output': 'Paris',
    embed: '3',
  },
  streams: [
    'streamText (openai)',
    'streamText (openai-compatible)',
    'streamText (anthropic)',
    'streamText (google)',
  ],
} as const satisfies Partial<Client>

export const aiSdk6: Client = {
  ...common,
  takes: 'fetch',
  name: 'AI SDK 6',
  option: "createOpenAI({ apiKey: 'unused', fetch })",
  parts: aiSdkParts(
    'AI SDK 6',
    {
      openai: { package: 'ai-sdk-openai-v3', option: "createOpenAI({ apiKey: 'unused', fetch })" },
      more: [
        {
          name: 'AI SDK 6, gateways',
          package: 'ai-sdk-openai-compatible-v2',
          option: "createOpenAICompatible({ name: 'gateway', baseURL, fetch })",
          calls: ['generateText (openai-compatible)'],
          streams: ['streamText (openai-compatible)'],
        },
      ],
      anthropic: {
        package: 'ai-sdk-anthropic-v3',
        option: "createAnthropic({ authToken: 'unused', fetch })",
      },
      google: {
        package: 'ai-sdk-google-v3',
        option: "createGoogleGenerativeAI({ apiKey: 'unused', fetch })",
        apply: googleApply,
      },
    },
    'object output',
  ),
  async build({ url, fetch, fetchWith }) {
    const { createAnthropic } = await import('ai-sdk-anthropic-v3')
    const { createGoogleGenerativeAI } = await import('ai-sdk-google-v3')
    const { createOpenAI } = await import('ai-sdk-openai-v3')
    const { createOpenAICompatible } = await import('ai-sdk-openai-compatible-v2')
    const openai = createOpenAI({ apiKey: UNUSED, baseURL: `${url}/v1`, fetch })
    return session({
      anthropic: createAnthropic({ authToken: UNUSED, baseURL: `${url}/v1`, fetch })('claude-sonnet-5'),
      google: createGoogleGenerativeAI({
        apiKey: UNUSED,
        baseURL: `${url}/v1beta`,
        fetch: fetchWith(googleApply),
      })('gemini-2.5-flash'),
      openai: openai('gpt-5'),
      compatible: createOpenAICompatible({ name: 'gateway', baseURL: `${url}/v1`, fetch })('gpt-5'),
      embedding: openai.embeddingModel('text-embedding-3-small'),
    })
  },
}

/** The calls of a client with the given models. */
export async function session({ embedding, ...models }: Models): Promise<Session> {
  const { APICallError, embed, generateText, stepCountIs, Output, streamText, tool } = await import('ai6')
  const { z } = await import('zod')
  const prompt = 'Hello?'
  const weather = tool({
    inputSchema: z.object({ city: z.string() }),
    execute: ({ city }) => `It rains in ${city}.`,
  })
  const toolUse = { prompt, tools: { weather }, stopWhen: stepCountIs(3) }

  const text = (model: LanguageModel) => async (): Promise<string> =>
    (await generateText({ model, prompt })).text

  async function* streamed(options: Parameters<typeof streamText>[0]): AsyncGenerator<string> {
    const { fullStream: stream } = streamText({ ...options, onError: () => undefined })
    for await (const part of stream) {
      if (part.type === 'text-delta') yield part.text
      if (part.type === 'error') throw part.error
    }
  }

  return {
    calls: {
      'generateText (openai)': text(models.openai),
      'generateText (anthropic)': text(models.anthropic),
      'generateText (google)': text(models.google),
      'generateText (openai-compatible)': text(models.compatible),
      tools: async () => {
        const { text: answer, steps } = await generateText({ model: models.openai, ...toolUse })
        return [answer, ...steps.flatMap(({ toolResults }) => toolResults.map(({ output }) => output))].join(
          ' ',
        )
      },
      'streamText with tools': async () => {
        let answer = ''
        for await (const piece of streamed({ model: models.openai, ...toolUse })) answer += piece
        return answer
      },
      'object output': async () => {
        const output = Output.object({ schema: z.object({ city: z.string() }) })
        return (await generateText({ model: models.openai, prompt: CITY_PROMPT, output })).output.city
      },
      embed: async () => String((await embed({ model: embedding, value: prompt })).embedding.length),
    },
    streams: {
      'streamText (openai)': () => streamed({ model: models.openai, prompt }),
      'streamText (openai-compatible)': () => streamed({ model: models.compatible, prompt }),
      'streamText (anthropic)': () => streamed({ model: models.anthropic, prompt }),
      'streamText (google)': () => streamed({ model: models.google, prompt }),
    },
    isRefusal: (error) => APICallError.isInstance(error) && error.statusCode === 401,
    // An error part may hold any object, not only an Error.
    isBroken: (error) => typeof error === 'object',
  }
}
