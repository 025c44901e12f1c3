import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'

/** What has become of one account at the token endpoint. */
export interface Family {
  /** The number of the refresh token in force. */
  current: number
  /** Requests that held one of its refresh tokens. */
  presented: number
  refused: number
  /** A spent refresh token was presented, and every token of the account is dead. */
  isRevoked: boolean
}

/** A token endpoint for many accounts: refresh tokens rotate, and reuse ends the login (RFC 9700 section 4.14.2). */
export interface TokenEndpoint {
  readonly url: string
  /** ms, from the redemption to the response */
  delay: number
  /** It responds with 503. */
  isDown: boolean
  /** Responses are held back until `letOn()`; redemptions happen at once. */
  isHolding: boolean
  /** Refresh tokens in the name of this account. */
  family(account: string): Family
  /** The refresh token that is in force. */
  inForce(account: string): string
  /** When each request arrived, in epoch ms. */
  readonly arrivals: readonly number[]
  /** Resolves when so many responses are held. */
  holding(count: number): Promise<void>
  letOn(): void
  close(): Promise<void>
}

export async function startTokenEndpoint(): Promise<TokenEndpoint> {
  const families = new Map<string, Family>()
  const arrivals: number[] = []
  let held: (() => void)[] = []
  const watchers = new Set<() => void>()
  const family = (account: string): Family => {
    const known = families.get(account) ?? { current: 0, presented: 0, refused: 0, isRevoked: false }
    families.set(account, known)
    return known
  }
  const endpoint: Omit<TokenEndpoint, 'url' | 'close'> = {
    delay: 0,
    isDown: false,
    isHolding: false,
    family,
    inForce: (account) => `${account}.${family(account).current}`,
    arrivals,
    holding: (count) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (held.length < count) return
          watchers.delete(look)
          resolve()
        }
        watchers.add(look)
        look()
      }),
    letOn: () => {
      endpoint.isHolding = false
      const all = held
      held = []
      for (const respond of all) respond()
    },
  }
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    arrivals.push(Date.now())
    const presented = new URLSearchParams(await text(request)).get('refresh_token') ?? ''
    if (endpoint.isDown) {
      response.writeHead(503).end()
      return
    }
    const [status, body] = redeem(presented, family)
    await new Promise<void>((respond) => {
      if (endpoint.isHolding) held.push(respond)
      else if (endpoint.delay > 0) setTimeout(respond, endpoint.delay)
      else respond()
      for (const look of watchers) look()
    })
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }
  const server = createServer((request, response) => void serve(request, response).catch(() => undefined))
  server.keepAliveTimeout = 120_000
  server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 })
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return Object.assign(endpoint, {
    url: `http://127.0.0.1:${port}/token`,
    close: async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  })
}

function redeem(presented: string, family: (account: string) => Family): [status: number, body: object] {
  const [account = '', number] = presented.split('.')
  const known = family(account)
  known.presented++
  if (known.isRevoked || Number(number) !== known.current) {
    known.isRevoked = true
    known.refused++
    return [400, { error: 'invalid_grant' }]
  }
  known.current++
  return [
    200,
    {
      access_token: `access-${account}-${known.current}`,
      token_type: 'Bearer',
      expires_in: 36_000,
      refresh_token: `${account}.${known.current}`,
    },
  ]
}
