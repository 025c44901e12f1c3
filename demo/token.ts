import * as oauth from 'oauth4webapi'
import type { AuthorizationServer, Login } from '../test/support/authorization-server.ts'

/** What a login gives, and what each redemption replaces. */
export interface Token {
  readonly accessToken: string
  readonly refreshToken: string
  /** epoch ms */
  readonly expiresAt: number
}

/**
 * The first token of a login.
 * @param asked when the login was asked for, in epoch ms: a life is counted from before the token was issued,
 * for it was on its way for a while
 */
export function firstToken({ accessToken, refreshToken, expiresIn }: Login, asked: number): Token {
  return { accessToken, refreshToken, expiresAt: asked + expiresIn * 1000 }
}

/** Redeems a refresh token (RFC 6749 section 6), over http as the server is on loopback. */
export function redeemer(
  server: AuthorizationServer,
): (refreshToken: string, signal?: AbortSignal) => Promise<Token> {
  const issuer: oauth.AuthorizationServer = { issuer: server.issuer, token_endpoint: server.tokenEndpoint }
  const client: oauth.Client = { client_id: server.client.id }
  const authentication = oauth.ClientSecretBasic(server.client.secret)
  return async (refreshToken, signal) => {
    const asked = Date.now()
    const response = await oauth.refreshTokenGrantRequest(issuer, client, authentication, refreshToken, {
      [oauth.allowInsecureRequests]: true,
      ...(signal && { signal }),
    })
    const token = await oauth.processRefreshTokenResponse(issuer, client, response)
    return {
      accessToken: token.access_token,
      refreshToken: token.refresh_token ?? refreshToken,
      expiresAt: asked + (token.expires_in ?? 0) * 1000,
    }
  }
}
