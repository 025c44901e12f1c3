import { type Client, SAID } from './client.ts'
import { chat, objectIn, saidIn, StreamError, textOf } from './event-stream.ts'

export const ofetchClient: Client = {
  name: 'ofetch',
  server: 'llm',
  takes: 'fetch',
  package: 'ofetch',
  option: 'createFetch({ fetch })',
  calls: { post: SAID, get: 'list' },
  streams: ['post'],
  async build({ url, fetch }) {
    const { createFetch, FetchError } = await import('ofetch')
    const api = createFetch({ fetch, defaults: { baseURL: `${url}/v1` } })
    return {
      calls: {
        post: async () =>
          saidIn(await api<unknown>('chat/completions', { method: 'POST', body: chat(false) })),
        get: async () => objectIn(await api<unknown>('models')),
      },
      streams: {
        async *post() {
          const options = { method: 'POST', body: chat(true), responseType: 'stream' } as const
          yield* textOf(await api('chat/completions', options))
        },
      },
      isRefusal: (error) => error instanceof FetchError && error.statusCode === 401,
      isBroken: (error) => error instanceof StreamError,
    }
  },
}
