import type { McpDefinition, OAuthDefinition } from '../config/credentials.ts'
import { ask, hasPerson } from '../lib/ask.ts'
import { EXIT, Fault, wrongInput } from '../lib/fault.ts'
import { discover } from './discovery.ts'
import { proxiedFetch } from './http.ts'
import { resourceMetadata } from './resource.ts'

/** The options that describe a login which the configuration does not have yet. */
export interface NewCredentialOptions {
  readonly mcp?: string
  readonly issuer?: string
  readonly clientId?: string
  readonly scope?: string
}

/** True if an option describes the login. */
export function isDescribed({ mcp, issuer, clientId, scope }: NewCredentialOptions): boolean {
  return [mcp, issuer, clientId, scope].some((option) => option !== undefined)
}

/**
 * Makes the definition of a new login. It asks a person only for what no server tells. Without a terminal it asks nothing.
 *
 * @throws Fault
 */
export async function newDefinition(options: NewCredentialOptions): Promise<OAuthDefinition | McpDefinition> {
  const { mcp, issuer, clientId, scope } = options
  if (mcp !== undefined && (issuer !== undefined || clientId !== undefined))
    throw wrongInput('--mcp excludes --issuer and --client-id: the MCP server names its own.')
  const given =
    mcp ??
    issuer ??
    (await answer('The URL of the authorization server, or of the MCP server:', '--issuer or --mcp'))
  const url = readUrl(given)
  if (mcp !== undefined || (issuer === undefined && (await resourceMetadata(url)) !== undefined))
    return { source: 'mcp', url: given, ...(scope !== undefined && { scope }) }
  const { problem, scopes = [] } = await discover({ issuer: given })
  if (problem !== undefined)
    throw new Fault(EXIT.unreachable, `${problem}.`, 'Is it the issuer, as the server names itself?')
  const id = clientId ?? (await answer('The id of the client that is registered there:', '--client-id'))
  // Ask for `offline_access` if the server knows it: without that scope many servers issue no refresh token.
  const wanted = scope ?? ['openid', 'offline_access'].filter((each) => scopes.includes(each)).join(' ')
  return { source: 'oauth', issuer: given, clientId: id, ...(wanted !== '' && { scope: wanted }) }
}

async function answer(question: string, option: string): Promise<string> {
  const given = hasPerson() ? await ask(question) : ''
  if (given === '') throw wrongInput(`${option} is missing.`, 'See llm-refresh login --help.')
  return given
}

function readUrl(given: string): URL {
  if (URL.canParse(given)) return new URL(given)
  throw wrongInput(`${JSON.stringify(given)} is no URL.`, 'It begins with https://.')
}

/**
 * Finds everything that a login at an MCP server needs, before anything is written. It registers no client.
 *
 * @throws RefreshError
 */
export async function tryMcpServer({ url, scope }: McpDefinition): Promise<void> {
  const { mcpLogin } = await import('llm-refresh/sources/mcp')
  await mcpLogin(url, { clientId: 'llm-refresh', scope, fetch: await proxiedFetch() }).begin()
}
