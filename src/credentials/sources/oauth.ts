import type { Secret } from '../secret.ts'
import type { Source } from '../source.ts'
import { readTokens } from './oauth/answer.ts'
import { readChallenges, withClaims } from './oauth/challenge.ts'
import { Client } from './oauth/client.ts'
import { deviceLogin } from './oauth/device.ts'
import { readGrant } from './oauth/grant.ts'
import type {
  Challenge,
  DeviceLoginOptions,
  DevicePrompt,
  Grant,
  JwtBearerGrant,
  OAuthClient,
  OAuthOptions,
  PrivateKey,
  RefreshTokenGrant,
  RevokeOptions,
  TokenExchangeGrant,
  TokenTarget,
} from './oauth/options.ts'
import { revoke } from './oauth/revoke.ts'
import { readTarget, TARGET } from './oauth/target.ts'

/**
 * Tokens from an OAuth authorization server. It needs the package `oauth4webapi`.
 *
 * What a `WWW-Authenticate` challenge demands in `claims` is asked for.
 *
 * `issue` throws a RefreshError: `source_unreachable`, `source_unavailable`, `source_rate_limited` (time mends them),
 * `reauthentication_required` (the refresh token is no good any more: a person must log in again), `source_refused` (the server
 * says no to this client or to what it asks), `source_invalid` (an answer that is none), `invalid_option` (no oauth4webapi), and whatever
 * the functions throw that secrets are read with.
 *
 * @throws RefreshError `invalid_option`
 * @example
 * const source = oauth({ issuer: 'https://auth.example.com', clientId: 'my-app' })
 * const source = oauth({ issuer, clientId, clientSecret: () => readSecret('client'), grant: 'client_credentials' })
 */
export function oauth(options: OAuthOptions): Source {
  const client = new Client(options, ['grant', ...TARGET])
  const grant = readGrant(options.grant ?? 'refresh_token')
  const target = readTarget(options)
  return {
    rotates: grant.type === 'refresh_token',
    issue: async (context) => {
      const { challenge, signal } = context
      const parameters = [...withClaims(target, challenge), ...(await grant.parameters(context))]
      const answer = await client.ask('token_endpoint', signal, (peer, { server, party, auth }, request) =>
        peer.genericTokenEndpointRequest(server, party, auth, grant.type, parameters, request),
      )
      return readTokens(answer, grant.person, client.now())
    },
  }
}

export { deviceLogin, readChallenges, revoke }
export type {
  Challenge,
  DeviceLoginOptions,
  DevicePrompt,
  Grant,
  JwtBearerGrant,
  OAuthClient,
  OAuthOptions,
  PrivateKey,
  RefreshTokenGrant,
  RevokeOptions,
  Secret,
  TokenExchangeGrant,
  TokenTarget,
}
