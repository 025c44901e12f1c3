import { type Client, SAID } from './client.ts'
import { chat, objectIn, saidIn, StreamError, textOf } from './event-stream.ts'

export const kyClient: Client = {
  name: 'ky',
  server: 'llm',
  takes: 'fetch',
  package: 'ky',
  option: 'ky.create({ fetch })',
  calls: { 'post of JSON': SAID, 'post of a form': 'file', get: 'list' },
  streams: ['post'],
  async build({ url, fetch }) {
    const { default: ky, HTTPError } = await import('ky')
    const api = ky.create({ prefix: `${url}/v1`, fetch })
    return {
      calls: {
        'post of JSON': async () => saidIn(await api.post('chat/completions', { json: chat(false) }).json()),
        'post of a form': async () => {
          const body = form()
          return objectIn(await api.post('files', { body }).json())
        },
        get: async () => objectIn(await api.get('models').json()),
      },
      streams: {
        async *post() {
          yield* textOf((await api.post('chat/completions', { json: chat(true) })).body)
        },
      },
      isRefusal: (error) => error instanceof HTTPError && error.response.status === 401,
      isBroken: (error) => error instanceof StreamError,
    }
  },
}

function form(): FormData {
  const body = new FormData()
  body.set('purpose', 'user_data')
  body.set('file', new Blob(['one\ntwo\n']), 'lines.txt')
  return body
}
