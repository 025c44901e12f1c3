import type { RefreshEvent, RefreshListener } from 'llm-refresh'
import type { CredentialDefinition } from '../config/credentials.ts'
import { lineOf, say } from '../lib/output.ts'
import type { PersonsDefinition } from './source.ts'
import { isPersons } from './source.ts'

/** The longest scope of a server, in characters, that a message shows. */
const LONGEST = 256

/** Joins scopes, and keeps each only once. */
function joined(...scopes: readonly (string | undefined)[]): string {
  return [...new Set(scopes.flatMap((scope) => (scope ?? '').split(/\s+/)))]
    .filter((name) => name !== '')
    .join(' ')
}

/**
 * The remedy for a login without a refresh token, as far as the configuration can change that.
 *
 * @param login the command that logs in
 */
export function refreshTokenFix(name: string, definition: PersonsDefinition, login: string): string {
  const { source, scope } = definition
  const asks = (scope ?? '').split(/\s+/).includes('offline_access')
  if (asks)
    return `credentials.${name}.scope asks for offline_access already: at the server, allow that scope and the grant refresh_token for this client. Then run: ${login}`
  if (source === 'mcp')
    return `The login asks for offline_access where the server lists that scope: at the server, list it, and allow it and the grant refresh_token for this client. Then run: ${login}`
  const wanted = joined(scope ?? 'openid', 'offline_access')
  return `Set "scope": ${JSON.stringify(wanted)} in credentials.${name}. At the server, allow that scope for this client. Then run: ${login}`
}

/**
 * Makes a listener that tells a person on stderr which scope a server demands. Only the person can grant it, and a tool behind the proxy
 * gets a 403, which it often does not report.
 *
 * @param granted returns the scope of the login
 * @param login the command that logs in
 */
export function tellingDemands(
  name: string,
  definition: CredentialDefinition,
  granted: () => string | undefined,
  login: string,
): RefreshListener {
  return (event: RefreshEvent) => {
    if (event.type !== 'scope_demanded' || event.reason === undefined) return
    const about = `credentials.${name}`
    const demanded = event.scope.slice(0, LONGEST)
    if (event.reason.code !== 'reauthentication_required' || !isPersons(definition) || demanded === '') {
      say(lineOf({ message: `${about}: ${event.reason.message}`, fix: undefined }))
      return
    }
    const scope = joined(definition.scope ?? granted(), demanded)
    say(
      lineOf({
        message: `${about}: the server demands the scope ${JSON.stringify(demanded)}, which the login does not have. The tool got the 403.`,
        fix: `Set "scope": ${JSON.stringify(scope)} in ${about}, and run: ${login}`,
      }),
    )
  }
}
