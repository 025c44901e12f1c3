import { RefreshError } from '../../../errors.ts'
import type { Metadata, Peer } from './oauth4webapi.ts'

/**
 * What the browser brought, where it is a code and comes from this server. An issuer that it names is compared byte for byte, also where it
 * brings an error (RFC 9207).
 *
 * @throws RefreshError `reauthentication_required`: the person declined; `source_refused`: the server did; `source_invalid`
 */
export function acceptedCallback(
  peer: Peer,
  server: Metadata,
  { issuer, clientId }: { readonly issuer?: string | undefined; readonly clientId: string },
  returned: URLSearchParams,
  state: string,
): URLSearchParams {
  // A parameter that comes twice could be read in two ways (RFC 6749 section 3.1).
  const twice = ['code', 'state', 'iss', 'error', 'response'].find((name) => returned.getAll(name).length > 1)
  if (twice !== undefined) throw invalid(`'${twice}' came more than once`)
  // Without an issuer there is no name to compare.
  if (issuer === undefined) returned.delete('iss')
  let parameters: URLSearchParams
  try {
    parameters = peer.validateAuthResponse(server, { client_id: clientId }, returned, state)
  } catch (error) {
    if (!(error instanceof peer.AuthorizationResponseError)) {
      throw invalid(`it does not come from ${server.issuer}, or 'iss' or 'state' is missing`)
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

function invalid(why: string): RefreshError {
  return new RefreshError(
    'source_invalid',
    `The browser brought back no response of this server: ${why}. Begin the login again.`,
  )
}
