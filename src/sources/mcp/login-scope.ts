import { namesIn } from '../shared/oauth/wider-scope.ts'
import type { Found } from './discovery.ts'
import { demandOf } from './resource-metadata.ts'

/**
 * The scopes that a login requests: those of the options, else those of the challenge, else all that the MCP server lists. `offline_access` is
 * added if the authorization server lists it.
 *
 * @param more further scopes, such as the ones that were granted before
 */
export async function loginScope(
  given: string | undefined,
  { scopes, described }: Found,
  challenge: string | undefined,
  more = '',
): Promise<string> {
  const demand = await demandOf(challenge)
  const { scope = scopes.join(' '), isStepUp } = demand
  // If a missing scope led to this login, the login must request that scope.
  const lacking = isStepUp ? demand.scope : undefined
  const listed: unknown = described.metadata.scopes_supported
  const isOffline = Array.isArray(listed) && listed.includes('offline_access')
  const names = [given ?? scope, lacking, more, isOffline ? 'offline_access' : ''].flatMap(namesIn)
  return [...new Set(names)].join(' ')
}
