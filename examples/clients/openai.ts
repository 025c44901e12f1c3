import { type Client, SAID, UNUSED } from './client.ts'

const FILE = 'one\ntwo\n'

export const openai7: Client = {
  name: 'OpenAI 7',
  server: 'llm',
  takes: 'fetch',
  package: 'openai',
  option: "new OpenAI({ apiKey: 'unused', fetch })",
  calls: { chat: SAID, responses: SAID, embeddings: '3', 'file upload': FILE },
  streams: ['chat', 'responses'],
  async build({ url, fetch }) {
    const { OpenAI, APIError, AuthenticationError, toFile } = await import('openai')
    const client = new OpenAI({ apiKey: UNUSED, baseURL: `${url}/v1`, fetch })
    const model = 'gpt-5'
    const messages = [{ role: 'user' as const, content: 'Hello?' }]
    return {
      calls: {
        chat: async () => {
          const { choices } = await client.chat.completions.create({ model, messages })
          return choices[0]?.message.content ?? ''
        },
        responses: async () => (await client.responses.create({ model, input: 'Hello?' })).output_text,
        embeddings: async () => {
          const { data } = await client.embeddings.create({
            model: 'text-embedding-3-small',
            input: 'Hello?',
            encoding_format: 'float',
          })
          return String(data[0]?.embedding.length)
        },
        'file upload': async () => {
          const file = await toFile(new TextEncoder().encode(FILE), 'lines.txt')
          const { id } = await client.files.create({ file, purpose: 'user_data' })
          return (await client.files.content(id)).text()
        },
      },
      streams: {
        async *chat() {
          for await (const { choices } of await client.chat.completions.create({
            model,
            messages,
            stream: true,
          })) {
            yield choices[0]?.delta.content ?? ''
          }
        },
        async *responses() {
          for await (const event of await client.responses.create({ model, input: 'Hello?', stream: true })) {
            if (event.type === 'response.output_text.delta') yield event.delta
          }
        },
      },
      isRefusal: (error) => error instanceof AuthenticationError,
      isBroken: (error) => error instanceof APIError,
    }
  },
}
