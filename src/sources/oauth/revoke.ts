import type { AccessToken } from '../../credential/token.ts'
import { aSignal } from '../../lib/options.ts'
import { Client } from '../shared/oauth/client.ts'
import type { RevokeOptions } from '../shared/oauth/options.ts'
import { errorOf } from '../shared/refused-words.ts'
import { readBody } from '../shared/response-body.ts'
import { refusalOf } from '../shared/token-endpoint.ts'

/**
 * Revokes a login at the server (RFC 7009): first the refresh token, if there is one, then the access token. Call it before
 * `credential.logout()`.
 *
 * @throws RefreshError what the source throws; `invalid_option` if the server has no such endpoint. After an abort: the signal's reason.
 * @example
 * const token = account.peek()?.value
 * if (token) await revoke(token, { issuer, clientId })
 * await account.logout()
 */
export async function revoke(token: AccessToken, options: RevokeOptions): Promise<void> {
  const client = new Client(options, { signal: aSignal })
  const { signal = new AbortController().signal } = options
  const { refreshToken, accessToken } = token
  if (refreshToken !== undefined) await revokeOne(client, refreshToken, 'refresh_token', signal)
  await revokeOne(client, accessToken, 'access_token', signal)
}

async function revokeOne(client: Client, token: string, hint: string, signal: AbortSignal): Promise<void> {
  const whole = await client.ask(
    'revocation_endpoint',
    { signal },
    (peer, { server, party, auth }, request) =>
      peer.revocationRequest(server, party, auth, token, {
        ...request,
        additionalParameters: { token_type_hint: hint },
      }),
  )
  const { text, response } = whole
  const body = readBody(text, response.headers.get('content-type') ?? '')
  const said = errorOf(body)
  // A success with an HTML page does not count: a proxy may have sent it.
  if (response.ok && !text.trimStart().startsWith('<') && !said.isError) return
  // A server may be unable to revoke access tokens, which is no failure (RFC 7009 section 2).
  if (hint === 'access_token' && said.codes.includes('unsupported_token_type')) return
  const failure = refusalOf(whole, client.asking({ endpoint: 'revocation endpoint' }), client.now(), body)
  if (failure !== undefined) throw failure
}
