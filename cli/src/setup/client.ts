import type { AccessToken } from 'llm-refresh'
import type { McpClient } from 'llm-refresh/sources/mcp'
import type { OAuthClient, OAuthOptions, TokenTarget } from 'llm-refresh/sources/oauth'
import type { McpDefinition, OAuthDefinition } from '../config/credentials.ts'
import type { SecretReference } from '../config/fields.ts'
import type { Config } from '../config/read.ts'
import { secretReader } from '../config/secret.ts'
import { proxiedFetch } from './http.ts'

/** The fields of a client that `oauth` and `mcp` share. */
type ClientDefinition = Pick<
  OAuthDefinition,
  'clientSecret' | 'clientAuth' | 'privateKey' | 'clientAssertion' | 'plainHttpEndpoints' | 'grant'
>
type Reader = ReturnType<typeof secretReader>

/** The client and its server, for the source, a login and a logout. */
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

/** The client for an MCP server, whose metadata supply the rest. The caller adds the store. */
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

/** The client that a token was issued to, and its server. For an MCP server the login found both, and the token names them. */
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

/** The secrets and keys by which a client identifies itself. */
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
