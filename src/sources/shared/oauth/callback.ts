import { RefreshError } from '../../../errors.ts'
import { holdsSecret } from '../../../lib/harmless.ts'
import type { Metadata, Peer } from './oauth4webapi.ts'
import { shown } from './shown.ts'

/**
 * Checks the parameters of a callback: they must hold a code, and come from this server. If they name an issuer, it must match byte for byte,
 * also in an error response (RFC 9207).
 *
 * @throws RefreshError `reauthentication_required`: the person declined; `source_refused`: the server refused; `source_invalid`: the
 *   callback is not from this server
 */
export function acceptedCallback(
  peer: Peer,
  server: Metadata,
  { issuer, clientId }: { readonly issuer?: string | undefined; readonly clientId: string },
  returned: URLSearchParams,
  state: string,
): URLSearchParams {
  // Two readers could take different values of a repeated parameter, so it is refused (RFC 6749 section 3.1).
  const twice = ['code', 'state', 'iss', 'error', 'response'].find((name) => returned.getAll(name).length > 1)
  if (twice !== undefined) throw invalid(`'${twice}' came more than once`)
  // Without a configured issuer there is no name to compare with.
  if (issuer === undefined) returned.delete('iss')
  else assertIssuer(server, returned)
  let parameters: URLSearchParams
  try {
    parameters = peer.validateAuthResponse(server, { client_id: clientId }, returned, state)
  } catch (error) {
    if (!(error instanceof peer.AuthorizationResponseError)) {
      throw invalid("it is signed, holds a token, or has another 'state', where a code was asked for")
    }
    const code = /^[a-z_]{1,64}$/.test(error.error) ? error.error : 'an unknown error'
    throw code === 'access_denied'
      ? new RefreshError('reauthentication_required', 'The login was declined (access_denied): log in again.')
      : new RefreshError(
          'source_refused',
          `The login was refused (${code}): check the client, its redirect URI and its scope at the server.`,
        )
  }
  if ((parameters.get('code') ?? '') === '') throw invalid("it holds no 'code'")
  return parameters
}

/**
 * Checks that the callback names the issuer of the metadata, byte for byte (RFC 9207).
 *
 * @throws RefreshError `source_invalid`
 */
function assertIssuer(server: Metadata, returned: URLSearchParams): void {
  const iss = returned.get('iss') ?? ''
  if (iss === server.issuer) return
  if (iss === '') {
    if (server.authorization_response_iss_parameter_supported !== true) return
    throw refusedIssuer(`no issuer ('iss'), which the metadata of ${shown(server.issuer)} promise (RFC 9207)`)
  }
  const secrets = [returned.get('code'), returned.get('state')].filter((text) => text !== null)
  const named = holdsSecret(iss, secrets) ? 'an issuer that holds the code or the state' : shown(iss)
  throw refusedIssuer(`'iss' = ${named}, where the metadata name the issuer ${shown(server.issuer)}`)
}

/** The message names both causes. After an attack a new login helps. If the server's own metadata are wrong, the next login fails, too. */
function refusedIssuer(what: string): RefreshError {
  return new RefreshError(
    'source_invalid',
    `The browser brought back ${what}. Another server may have sent the browser here: then begin the login again. If that ends the same way, the server's metadata and its 'iss' disagree: ask its operator to mend that.`,
  )
}

function invalid(why: string): RefreshError {
  return new RefreshError(
    'source_invalid',
    `The browser brought back no response of this server: ${why}. Begin the login again.`,
  )
}
