import { type Client, SAID } from './client.ts'
import { chat, objectIn, saidIn, StreamError, textOf } from './event-stream.ts'

export const plainFetch: Client = {
  name: 'fetch',
  server: 'llm',
  takes: 'fetch',
  package: undefined,
  option: 'fetch(url)',
  calls: { post: SAID, 'a Request': SAID, get: 'list' },
  streams: ['post'],
  build({ url, fetch }) {
    const request = (stream: boolean): [string, RequestInit] => [
      `${url}/v1/chat/completions`,
      { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(chat(stream)) },
    ]
    async function json(response: Response): Promise<unknown> {
      if (!response.ok) throw new Refused(await response.text())
      return response.json()
    }
    return Promise.resolve({
      calls: {
        post: async () => saidIn(await json(await fetch(...request(false)))),
        'a Request': async () => saidIn(await json(await fetch(new Request(...request(false))))),
        get: async () => objectIn(await json(await fetch(`${url}/v1/models`))),
      },
      streams: {
        async *post() {
          const response = await fetch(...request(true))
          if (!response.ok) throw new Refused(await response.text())
          yield* textOf(response.body)
        },
      },
      isRefusal: (error) => error instanceof Refused,
      isBroken: (error) => error instanceof StreamError,
    })
  },
}

class Refused extends Error {}
