import { loadOAuth } from '../shared/oauth/oauth4webapi.ts'
import { each, type Parameters } from '../shared/oauth/target.ts'

/** The parameters of an authorization request. The person's browser carries them to the authorization server. */
export interface AuthorizationRequest {
  readonly client: string
  readonly redirectUri: string
  /** Separated by spaces; empty for none. */
  readonly scope: string
  readonly resource: string | undefined
  readonly state: string
  /** The PKCE code verifier. The URL holds only its hash (RFC 7636). */
  readonly verifier: string
}

/** The URL that the person's browser opens to log in. */
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
    // Without `prompt=consent` a server ignores `offline_access` (OpenID Connect Core section 11).
    ...(scope.split(' ').includes('offline_access') ? each('prompt', 'consent') : []),
  ]
  const url = new URL(endpoint)
  for (const [name, value] of fields) url.searchParams.append(name, value)
  return url
}
