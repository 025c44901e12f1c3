import type { Source } from '../../../credential/source.ts'
import type { WebCryptoKey } from '../../../lib/web-crypto-key.ts'
import type { SecretOption } from '../secret.ts'
import type { TokenRequestOptions } from '../token-request.ts'

/** A private key as JSON (RFC 7517), with the members that its algorithm needs. Not every runtime's types have a `JsonWebKey`. */
export interface Jwk {
  kty?: string
  crv?: string
  alg?: string
  use?: string
  key_ops?: string[]
  d?: string
}

/** The key of a client that signs its requests (`private_key_jwt`, RFC 7523 section 2.2). */
export interface PrivateKey {
  /** A PKCS #8 PEM, a JWK, the JSON of a JWK, or a `CryptoKey`. Or a function or a source that returns the text, called at every request. */
  key: WebCryptoKey | Jwk | SecretOption
  /** The key's name at the server. Default: the JWK's `kid`. */
  kid?: string | undefined
  /**
   * `RS256`, `PS256`, `ES256`, `Ed25519` … (RFC 7518 section 3.1). Default: the JWK's `alg`, else the algorithm of its curve, else `RS256`. A
   * `CryptoKey` needs none.
   */
  alg?: string | undefined
  /** The `aud` claim of the assertion. Default: the issuer; without an issuer, the token endpoint. */
  audience?: string | undefined
}

/** The client, and its authorization server. Pass one object to every function of this module. */
export interface OAuthClient extends TokenRequestOptions {
  /** The issuer, at which the source finds the server's metadata (RFC 8414, OpenID Connect Discovery), when it first needs them. */
  issuer?: string | undefined
  /** The token endpoint, if there is no `issuer`. Beside an `issuer`, each given endpoint replaces the one in its metadata. */
  tokenEndpoint?: string | undefined
  /** For `deviceLogin`. */
  deviceAuthorizationEndpoint?: string | undefined
  /** For `browserLogin`. */
  authorizationEndpoint?: string | undefined
  /** For `revoke`. */
  revocationEndpoint?: string | undefined
  clientId: string
  /** The client's secret. A client without a secret, a `privateKey` and a `clientAssertion` is a public client. */
  clientSecret?: SecretOption | undefined
  /**
   * How the client sends its secret.
   * @default 'client_secret_basic', unless the metadata say that only 'client_secret_post' will do
   */
  clientAuth?: 'client_secret_basic' | 'client_secret_post' | undefined
  /** The client signs its requests with this key, instead of sending a secret. */
  privateKey?: PrivateKey | undefined
  /**
   * The client sends this JWT of its platform, instead of a secret (RFC 7523 section 2.2). Examples: `file('/var/run/secrets/tokens/oauth')` on
   * Kubernetes, or a SPIFFE JWT-SVID. The source reads it anew at every request.
   */
  clientAssertion?: SecretOption | undefined
}

/** The scope, resource and audience of the token. */
export interface TokenTarget {
  /** Separated by spaces (RFC 6749 section 3.3). A refresh can only narrow the granted scope (section 6). */
  scope?: string | undefined
  /** RFC 8707. */
  resource?: string | readonly string[] | undefined
  audience?: string | readonly string[] | undefined
  /** Further parameters of the token request. */
  parameters?: Readonly<Record<string, string>> | undefined
}

/** Redeems the refresh token that came with a login, or with the last refresh (RFC 6749 section 6). */
export interface RefreshTokenGrant {
  type: 'refresh_token'
  /** The first refresh token, for a store that holds none yet. A server that rotates refresh tokens accepts it only once. */
  refreshToken?: SecretOption | undefined
}

/** Exchanges a subject token (RFC 8693). */
export interface TokenExchangeGrant {
  type: 'token_exchange'
  subjectToken: SecretOption
  /**
   * `jwt`, `id_token`, `access_token`, `saml2` …, or a whole URI (RFC 8693 section 3).
   * @default 'jwt'
   */
  subjectTokenType?: string | undefined
  actorToken?: SecretOption | undefined
  /** @default 'jwt' */
  actorTokenType?: string | undefined
  requestedTokenType?: string | undefined
}

/** The target of an assertion. The identity provider that issues the assertion needs to know it (RFC 8693 section 2.1). */
export interface AssertionTarget {
  readonly signal: AbortSignal
  /** The authorization server that will receive the assertion. */
  readonly issuer: string
  /** The resource (RFC 8707). For `mcp()` it is the MCP server's name in its metadata. */
  readonly resource: string | undefined
  /** Separated by spaces. */
  readonly scope: string | undefined
}

/** Presents a JWT as the grant (RFC 7523 section 2.1). */
export interface JwtBearerGrant {
  type: 'jwt_bearer'
  /**
   * A JWT, or a source of it, or a function that returns either. The function gets the target of the assertion. The grant calls it each time
   * that it needs the assertion.
   */
  assertion: string | Source | ((target: AssertionTarget) => string | Source | Promise<string | Source>)
}

/** Presents any other grant (RFC 6749 section 4.5). */
export interface ExtensionGrant {
  /** The `grant_type` parameter: a URI such as `urn:ibm:params:oauth:grant-type:apikey`, or a name. */
  type: string
  /** The grant's own parameters. The source reads each value anew at every request. */
  parameters: Readonly<Record<string, SecretOption>>
}

/** The grant by which a source gets its tokens. */
export type Grant =
  | 'refresh_token'
  | 'client_credentials'
  | RefreshTokenGrant
  | TokenExchangeGrant
  | JwtBearerGrant
  | ExtensionGrant

/** Options of {@link oauth}. */
export interface OAuthOptions extends OAuthClient, TokenTarget {
  /** @default 'refresh_token' */
  grant?: Grant | undefined
}

/** The code and the link that a person needs to log in with another device. */
export interface DevicePrompt {
  readonly userCode: string
  readonly verificationUri: string
  /** The `verificationUri` with the code in it, for a link or a QR code. */
  readonly verificationUriComplete: string | undefined
  /** epoch ms */
  readonly expiresAt: number
}

/** Options of {@link deviceLogin}. */
export interface DeviceLoginOptions extends OAuthClient, TokenTarget {
  /** Shows the prompt to the person. The login polls the server only after this callback has returned, or its promise has resolved. */
  onPrompt: (prompt: DevicePrompt) => void | Promise<void>
  /** Gives the login up. */
  signal?: AbortSignal | undefined
}

/** Options of {@link revoke}. */
export interface RevokeOptions extends OAuthClient {
  signal?: AbortSignal | undefined
}

/** Options of {@link browserLogin}. */
export interface BrowserLoginOptions extends OAuthClient, TokenTarget {
  /** Opens the URL in a browser, or shows it to the person. */
  open: (url: string) => void | Promise<void>
  /**
   * The loopback URL that the browser returns to, as it is registered for the client. If it names no port, the login takes a free one
   * (RFC 8252 section 7.3).
   * @default 'http://127.0.0.1/callback'
   */
  redirectUri?: string | undefined
  /** Gives the login up. */
  signal?: AbortSignal | undefined
}

/** A `WWW-Authenticate` challenge (RFC 9110 section 11.6.1). */
export interface ParsedChallenge {
  /** The scheme's name in lower case, such as `bearer`. */
  readonly scheme: string
  /** Names in lower case: `error`, `scope`, `claims`, `resource_metadata` (RFC 9728 section 5.1) … */
  readonly parameters: Readonly<Record<string, string>>
}
