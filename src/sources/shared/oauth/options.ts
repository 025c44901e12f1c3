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
  /** A PKCS #8 PEM, a JWK, the JSON of one, or a `CryptoKey`; or what gives it, asked at every request. */
  key: WebCryptoKey | Jwk | SecretOption
  /** The key's name at the server. Default: a JWK's own. */
  kid?: string | undefined
  /**
   * `RS256`, `PS256`, `ES256`, `Ed25519` … (RFC 7518 section 3.1). Default: the JWK's own; what a curve is for; else `RS256`. A `CryptoKey` knows
   * its own.
   */
  alg?: string | undefined
  /** What `aud` is to hold. Default: the issuer; without one the token endpoint. */
  audience?: string | undefined
}

/** The client, and the authorization server that it is registered at. One object goes for every function here. */
export interface OAuthClient extends TokenRequestOptions {
  /** Where the server's metadata is found (RFC 8414, OpenID Connect Discovery). Read once, when it is first needed. */
  issuer?: string | undefined
  /** Instead of an issuer. With one, this takes the place of what its metadata say; so do the other endpoints. */
  tokenEndpoint?: string | undefined
  /** For `deviceLogin`. */
  deviceAuthorizationEndpoint?: string | undefined
  /** For `browserLogin`. */
  authorizationEndpoint?: string | undefined
  /** For `revoke`. */
  revocationEndpoint?: string | undefined
  clientId: string
  /** Without it, a `privateKey` and a `clientAssertion`, the client is a public one. */
  clientSecret?: SecretOption | undefined
  /**
   * How the secret is sent.
   * @default 'client_secret_basic', unless the metadata say that only 'client_secret_post' will do
   */
  clientAuth?: 'client_secret_basic' | 'client_secret_post' | undefined
  /** Instead of a secret. */
  privateKey?: PrivateKey | undefined
  /**
   * Instead of a secret: what the platform says of this workload, as a JWT (RFC 7523 section 2.2), such as
   * `file('/var/run/secrets/tokens/oauth')` of Kubernetes, or a SPIFFE JWT-SVID. It is read anew at every request.
   */
  clientAssertion?: SecretOption | undefined
}

/** What the token is for. */
export interface TokenTarget {
  /** Separated by spaces (RFC 6749 section 3.3). For a refresh it can only narrow what was granted. */
  scope?: string | undefined
  /** RFC 8707. */
  resource?: string | readonly string[] | undefined
  audience?: string | readonly string[] | undefined
  /** Whatever else the server wants to be told. */
  parameters?: Readonly<Record<string, string>> | undefined
}

/** Redeems the refresh token that came with a login, or with the last refresh (RFC 6749 section 6). */
export interface RefreshTokenGrant {
  type: 'refresh_token'
  /** The one to begin with where the store holds none. A server that rotates them takes it only once. */
  refreshToken?: SecretOption | undefined
}

/** RFC 8693. */
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

/** What an assertion is for: an identity provider that issues one wants to know (RFC 8693 section 2.1). */
export interface AssertionTarget {
  readonly signal: AbortSignal
  /** The authorization server that the assertion is presented to. */
  readonly issuer: string
  /** RFC 8707: for `mcp()` the MCP server, as its metadata name it. */
  readonly resource: string | undefined
  /** Separated by spaces. */
  readonly scope: string | undefined
}

/** RFC 7523 section 2.1. */
export interface JwtBearerGrant {
  type: 'jwt_bearer'
  /**
   * A JWT, or what gives it: a source, or a function that is told what the assertion is for, and gives the one or the other. It is asked each
   * time that it is needed.
   */
  assertion: string | Source | ((target: AssertionTarget) => string | Source | Promise<string | Source>)
}

/** Any other grant (RFC 6749 section 4.5). */
export interface ExtensionGrant {
  /** As it goes over the wire: a URI such as `urn:ibm:params:oauth:grant-type:apikey`, or a name. */
  type: string
  /** What the grant presents. Each is asked anew at every request. */
  parameters: Readonly<Record<string, SecretOption>>
}

/** What a token is issued for. */
export type Grant =
  | 'refresh_token'
  | 'client_credentials'
  | RefreshTokenGrant
  | TokenExchangeGrant
  | JwtBearerGrant
  | ExtensionGrant

/** How {@link oauth} gets its tokens. */
export interface OAuthOptions extends OAuthClient, TokenTarget {
  /** @default 'refresh_token' */
  grant?: Grant | undefined
}

/** What a person needs to know to log in with another device. Times in epoch ms. */
export interface DevicePrompt {
  readonly userCode: string
  readonly verificationUri: string
  /** The same with the code in it: for a link, or a QR code. */
  readonly verificationUriComplete: string | undefined
  readonly expiresAt: number
}

/** How {@link deviceLogin} works. */
export interface DeviceLoginOptions extends OAuthClient, TokenTarget {
  /** Shows it to the person. The server is not asked before this has returned. */
  onPrompt: (prompt: DevicePrompt) => void | Promise<void>
  /** Gives the login up. */
  signal?: AbortSignal | undefined
}

/** How {@link revoke} works. */
export interface RevokeOptions extends OAuthClient {
  signal?: AbortSignal | undefined
}

/** How {@link browserLogin} works. */
export interface BrowserLoginOptions extends OAuthClient, TokenTarget {
  /** Opens a browser there, or shows the person the link. */
  open: (url: string) => void | Promise<void>
  /**
   * Where the browser comes back to, on this machine, as the client is registered. Where it names no port, a free one is taken (RFC 8252
   * section 7.3).
   * @default 'http://127.0.0.1/callback'
   */
  redirectUri?: string | undefined
  /** Gives the login up. */
  signal?: AbortSignal | undefined
}

/** A `WWW-Authenticate` challenge (RFC 9110 section 11.6.1). */
export interface ParsedChallenge {
  /** In lower case. */
  readonly scheme: string
  /** Names in lower case: `error`, `scope`, `claims`, `resource_metadata` (RFC 9728 section 5.1) … */
  readonly parameters: Readonly<Record<string, string>>
}
