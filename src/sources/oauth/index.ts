import { factsOf, noting } from '../../credential/failure-facts.ts'
import type { Source } from '../../credential/source.ts'
import type { MadeFor } from '../../credential/store.ts'
import { RefreshError } from '../../errors.ts'
import { anything } from '../../lib/options.ts'
import type { WebCryptoKey } from '../../lib/web-crypto-key.ts'
import { readChallenges, withClaims } from '../shared/oauth/challenge.ts'
import { Client } from '../shared/oauth/client.ts'
import { type GrantInput, readGrant } from '../shared/oauth/grant.ts'
import type {
  AssertionTarget,
  ParsedChallenge,
  DeviceLoginOptions,
  DevicePrompt,
  ExtensionGrant,
  Grant,
  Jwk,
  JwtBearerGrant,
  OAuthClient,
  OAuthOptions,
  PrivateKey,
  RefreshTokenGrant,
  RevokeOptions,
  TokenExchangeGrant,
  TokenTarget,
} from '../shared/oauth/options.ts'
import { readTarget, TARGET } from '../shared/oauth/target.ts'
import { WiderScope, withScope } from '../shared/oauth/wider-scope.ts'
import type { SecretOption } from '../shared/secret.ts'
import { readTokens } from '../shared/token-endpoint.ts'
import { deviceLogin } from './device.ts'
import { revoke } from './revoke.ts'

/**
 * Tokens from an OAuth authorization server. It needs the package `oauth4webapi`.
 *
 * If a `WWW-Authenticate` challenge demands `claims`, the next token request asks for them.
 *
 * `issue` throws a RefreshError: `source_unreachable`, `source_unavailable`, `source_rate_limited` (time mends them),
 * `reauthentication_required` (the refresh token has ended: a person must log in again), `source_refused` (the server refuses this client or
 * its request), `source_invalid` (the response holds no usable token), `invalid_option` (oauth4webapi is not installed), and any error of
 * your functions that return secrets.
 *
 * @throws RefreshError `invalid_option`
 * @example
 * const source = oauth({ issuer: 'https://auth.example.com', clientId: 'my-app' })
 * const machine = oauth({ issuer, clientId, clientSecret: () => readSecret('client'), grant: 'client_credentials' })
 */
export function oauth(options: OAuthOptions): Source {
  const client = new Client(options, { grant: anything, ...TARGET })
  const grant = readGrant(options.grant ?? 'refresh_token')
  if (grant.type === 'client_credentials') client.secrets.refusePublic()
  readTarget(options)
  const wider = new WiderScope()
  const spends = grant.type === 'refresh_token'
  const [resource] = options.resource === undefined ? [] : [options.resource].flat()
  const aim = (): GrantInput['target'] => ({
    issuer: client.issuer,
    resource,
    scope: wider.with(options.scope),
  })
  return {
    spendsRefreshToken: spends,
    get madeFor(): MadeFor {
      return madeFor(client, { ...options, scope: wider.with(options.scope) })
    },
    presented: async (input) => {
      const proofs = (await grant.parameters({ ...input, target: aim() })).map(([, value]) => value)
      const secret = await client.secrets.presented(input.signal)
      const { issuer = '', tokenEndpoint = '', scope = '' } = options
      return [...proofs, client.id, secret, issuer, tokenEndpoint, scope, ...wider.names]
    },
    /** Only a person can widen the scope of a refresh token. */
    ...(!spends && { widen: wider.widen }),
    ...(grant.seed !== undefined && { seed: grant.seed }),
    issue: async (context) => {
      const { challenge, signal } = context
      let isSent = false
      const sent = (): void => {
        isSent = true
        // Only a request that spends a refresh token is reported: any other request may be sent again at any time.
        if (spends) context.sent?.()
      }
      try {
        // The endpoint now refuses the scopes. If a server demanded some of them, we forget those, and send the configured scope. Otherwise we
        // send no scope, so that the granted one counts.
        const isNarrower = context.asGranted === true && !wider.forget()
        const { scope } = isNarrower ? NO_SCOPE : aim()
        const target = readTarget({ ...options, scope })
        const wanted = withClaims(target, challenge)
        const parameters = [...wanted, ...(await grant.parameters({ ...context, target: aim() }))]
        // A request that redeems a refresh token has no timeout, because only its response holds the new token. The end of the flight ends it.
        const asked = { signal, sent, ...(spends && { timeout: Infinity }) }
        const whole = await client.ask('token_endpoint', asked, (peer, { server, party, auth }, request) =>
          peer.genericTokenEndpointRequest(server, party, auth, grant.type, parameters, request),
        )
        const { isSigned, person } = grant
        const about = {
          person,
          spends,
          isSigned,
          carriesClaims: wanted !== target,
          scope,
          isWider: wider.names.length > 0,
        }
        const token = readTokens(whole, client.asking(about), client.now())
        return spends ? token : withScope(token, scope)
      } catch (error) {
        if (isSent || !(error instanceof RefreshError)) throw error
        throw noting(error, { reach: factsOf(error).reach ?? 'unsent' })
      }
    },
  }
}

const NO_SCOPE = { scope: undefined }

function madeFor({ issuer, id }: Client, { audience, resource, scope }: TokenTarget): MadeFor {
  const joined = (given: string | readonly string[] | undefined): string | undefined =>
    given === undefined ? undefined : [given].flat().join(' ')
  const parts = { audience: joined(audience), resource: joined(resource), scope }
  return { issuer, client: id, ...parts }
}

export type { TokenRequestOptions } from '../shared/token-request.ts'
export { deviceLogin, readChallenges, revoke }
export type {
  AssertionTarget,
  ParsedChallenge,
  DeviceLoginOptions,
  DevicePrompt,
  ExtensionGrant,
  Grant,
  Jwk,
  JwtBearerGrant,
  OAuthClient,
  OAuthOptions,
  PrivateKey,
  RefreshTokenGrant,
  RevokeOptions,
  SecretOption,
  TokenExchangeGrant,
  TokenTarget,
  WebCryptoKey,
}
