import { type Client, SAID, UNUSED } from './client.ts'
import { chat, saidIn, StreamError, textOf } from './event-stream.ts'

export const undici: Client = {
  name: 'undici',
  server: 'llm',
  takes: 'dispatcher',
  package: 'undici',
  option: 'setGlobalDispatcher(new Agent().compose(refreshingInterceptor(credential, { origins })))',
  calls: { 'undici.request': SAID, 'the platform’s fetch': SAID, 'a client as it is (openai)': SAID },
  streams: ['undici.request', 'the platform’s fetch'],
  async build({ url, token, options }) {
    const { Agent, getGlobalDispatcher, request, setGlobalDispatcher } = await import('undici')
    const { refreshingInterceptor } = await import('llm-refresh/undici')
    const { default: OpenAI, AuthenticationError } = await import('openai')
    const before = getGlobalDispatcher()
    const agent = new Agent()
    setGlobalDispatcher(agent.compose(refreshingInterceptor(token, options)))

    const client = new OpenAI({ apiKey: UNUSED, baseURL: `${url}/v1` })
    const endpoint = `${url}/v1/chat/completions`
    const post = (stream: boolean): { method: 'POST'; headers: Record<string, string>; body: string } => ({
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(chat(stream)),
    })
    async function fetched(stream: boolean): Promise<Response> {
      const response = await fetch(endpoint, post(stream))
      if (!response.ok) throw new Refused(await response.text())
      return response
    }
    async function requested(stream: boolean): Promise<Awaited<ReturnType<typeof request>>['body']> {
      const { statusCode, body } = await request(endpoint, post(stream))
      if (statusCode !== 200) throw new Refused(await body.text())
      return body
    }

    return {
      calls: {
        'undici.request': async () => saidIn(await (await requested(false)).json()),
        'the platform’s fetch': async () => saidIn(await (await fetched(false)).json()),
        'a client as it is (openai)': async () => {
          const { messages } = { messages: [{ role: 'user' as const, content: 'Hello?' }] }
          return saidIn(await client.chat.completions.create({ model: 'gpt-5', messages }))
        },
      },
      streams: {
        async *'undici.request'() {
          yield* textOf(await requested(true))
        },
        async *'the platform’s fetch'() {
          yield* textOf((await fetched(true)).body)
        },
      },
      isRefusal: (error) => error instanceof Refused || error instanceof AuthenticationError,
      isBroken: (error) => error instanceof StreamError,
      close: async () => {
        setGlobalDispatcher(before)
        await agent.close()
      },
    }
  },
}

class Refused extends Error {}
