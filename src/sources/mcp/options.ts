import type { Store } from '../../credential/store.ts'
import type { AccessToken } from '../../credential/token.ts'
import type { Grant, PrivateKey } from '../shared/oauth/options.ts'
import type { SecretOption } from '../shared/secret.ts'
import type { TokenRequestOptions } from '../shared/token-request.ts'

/** Options that `mcp()` and `mcpLogin()` share. Pass one object to both. */
export interface McpClient extends TokenRequestOptions {
  /**
   * The store for the client's registrations (key `mcp-client:ISSUER`) and for logins in progress (key `mcp-login:SERVER`). Pass the
   * credential's store, so that other processes and hosts share them. Default: a memory store of this process.
   */
  store?: Store | undefined
  /**
   * The issuers that you trust, each spelled as the server names itself. Without this list the MCP server's metadata choose the authorization
   * server, and must name exactly one. A listed server may be in a private network.
   * @example issuers: ['https://auth.example.com']
   */
  issuers?: readonly string[] | undefined
  /** The authorization server, for an MCP server that publishes no metadata (RFC 9728). */
  issuer?: string | undefined
  /** The URL of the MCP server's metadata (RFC 9728), if they are on another origin, or in no standard place. */
  resourceMetadata?: string | undefined
  /** The id of a client that is registered already. */
  clientId?: string | undefined
  clientSecret?: SecretOption | undefined
  /**
   * How the client sends its secret.
   * @default 'client_secret_basic', unless the metadata say that only 'client_secret_post' will do
   */
  clientAuth?: 'client_secret_basic' | 'client_secret_post' | undefined
  /** The client signs its requests with this key, instead of sending a secret. */
  privateKey?: PrivateKey | undefined
  /** The client sends this JWT of its platform, instead of a secret. The source reads it anew at every request. */
  clientAssertion?: SecretOption | undefined
  /**
   * The URL of the client's own metadata (a Client ID Metadata Document). If the authorization server accepts such URLs as ids, the URL is the
   * client's id.
   */
  clientMetadataUrl?: string | undefined
  /**
   * Whether requests name the MCP server as `resource` (RFC 8707), as the MCP specification requires. Microsoft Entra ID refuses a `resource`
   * that does not match the scope (AADSTS9010010). Give `'omitted'` for such a server: then only the `scope` binds its tokens.
   * @default 'sent'
   */
  resourceParameter?: 'sent' | 'omitted' | undefined
  /** Separated by spaces. Default at a login: the scopes that the challenge demands, else all that the MCP server lists. */
  scope?: string | undefined
}

/** Options of {@link mcp}. */
export interface McpOptions extends McpClient {
  /**
   * With the default, the source redeems the refresh token of a login. `client_credentials` and the other grants need no person.
   * @default 'refresh_token'
   */
  grant?: Grant | undefined
}

/** Options of {@link mcpLogin}. */
export interface McpLoginOptions extends McpClient {
  /**
   * The URL that the browser returns to: an https URL of a web host, or a loopback URL of this machine. `inBrowser()` needs a loopback URL. If
   * it names no port, the library takes a free one.
   * @default 'http://127.0.0.1/callback'
   */
  redirectUri?: string | undefined
  /**
   * The name that the client registers itself under.
   * @default 'llm-refresh'
   */
  clientName?: string | undefined
  /**
   * Whether the server's metadata must list `code_challenge_methods_supported`. The MCP specification requires a client to refuse metadata
   * without it. Microsoft Entra ID supports PKCE and does not list it: give `'unlisted'` for such a server. Metadata that list only other
   * methods than S256 are refused in either case.
   * @default 'listed'
   */
  pkce?: 'listed' | 'unlisted' | undefined
}

/** A login that has begun. */
export interface McpLoginBegun {
  /** The URL that the person's browser opens. */
  readonly url: string
  /** A secret that binds the login to one browser. Keep it in a cookie (`HttpOnly; Secure; SameSite=Lax`), and give it to `finish()`. */
  readonly binding: string
}

/** Options of one login. */
export interface McpBeginOptions {
  /** The `WWW-Authenticate` header of the MCP server's 401 or 403. It names the metadata, or the missing scope. */
  readonly challenge?: string | undefined
  /** Further scopes to request, such as the ones that were granted before. Separated by spaces. */
  readonly scope?: string | undefined
  readonly signal?: AbortSignal | undefined
}

/** Options of {@link McpLogin.finish}. */
export interface McpFinishOptions {
  /** The `binding` that `begin()` returned, as this browser's cookie carries it. */
  readonly binding: string
  readonly signal?: AbortSignal | undefined
}

/** Options of {@link McpLogin.inBrowser}. */
export interface McpBrowserOptions extends McpBeginOptions {
  /** Opens the URL in a browser, or shows it to the person. */
  readonly open: (url: string) => void | Promise<void>
}

/** A person's login at an MCP server. */
export interface McpLogin {
  /**
   * Begins a login: finds the authorization server, registers the client if needed, and returns the URL for the browser.
   *
   * @throws RefreshError what discovery and registration throw; `source_refused` if the client cannot register itself
   */
  begin(options?: McpBeginOptions): Promise<McpLoginBegun>
  /**
   * Finishes a login, in any process that shares the store. Pass the result to `credential.login()`. If the result has no `refreshToken`, the
   * server issued none, and the login ends when the access token expires.
   *
   * @throws RefreshError `reauthentication_required`: the browser returned too late, a second time, or is another browser, or the person
   *   declined; `source_invalid`: the response is not from this server; `source_refused`: the server refused
   */
  finish(callbackUrl: string | URL, options: McpFinishOptions): Promise<AccessToken>
  /** Begins and finishes a login on this machine, with a loopback redirect (RFC 8252). It needs Node. */
  inBrowser(options: McpBrowserOptions): Promise<AccessToken>
}
