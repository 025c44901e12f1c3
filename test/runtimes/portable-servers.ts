import { once } from 'node:events'
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'

/** An authorization server, an API and pages at one origin. Each response has the CORS headers that browsers require. */
export interface PortableServers {
  readonly origin: string
  close(): Promise<void>
}

const ANYONE = {
  'access-control-allow-origin': '*',
  'access-control-allow-headers': '*, authorization',
  'access-control-allow-methods': '*',
  'access-control-expose-headers': '*',
}

/** @param pages path → page or script @param tell called with each body that a page posts to `/told` */
export async function startPortableServers(
  pages: ReadonlyMap<string, string> = new Map(),
  tell: (told: string) => void = () => undefined,
): Promise<PortableServers> {
  /** Account → the refresh tokens that clients have presented. */
  const presented = new Map<string, string[]>()
  const server = createServer((request, response) => {
    const respond = async (): Promise<void> => {
      const [, place = '', name = ''] = request.url?.split('/') ?? []
      const body = await text(request)
      const reply = (status: number, said: string, type = 'text/plain'): void => {
        response.writeHead(status, { ...ANYONE, 'content-type': type }).end(said)
      }
      const page = pages.get(request.url ?? '')
      if (page !== undefined)
        return reply(200, page, request.url?.endsWith('.js') === true ? 'text/javascript' : 'text/html')
      if (place === 'told') {
        tell(body)
        return reply(204, '')
      }
      if (request.method === 'OPTIONS') return reply(204, '')
      if (place === 'redemptions') return reply(200, String(presented.get(name)?.length ?? 0))
      if (place === 'token') {
        const all = presented.get(name) ?? []
        presented.set(name, all)
        const token = new URLSearchParams(body).get('refresh_token') ?? ''
        if (token !== '' && all.includes(token))
          return reply(400, '{"error":"invalid_grant"}', 'application/json')
        all.push(token)
        const issued = { access_token: `fresh-${all.length}`, token_type: 'Bearer', expires_in: 3_600 }
        const both = { ...issued, refresh_token: `${name}.${all.length}` }
        return reply(200, JSON.stringify(token === '' ? issued : both), 'application/json')
      }
      const isFresh = request.headers.authorization?.startsWith('Bearer fresh') === true
      const events = 'data: one\n\ndata: two\n\n'
      if (name === 'late' && !isFresh) {
        const error = { error: { type: 'authentication_error', message: 'invalid x-api-key' } }
        return reply(200, `event: error\ndata: ${JSON.stringify(error)}\n\n`, 'text/event-stream')
      }
      if (!isFresh) return reply(401, '{"error":{"message":"token has expired"}}', 'application/json')
      if (name === 'events' || name === 'late') return reply(200, events, 'text/event-stream')
      reply(200, body)
    }
    void respond()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  return {
    origin: `http://127.0.0.1:${port}`,
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
