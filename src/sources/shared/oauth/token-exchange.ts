import { checked } from '../../../lib/options.ts'
import { aText } from '../secret.ts'
import type { TokenExchangeGrant, TokenTarget } from './options.ts'
import { each, type Parameters, readTarget } from './target.ts'

export const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
export const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

/** The part of an exchange that is known before its tokens. */
export type ExchangeOptions = Omit<TokenTarget, 'parameters'> &
  Omit<TokenExchangeGrant, 'type' | 'subjectToken' | 'actorToken'>

/**
 * Reads a token exchange, without its client (RFC 8693 section 2.1).
 *
 * @returns a function that writes the parameters. It takes the scope of the options, or a wider one
 * @throws RefreshError `invalid_option`
 */
export function readTokenExchange(
  options: ExchangeOptions,
): (subjectToken: string, actorToken?: string, scope?: string) => Parameters {
  const { subjectTokenType = 'jwt', actorTokenType = 'jwt', requestedTokenType } = options
  const { scope: first, resource, audience } = options
  const subjectType = tokenType('subjectTokenType', subjectTokenType)
  const actorType = tokenType('actorTokenType', actorTokenType)
  const requested =
    requestedTokenType === undefined ? undefined : tokenType('requestedTokenType', requestedTokenType)
  // Check the target now, so that a wrong option throws at once.
  readTarget({ scope: first, resource, audience })
  return (subjectToken, actorToken, scope) => [
    ['subject_token_type', subjectType],
    ...each('actor_token_type', actorToken && actorType),
    ...each('requested_token_type', requested),
    ...readTarget({ scope, resource, audience }),
    ['subject_token', subjectToken],
    ...each('actor_token', actorToken),
  ]
}

/** The URI of a token type. The caller gives the whole URI, or its last part. */
export function tokenType(name: string, type: string): string {
  const given = checked(name, type, aText)
  return given.includes(':') ? given : `urn:ietf:params:oauth:token-type:${given}`
}
