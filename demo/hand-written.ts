import type { Token } from './token.ts'

/**
 * What many code bases contain: a fetch that sends the token in force and, on a 401, gets a new one and tries
 * again. One caller at a time is served well. Several at once each redeem the same refresh token, and the
 * authorization server, which must take that for a theft, ends the session.
 */
export function fetchWithRefresh(
  tokens: Token,
  redeem: (refreshToken: string) => Promise<Token>,
  send: typeof fetch,
): typeof fetch {
  return async (input, init) => {
    const response = await send(input, authorized(init, tokens))
    if (response.status !== 401) return response
    tokens = await redeem(tokens.refreshToken)
    return send(input, authorized(init, tokens))
  }
}

function authorized(init: RequestInit | undefined, { accessToken }: Token): RequestInit {
  const headers = new Headers(init?.headers)
  headers.set('authorization', `Bearer ${accessToken}`)
  return { ...init, headers }
}
