import { type Client, SAID } from './client.ts'
import { chat, objectIn, saidIn, StreamError, textOf } from './event-stream.ts'

export const axiosClient: Client = {
  name: 'axios',
  server: 'llm',
  takes: 'fetch',
  package: 'axios',
  option: "axios.create({ adapter: 'fetch', env: { fetch } })",
  calls: { post: SAID, get: 'list' },
  streams: ['post'],
  async build({ url, fetch }) {
    const { default: axios } = await import('axios')
    const api = axios.create({ baseURL: `${url}/v1`, adapter: 'fetch', env: { fetch } })
    return {
      calls: {
        post: async () => saidIn((await api.post<unknown>('chat/completions', chat(false))).data),
        get: async () => objectIn((await api.get<unknown>('models')).data),
      },
      streams: {
        async *post() {
          const { data } = await api.post<ReadableStream<Uint8Array>>('chat/completions', chat(true), {
            responseType: 'stream',
          })
          yield* textOf(data)
        },
      },
      isRefusal: (error) => axios.isAxiosError(error) && error.response?.status === 401,
      isBroken: (error) => error instanceof StreamError,
    }
  },
}
