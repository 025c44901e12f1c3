import type { AccessToken } from '../credential/token.ts'
import { abortable } from '../lib/abortable.ts'
import { aGivenFunction, anything, aSignal } from '../lib/options.ts'
import { acceptedCallback } from './shared/oauth/callback.ts'
import { Client } from './shared/oauth/client.ts'
import { listen, readRedirectUri } from './shared/oauth/loopback.ts'
import { loadOAuth } from './shared/oauth/oauth4webapi.ts'
import type { BrowserLoginOptions } from './shared/oauth/options.ts'
import { type Parameters, readTarget, TARGET } from './shared/oauth/target.ts'
import { readTokens } from './shared/token-endpoint.ts'

/**
 * Logs a person in with a browser on this machine: an authorization code with PKCE, on a loopback redirect (RFC 6749 section 4.1, RFC 7636,
 * RFC 8252). It checks the issuer of the callback (RFC 9207). Pass the result to `credential.login()`. It needs Node.
 *
 * @throws RefreshError `reauthentication_required`: the person declined; `source_refused`: the server refused; `invalid_option`; any error
 *   that the source throws when it redeems the code. Any error of `open`. After an abort: the signal's reason.
 * @example
 * await token.login(await browserLogin({ issuer, clientId, scope: 'offline_access', open: (url) => console.log(`Open ${url}`) }))
 */
export async function browserLogin(options: BrowserLoginOptions): Promise<AccessToken> {
  const client = new Client(options, {
    open: aGivenFunction,
    redirectUri: anything,
    signal: aSignal,
    ...TARGET,
  })
  const { open, signal = new AbortController().signal, redirectUri = 'http://127.0.0.1/callback' } = options
  const target = readTarget(options)
  const redirect = readRedirectUri(redirectUri)
  const peer = await loadOAuth()
  const server = await client.metadata(peer, signal, ['authorization_endpoint', 'token_endpoint'])
  client.endpointOf(server, 'token_endpoint')
  const [state, verifier] = [peer.generateRandomState(), peer.generateRandomCodeVerifier()]
  const loopback = await listen(redirect, state, signal)
  try {
    const url = client.endpointOf(server, 'authorization_endpoint')
    const fields: Parameters = [
      ...target,
      ['client_id', options.clientId],
      ['response_type', 'code'],
      ['redirect_uri', loopback.redirectUri],
      ['state', state],
      ['code_challenge', await peer.calculatePKCECodeChallenge(verifier)],
      ['code_challenge_method', 'S256'],
    ]
    for (const [name, value] of fields) url.searchParams.append(name, value)
    // `open` may not return before the person closes the browser, so we do not wait for it.
    const opened = Promise.resolve(open(url.href)).then(() => loopback.arrived)
    const returned = await abortable(Promise.race([loopback.arrived, opened]), signal)
    const parameters = acceptedCallback(peer, server, options, returned, state)
    // The token request carries `resource`, too (RFC 8707 section 2.2).
    const additionalParameters = target.filter(([name]) => name === 'resource')
    // Sending the code spends it, and the response may be slow. So the request has no timeout: only the signal ends it.
    const asked = { signal, timeout: Infinity }
    const whole = await client.ask('token_endpoint', asked, (_peer, { party, auth }, request) =>
      peer.authorizationCodeGrantRequest(server, party, auth, parameters, loopback.redirectUri, verifier, {
        ...request,
        additionalParameters,
      }),
    )
    return readTokens(whole, client.asking({ person: true, spends: true }), client.now())
  } finally {
    loopback.close()
  }
}

export type { BrowserLoginOptions }
