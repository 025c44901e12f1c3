import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { OAuthAuthorizationServerInformation, OAuthClientProvider, OAuthTokens } from '@ai-sdk/mcp'

/** A client that is registered at an authorization server. */
export interface RegisteredClient {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
}

/**
 * The `authProvider` that the SDKs ask their users to write. It keeps the tokens in a file, so that processes share them. Each process reads
 * the file for each request, and replaces the whole file.
 */
export function ownLogin(
  file: string,
  { issuer, clientId, clientSecret }: RegisteredClient,
): OAuthClientProvider {
  let server: OAuthAuthorizationServerInformation | undefined
  const information = { client_id: clientId, client_secret: clientSecret, issuer }
  return {
    redirectUrl: 'http://127.0.0.1/callback',
    clientMetadata: { redirect_uris: ['http://127.0.0.1/callback'] },
    clientInformation: () => information,
    tokens: () => {
      try {
        return JSON.parse(readFileSync(file, 'utf8')) as OAuthTokens
      } catch {
        return undefined
      }
    },
    saveTokens: (tokens) => writeTokens(file, tokens),
    invalidateCredentials: (what) => {
      if (what === 'all' || what === 'tokens') rmSync(file, { force: true })
    },
    authorizationServerInformation: () => server,
    saveAuthorizationServerInformation: (found) => {
      server = found
    },
    // No person is there to log in.
    redirectToAuthorization: () => undefined,
    saveCodeVerifier: () => undefined,
    codeVerifier: () => 'verifier',
  }
}

/** Writes another file, and renames it, so that no process reads half a file. */
export function writeTokens(file: string, tokens: OAuthTokens): void {
  const aside = mkdtempSync(join(dirname(file), 'tokens-'))
  const written = join(aside, 'tokens.json')
  writeFileSync(written, JSON.stringify(tokens))
  renameSync(written, file)
  rmSync(aside, { recursive: true })
}
