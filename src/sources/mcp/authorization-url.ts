import { loadOAuth } from '../shared/oauth/oauth4webapi.ts'
import { each, type Parameters } from '../shared/oauth/target.ts'

/** What a person's browser is sent to an authorization server with. */
export interface AuthorizationRequest {
  readonly client: string
  readonly redirectUri: string
  /** Separated by spaces; empty for none. */
  readonly scope: string
  readonly resource: string | undefined
  readonly state: string
  /** Its hash is sent (PKCE, RFC 7636). */
  readonly verifier: string
}

/** Where a person's browser goes to log in. */
export async function authorizationUrl(
  endpoint: string,
  { client, redirectUri, scope, resource, state, verifier }: AuthorizationRequest,
): Promise<URL> {
  const { calculatePKCECodeChallenge } = await loadOAuth()
  const fields: Parameters = [
    ...(scope === '' ? [] : each('scope', scope)),
    ...each('resource', resource),
    ['client_id', client],
    ['response_type', 'code'],
    ['redirect_uri', redirectUri],
    ['state', state],
    ['code_challenge', await calculatePKCECodeChallenge(verifier)],
    ['code_challenge_method', 'S256'],
    // OpenID Connect Core section 11: without it the wish is ignored.
    ...(scope.split(' ').includes('offline_access') ? each('prompt', 'consent') : []),
  ]
  const url = new URL(endpoint)
  for (const [name, value] of fields) url.searchParams.append(name, value)
  return url
}
