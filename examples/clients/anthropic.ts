import { type Client, SAID, UNUSED } from './client.ts'

export const anthropic: Client = {
  name: 'Anthropic',
  server: 'llm',
  takes: 'fetch',
  package: '@anthropic-ai/sdk',
  option: "new Anthropic({ authToken: 'unused', fetch })",
  calls: { messages: SAID },
  streams: ['messages', 'messages.stream()'],
  async build({ url, fetch }) {
    const { Anthropic, APIError, AuthenticationError } = await import('@anthropic-ai/sdk')
    const client = new Anthropic({ authToken: UNUSED, baseURL: url, fetch })
    const request = {
      model: 'claude-sonnet-5',
      max_tokens: 100,
      messages: [{ role: 'user' as const, content: 'Hello?' }],
    }
    return {
      calls: {
        messages: async () => {
          const { content } = await client.messages.create(request)
          return content.map((block) => (block.type === 'text' ? block.text : '')).join('')
        },
      },
      streams: {
        async *messages() {
          for await (const event of await client.messages.create({ ...request, stream: true })) {
            if (event.type === 'content_block_delta' && event.delta.type === 'text_delta')
              yield event.delta.text
          }
        },
        async *'messages.stream()'() {
          for await (const event of client.messages.stream(request)) {
            if (event.type === 'content_block_delta' && event.delta.type === 'text_delta')
              yield event.delta.text
          }
        },
      },
      isRefusal: (error) => error instanceof AuthenticationError,
      isBroken: (error) => error instanceof APIError,
    }
  },
}
