import { basename } from 'node:path'
import type { Source, Store, StoredRecord } from 'llm-refresh'
import type { WorkloadOptions } from 'llm-refresh/sources/workload'
import type {
  CredentialDefinition,
  McpDefinition,
  OAuthDefinition,
  WorkloadDefinition,
} from '../config/credentials.ts'
import type { Config } from '../config/read.ts'
import { pathIn, programIn, secretReader } from '../config/secret.ts'
import { commandLine } from '../lib/shell.ts'
import { grantOf, mcpClient, oauthClient, targetOf } from './client.ts'
import { proxiedFetch } from './http.ts'

/** A credential that a person logs in for, by its source. */
export type PersonsDefinition = OAuthDefinition | McpDefinition

/** True if a person logs in for the credential. Any other gets its tokens by itself. */
export function isPersons(definition: CredentialDefinition): definition is PersonsDefinition {
  if (definition.source !== 'oauth' && definition.source !== 'mcp') return false
  const { grant = 'refresh_token' } = definition
  return grant === 'refresh_token' || (typeof grant === 'object' && grant.type === 'refresh_token')
}

/** True if the record names another client or another kind of source than the configuration. The next use then ignores its token. */
export function isForeign(definition: CredentialDefinition, { madeFor = {} }: StoredRecord): boolean {
  // Tokens of a variable and of a file are never stored.
  if (definition.source === 'env' || definition.source === 'file') return true
  const issuer = issuerOf(definition)
  const isOAuth = definition.source === 'oauth' || definition.source === 'mcp'
  const client = isOAuth ? definition.clientId : undefined
  const differs = (stored: string | undefined, configured: string | undefined): boolean =>
    stored !== undefined && configured !== undefined && stored !== configured
  const isOfMachine = madeFor.issuer !== undefined && !madeFor.issuer.includes('://')
  return (
    differs(madeFor.issuer, issuer) ||
    differs(madeFor.client, client) ||
    (definition.source === 'mcp' && isOfMachine)
  )
}

/** The issuer that the library stores with a token of this credential; undefined if only a server tells it. */
function issuerOf(definition: CredentialDefinition): string | undefined {
  switch (definition.source) {
    case 'oauth':
      return definition.issuer ?? definition.tokenEndpoint
    case 'command':
      return `command:${basename(definition.command[0] ?? '').replace(/\.(?:exe|com)$/i, '')}`
    case 'google':
    case 'azure':
    case 'aws':
      return definition.source
    default:
      return undefined
  }
}

/** The package that a source needs beside the command; undefined if it needs none. */
export function packageOf({ source }: CredentialDefinition): string | undefined {
  switch (source) {
    case 'google':
      return 'google-auth-library'
    case 'azure':
      return '@azure/identity'
    case 'aws':
      return '@aws/bedrock-token-generator'
    default:
      return undefined
  }
}

/** The command that installs a package beside this command, as a person types it. */
export function installCommand(needed: string): string {
  return commandLine(['npm', 'install', '--global', 'llm-refresh-cli', needed])
}

/**
 * Makes the source of a credential. It loads the source's code here. If the source needs a package, that loads at the first request for a
 * token.
 *
 * @param store the credential's store, which also keeps a client that registers itself
 */
export async function sourceOf(
  config: Config,
  name: string,
  definition: CredentialDefinition,
  store: Store,
): Promise<Source> {
  switch (definition.source) {
    case 'oauth': {
      const { oauth } = await import('../lib/library.ts')
      const client = await oauthClient(config, name, definition)
      const grant = grantOf(config, name, definition)
      return oauth({ ...client, ...targetOf(definition), ...(grant !== undefined && { grant }) })
    }
    case 'mcp': {
      const { mcp } = await import('llm-refresh/sources/mcp')
      const client = await mcpClient(config, name, definition)
      return mcp(definition.url, { ...client, store, grant: grantOf(config, name, definition) })
    }
    case 'workload': {
      const { workload } = await import('llm-refresh/sources/workload')
      return workload(await workloadOptions(config, name, definition))
    }
    case 'google': {
      const { google } = await import('llm-refresh/sources/google')
      const { scopes, impersonate } = definition
      return google({ ...(scopes !== undefined && { scopes }), impersonate })
    }
    case 'azure': {
      const { azure } = await import('llm-refresh/sources/azure')
      const { scopes } = definition
      return azure(scopes === undefined ? {} : { scopes })
    }
    case 'aws': {
      const { aws } = await import('llm-refresh/sources/aws')
      const { region, profile, lifetime } = definition
      return aws({ region, profile, ...(lifetime !== undefined && { lifetime }) })
    }
    case 'command': {
      const { command } = await import('llm-refresh/sources/command')
      const [program, ...args] = definition.command
      const { env = {}, timeout } = definition
      // All that stands in the configuration tells whose tokens they are. Where the program is does not. Without variables the library's own
      // identity counts, so that a program with the same command shares its token.
      const variables = Object.entries(env).toSorted(([one], [other]) => (one < other ? -1 : 1))
      const identity = variables.length === 0 ? undefined : JSON.stringify([args, ...variables])
      const file = programIn(config.folder, program)
      return command({ file, args, identity, cwd: config.folder, env, timeout })
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

async function workloadOptions(
  { folder }: Config,
  name: string,
  { source: _source, store: _store, subjectToken, ...given }: WorkloadDefinition,
): Promise<WorkloadOptions> {
  const read = secretReader(subjectToken, folder, `credentials.${name}.subjectToken`)
  const fetch = await proxiedFetch()
  // The reading of the configuration has checked which fields each kind needs and allows.
  // eslint-disable-next-line typescript/no-unsafe-type-assertion
  return { ...given, subjectToken: read, ...(fetch && { fetch }) } as WorkloadOptions
}
