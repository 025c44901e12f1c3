import type { MadeFor } from '../../credential/store.ts'
import type { AccessToken } from '../../credential/token.ts'
import { RefreshError } from '../../errors.ts'
import { field, type JsonValue } from '../../lib/json.ts'
import { optionError } from '../../lib/options.ts'
import { shown } from '../shared/oauth/shown.ts'
import type { Clients } from './client.ts'
import { refused } from './hosts.ts'

/**
 * The issuer and the client of a token. The token carries both in its `extra`, so that the source sends its refresh token to no other server,
 * and as no other client.
 */
export interface Bound {
  readonly issuer: string
  readonly client: string
  /** True if the client authenticates with a secret or a key of its configuration. Its id alone cannot refresh then. */
  readonly proves?: boolean | undefined
}

/** The member of `extra` that holds the issuer and the client. */
const MEMBER = 'mcp'

export function boundOf(token: AccessToken | undefined): Bound | undefined {
  const bound = token?.extra?.[MEMBER]
  const [issuer, client] = [field(bound, 'issuer'), field(bound, 'client')]
  return typeof issuer === 'string' && typeof client === 'string'
    ? { issuer, client, proves: field(bound, 'proves') === true }
    : undefined
}

export function withBound(token: AccessToken, { issuer, client, proves }: Bound): AccessToken {
  const bound: JsonValue = { issuer, client, ...(proves === true && { proves }) }
  const { [MEMBER]: _given, ...extra } = token.extra ?? {}
  // The member goes first, because the size limit of `extra` drops the last ones.
  return { ...token, extra: { [MEMBER]: bound, ...extra } }
}

/**
 * Checks that the authorization server and the client are those of the stored login. The MCP server may name another authorization server by
 * now: that one must not get the refresh token.
 *
 * @throws RefreshError `reauthentication_required`
 */
export function assertBound(
  bound: Bound | MadeFor | undefined,
  found: { readonly issuer: string; readonly client: string | undefined },
  host: string,
): void {
  const moved = bound?.issuer !== undefined && bound.issuer !== found.issuer
  const isOther = bound?.client !== undefined && found.client !== undefined && bound.client !== found.client
  if (!moved && !isOther) return
  const what = moved
    ? `by ${shown(bound.issuer)}, and ${host} now names ${shown(found.issuer)}`
    : `to the client ${shown(bound?.client ?? '')}, and this credential is configured for ${shown(found.client ?? '')}`
  throw new RefreshError(
    'reauthentication_required',
    `The stored login was issued ${what}. Its refresh token is not sent there: log in again.`,
  )
}

/**
 * Checks that the issuer is the one that issued the last token. Another server must not get the client's credentials, unless the user lists
 * that server in `issuers`.
 *
 * @throws RefreshError `source_refused`
 */
export function assertSameIssuer(bound: Bound | undefined, issuer: string, host: string): void {
  if (bound === undefined || bound.issuer === issuer) return
  throw refused(
    `${host} now names ${shown(issuer)}, where ${shown(bound.issuer)} issued the token before: the client's credentials are not sent there. If the client is registered there, too, name it in 'issuers'.`,
  )
}

/**
 * Refuses a login that this configuration could never refresh. `credential.login()` calls this, so the caller gets the error at once, and
 * not when the access token has expired.
 *
 * @throws RefreshError `invalid_option`
 */
export function assertRefreshable(token: AccessToken, clients: Clients): void {
  const { client, proves } = boundOf(token) ?? {}
  if (client === undefined || token.refreshToken === undefined) return
  const { configured } = clients
  const isOther = configured !== undefined && configured !== client
  if (!isOther && (proves !== true || clients.proves(client))) return
  const state = isOther
    ? `is ${shown(configured)} here`
    : 'is not given here, together with its secret or key'
  throw optionError(
    'clientId',
    `${state}, and this login was made for the client ${shown(client)}: no refresh could succeed. The login is not stored. Give the login and the credential the same 'clientId', with its secret or key, then log in again`,
  )
}
