import type { EmbeddingModel, LanguageModel } from 'ai5'
import { aiSdkParts, googleApply } from './ai-sdk-parts.ts'
import { CITY_PROMPT, type Client, SAID, type Session, UNUSED } from './client.ts'

interface Models {
  readonly anthropic: LanguageModel
  readonly google: LanguageModel
  readonly openai: LanguageModel
  readonly embedding: EmbeddingModel
}

/** Anthropic's provider of this version always sends a key, in its own header. */
function anthropicApply(token: string): Record<string, string | undefined> {
  return { authorization: `Bearer ${token}`, 'x-api-key': undefined }
}

export const common = {
  package: 'ai5',
  server: 'llm',
  calls: {
    'generateText (openai)': SAID,
    'generateText (anthropic)': SAID,
    'generateText (google)': SAID,
    tools: `${SAID} It rains in Paris.`,
    'streamText with tools': SAID,
    generateObject: 'Paris',
    embed: '3',
  },
  streams: ['streamText (openai)', 'streamText (anthropic)', 'streamText (google)'],
} as const satisfies Partial<Client>

export const aiSdk5: Client = {
  ...common,
  takes: 'fetch',
  name: 'AI SDK 5',
  option: "createOpenAI({ apiKey: 'unused', fetch })",
  parts: aiSdkParts(
    'AI SDK 5',
    {
      openai: { package: 'ai-sdk-openai-v2', option: "createOpenAI({ apiKey: 'unused', fetch })" },
      anthropic: {
        package: 'ai-sdk-anthropic-v2',
        option: "createAnthropic({ apiKey: 'unused', fetch })",
        apply: anthropicApply,
      },
      google: {
        package: 'ai-sdk-google-v2',
        option: "createGoogleGenerativeAI({ apiKey: 'unused', fetch })",
        apply: googleApply,
      },
    },
    'generateObject',
  ),
  async build({ url, fetch, fetchWith }) {
    const { createAnthropic } = await import('ai-sdk-anthropic-v2')
    const { createGoogleGenerativeAI } = await import('ai-sdk-google-v2')
    const { createOpenAI } = await import('ai-sdk-openai-v2')
    const openai = createOpenAI({ apiKey: UNUSED, baseURL: `${url}/v1`, fetch })
    return session({
      anthropic: createAnthropic({
        apiKey: UNUSED,
        baseURL: `${url}/v1`,
        fetch: fetchWith(anthropicApply),
      })('claude-sonnet-5'),
      google: createGoogleGenerativeAI({
        apiKey: UNUSED,
        baseURL: `${url}/v1beta`,
        fetch: fetchWith(googleApply),
      })('gemini-2.5-flash'),
      openai: openai('gpt-5'),
      embedding: openai.textEmbeddingModel('text-embedding-3-small'),
    })
  },
}

/** The calls of a client with the given models. */
export async function session({ embedding, ...models }: Models): Promise<Session> {
  const { APICallError, embed, generateObject, generateText, stepCountIs, streamText, tool } =
    await import('ai5')
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
      generateObject: async () => {
        const schema = z.object({ city: z.string() })
        return (await generateObject({ model: models.openai, prompt: CITY_PROMPT, schema })).object.city
      },
      embed: async () => String((await embed({ model: embedding, value: prompt })).embedding.length),
    },
    streams: {
      'streamText (openai)': () => streamed({ model: models.openai, prompt }),
      'streamText (anthropic)': () => streamed({ model: models.anthropic, prompt }),
      'streamText (google)': () => streamed({ model: models.google, prompt }),
    },
    isRefusal: (error) => APICallError.isInstance(error) && error.statusCode === 401,
    // An error part may hold any object, not only an Error.
    isBroken: (error) => typeof error === 'object',
  }
}
