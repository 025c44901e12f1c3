import type { StoredRecord } from 'llm-refresh'
import type { McpDefinition } from '../../config/credentials.ts'
import { isThisMachine, resourceMetadata } from '../resource.ts'

/**
 * Finds the authorization server of an MCP server: the one that issued the login, else the configured one, else the only one that the MCP
 * server names. undefined if none is named, or if only a login may find out whether we can ask it.
 */
export async function issuerOf(
  definition: McpDefinition,
  record: StoredRecord | undefined,
): Promise<string | undefined> {
  const { issuer, issuers = [], url, resourceMetadata: place } = definition
  const bound: unknown = Reflect.get(Object(record?.token?.extra?.['mcp']), 'issuer')
  if (typeof bound === 'string' && URL.canParse(bound)) return bound
  const stored = record?.madeFor?.issuer
  // A source of another kind may have had the name before.
  const known =
    issuer ??
    (/^https?:/.test(stored ?? '') ? stored : undefined) ??
    (issuers.length === 1 ? issuers[0] : undefined)
  if (known !== undefined) return known
  const named: unknown = Reflect.get(
    Object(await resourceMetadata(new URL(url), place)),
    'authorization_servers',
  )
  const list: unknown[] = Array.isArray(named) ? named : []
  const all = list.filter((each) => issuers.length === 0 || issuers.includes(String(each)))
  const [only, ...others] = all
  if (typeof only !== 'string' || others.length > 0 || !URL.canParse(only)) return undefined
  return mayAsk(new URL(only), new URL(url)) ? only : undefined
}

/** True if we may ask the authorization server that an MCP server names. A public MCP server must not send us into a private network. */
function mayAsk(issuer: URL, server: URL): boolean {
  if (issuer.hostname === server.hostname) return true
  if (isThisMachine(issuer)) return isThisMachine(server)
  const isPublic =
    /\.[a-z][a-z\d-]+$/i.test(issuer.hostname) &&
    !/\.(?:local|internal|lan|home|corp|intranet)$/i.test(issuer.hostname)
  return issuer.protocol === 'https:' && isPublic
}
