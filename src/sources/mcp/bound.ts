import type { MadeFor } from '../../credential/store.ts'
import type { AccessToken } from '../../credential/token.ts'
import { RefreshError } from '../../errors.ts'
import { field, type JsonValue } from '../../lib/json.ts'
import { optionError } from '../../lib/options.ts'
import { shown } from '../shared/oauth/shown.ts'
import type { Clients } from './client.ts'
import { refused } from './hosts.ts'

/** Whom a token was issued by and to: it travels with the token, so that its refresh token is shown to nobody else. */
export interface Bound {
  readonly issuer: string
  readonly client: string
  /** The client proves itself, with a secret or a key of its program: its id alone refreshes nothing. */
  readonly proves?: boolean | undefined
}

/** The member of `extra`. */
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
  // First, so that it is not what the limit drops.
  return { ...token, extra: { [MEMBER]: bound, ...extra } }
}

/**
 * A refresh token is shown to nobody but the server that issued it, whoever answers for the MCP server by now.
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
 * What a client proves itself with is shown to nobody but the server that it was shown first, unless the user says whom to trust.
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
 * A login that this configuration could never refresh is refused when it is handed over, not one lifetime of its access token later.
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
