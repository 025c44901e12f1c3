import type { AccessToken } from 'llm-refresh'
import type { McpClient } from 'llm-refresh/sources/mcp'
import type { OAuthClient, OAuthOptions, TokenTarget } from 'llm-refresh/sources/oauth'
import type { McpDefinition, OAuthDefinition } from '../config/credentials.ts'
import type { SecretReference } from '../config/fields.ts'
import type { Config } from '../config/read.ts'
import { secretReader } from '../config/secret.ts'
import { proxiedFetch } from './http.ts'

/** What `oauth` and `mcp` say of a client in the same words. */
type ClientDefinition = Pick<
  OAuthDefinition,
  'clientSecret' | 'clientAuth' | 'privateKey' | 'clientAssertion' | 'plainHttpEndpoints' | 'grant'
>
type Reader = ReturnType<typeof secretReader>

/** The client and its server: for the source, for a login and for a logout. */
export async function oauthClient(
  config: Config,
  name: string,
  definition: OAuthDefinition,
): Promise<OAuthClient> {
  const { issuer, tokenEndpoint, deviceAuthorizationEndpoint, authorizationEndpoint, revocationEndpoint } =
    definition
  const { clientId } = definition
  return {
    issuer,
    tokenEndpoint,
    deviceAuthorizationEndpoint,
    authorizationEndpoint,
    revocationEndpoint,
    clientId,
    ...(await proofsOf(config, name, definition)),
  }
}

/** The same for an MCP server, whose metadata tell the rest. It has no store yet. */
export async function mcpClient(config: Config, name: string, definition: McpDefinition): Promise<McpClient> {
  const { issuers, issuer, resourceMetadata, clientId, clientMetadataUrl, resourceParameter, scope } =
    definition
  const proofs = await proofsOf(config, name, definition)
  return {
    issuers,
    issuer,
    resourceMetadata,
    clientId,
    clientMetadataUrl,
    resourceParameter,
    scope,
    ...proofs,
  }
}

/** The client that a token was issued to, and its server. That of an MCP server was found at the login, and the token names it. */
export async function revokingClient(
  config: Config,
  name: string,
  definition: OAuthDefinition | McpDefinition,
  { extra }: AccessToken,
): Promise<OAuthClient> {
  if (definition.source === 'oauth') return oauthClient(config, name, definition)
  const found = (field: string): string | undefined => {
    const value: unknown = Reflect.get(Object(extra?.['mcp']), field)
    return typeof value === 'string' ? value : undefined
  }
  const { issuer = found('issuer'), clientId = found('client') ?? '' } = definition
  return { issuer, clientId, ...(await proofsOf(config, name, definition)) }
}

/** How a client shows who it is. */
async function proofsOf(config: Config, name: string, definition: ClientDefinition) {
  const { clientAuth, privateKey, plainHttpEndpoints } = definition
  return {
    clientSecret: readerOf(config, name, 'clientSecret', definition.clientSecret),
    clientAuth,
    privateKey: privateKey && {
      ...privateKey,
      key: secretReader(privateKey.key, config.folder, `credentials.${name}.privateKey.key`),
    },
    clientAssertion: readerOf(config, name, 'clientAssertion', definition.clientAssertion),
    plainHttpEndpoints,
    fetch: await proxiedFetch(),
  }
}

export function targetOf({ scope, audience, resource, parameters }: OAuthDefinition): TokenTarget {
  return { scope, audience, resource, parameters }
}

export function grantOf(config: Config, name: string, { grant }: ClientDefinition): OAuthOptions['grant'] {
  if (typeof grant !== 'object') return grant
  const read = (field: string, given: SecretReference): Reader =>
    secretReader(given, config.folder, `credentials.${name}.grant.${field}`)
  switch (grant.type) {
    case 'refresh_token':
      return {
        type: grant.type,
        refreshToken: grant.refreshToken && read('refreshToken', grant.refreshToken),
      }
    case 'jwt_bearer':
      return { type: grant.type, assertion: read('assertion', grant.assertion) }
    default:
      return {
        ...grant,
        subjectToken: read('subjectToken', grant.subjectToken),
        actorToken: grant.actorToken && read('actorToken', grant.actorToken),
      }
  }
}

function readerOf(
  { folder }: Config,
  name: string,
  field: string,
  given: SecretReference | undefined,
): Reader | undefined {
  return given && secretReader(given, folder, `credentials.${name}.${field}`)
}
