import type { Source } from 'llm-refresh'
import type { OAuthClient, OAuthOptions, TokenTarget } from 'llm-refresh/sources/oauth'
import type { Config } from '../config/read.ts'
import type { CredentialDefinition, OAuthDefinition } from '../config/schema.ts'
import { pathIn, programIn, secretReader } from '../config/secret.ts'
import { proxiedFetch } from './http.ts'

/** A person logs in for it. Everything else gets its tokens by itself. */
export function isPersons(definition: CredentialDefinition): definition is OAuthDefinition {
  if (definition.source !== 'oauth') return false
  const { grant = 'refresh_token' } = definition
  return grant === 'refresh_token' || (typeof grant === 'object' && grant.type === 'refresh_token')
}

/** The source of a credential; it loads here. */
export async function sourceOf(
  config: Config,
  name: string,
  definition: CredentialDefinition,
): Promise<Source> {
  switch (definition.source) {
    case 'oauth': {
      const { oauth } = await import('llm-refresh/sources/oauth')
      const client = await oauthClient(config, name, definition)
      const grant = grantOf(config, name, definition)
      return oauth({ ...client, ...targetOf(definition), ...(grant !== undefined && { grant }) })
    }
    case 'command': {
      const { command } = await import('llm-refresh/sources/command')
      const [program, ...args] = definition.command
      const { env, timeout } = definition
      return command({ file: programIn(config.folder, program), args, cwd: config.folder, env, timeout })
    }
    case 'file': {
      const { file } = await import('llm-refresh/sources/file')
      return file(pathIn(config.folder, definition.path))
    }
    case 'env': {
      const { env } = await import('llm-refresh/sources/env')
      return env(definition.name)
    }
    default:
      throw new Error('unreachable')
  }
}

/** The client and its server: for the source, for a login and for a logout. */
export async function oauthClient(
  config: Config,
  name: string,
  definition: OAuthDefinition,
): Promise<OAuthClient> {
  const secretAt = (field: string, given: OAuthDefinition['clientSecret']) =>
    given && secretReader(given, config.folder, `credentials.${name}.${field}`)
  const { clientId, clientAuth, privateKey, plainHttpEndpoints } = definition
  const { issuer, tokenEndpoint, deviceAuthorizationEndpoint, authorizationEndpoint, revocationEndpoint } =
    definition
  return {
    issuer,
    tokenEndpoint,
    deviceAuthorizationEndpoint,
    authorizationEndpoint,
    revocationEndpoint,
    clientId,
    clientSecret: secretAt('clientSecret', definition.clientSecret),
    clientAuth,
    privateKey: privateKey && {
      ...privateKey,
      key: secretReader(privateKey.key, config.folder, `credentials.${name}.privateKey.key`),
    },
    clientAssertion: secretAt('clientAssertion', definition.clientAssertion),
    plainHttpEndpoints,
    fetch: await proxiedFetch(),
  }
}

export function targetOf({ scope, audience, resource, parameters }: OAuthDefinition): TokenTarget {
  return { scope, audience, resource, parameters }
}

function grantOf(config: Config, name: string, { grant }: OAuthDefinition): OAuthOptions['grant'] {
  if (typeof grant !== 'object') return grant
  const read = (field: string, given: OAuthDefinition['clientSecret']) =>
    given && secretReader(given, config.folder, `credentials.${name}.grant.${field}`)
  switch (grant.type) {
    case 'refresh_token':
      return { type: grant.type, refreshToken: read('refreshToken', grant.refreshToken) }
    case 'jwt_bearer':
      return {
        type: grant.type,
        assertion: secretReader(grant.assertion, config.folder, `credentials.${name}.grant.assertion`),
      }
    default:
      return {
        ...grant,
        subjectToken: secretReader(
          grant.subjectToken,
          config.folder,
          `credentials.${name}.grant.subjectToken`,
        ),
        actorToken: read('actorToken', grant.actorToken),
      }
  }
}
