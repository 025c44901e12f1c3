import type { Store } from '../../credential/store.ts'
import type { AccessToken } from '../../credential/token.ts'
import type { Grant, PrivateKey } from '../shared/oauth/options.ts'
import type { SecretOption } from '../shared/secret.ts'
import type { TokenRequestOptions } from '../shared/token-request.ts'

/** Options that `mcp()` and `mcpLogin()` share. Pass one object to both. */
export interface McpClient extends TokenRequestOptions {
  /**
   * Where registrations of the client (key `mcp-client:ISSUER`) and logins that are under way (`mcp-login:SERVER`) live, so that other
   * processes and hosts share them: the store of the credential. Default: one in memory, for this process.
   */
  store?: Store | undefined
  /**
   * The authorization servers that the client may be sent to, each as it names itself. Without the list the MCP server's own metadata decide
   * where the client goes, and they must name exactly one. A server that is listed here may be in a private network.
   * @example issuers: ['https://auth.example.com']
   */
  issuers?: readonly string[] | undefined
  /** The authorization server, for an MCP server that publishes no metadata (RFC 9728). */
  issuer?: string | undefined
  /** Where the MCP server's metadata are, where they are on another origin, or nowhere that a client would look. */
  resourceMetadata?: string | undefined
  /** A client that is registered already. */
  clientId?: string | undefined
  clientSecret?: SecretOption | undefined
  /**
   * How the secret is sent.
   * @default 'client_secret_basic', unless the metadata say that only 'client_secret_post' will do
   */
  clientAuth?: 'client_secret_basic' | 'client_secret_post' | undefined
  /** Instead of a secret. */
  privateKey?: PrivateKey | undefined
  /** Instead of a secret: what the platform says of this workload, as a JWT. It is read anew at every request. */
  clientAssertion?: SecretOption | undefined
  /**
   * The URL of the client's own metadata (a Client ID Metadata Document), which is then its id. It is used where the authorization server
   * takes such ids.
   */
  clientMetadataUrl?: string | undefined
  /**
   * Whether requests name the MCP server as `resource` (RFC 8707), as its specification has them. Microsoft Entra ID refuses that beside a
   * scope of another name (AADSTS9010010): give `'omitted'` for such a server, whose tokens the `scope` alone then binds.
   * @default 'sent'
   */
  resourceParameter?: 'sent' | 'omitted' | undefined
  /** Separated by spaces. Default at a login: what the challenge demands, else all that the MCP server lists. */
  scope?: string | undefined
}

/** How {@link mcp} gets its tokens. */
export interface McpOptions extends McpClient {
  /**
   * Default: the refresh token of a login is redeemed. `client_credentials` and the others need no person.
   * @default 'refresh_token'
   */
  grant?: Grant | undefined
}

/** How {@link mcpLogin} works. */
export interface McpLoginOptions extends McpClient {
  /**
   * Where the browser comes back to: an https URL of a web host, or one of this machine. For `inBrowser()` one of this machine, where a
   * free port is taken if it names none.
   * @default 'http://127.0.0.1/callback'
   */
  redirectUri?: string | undefined
  /**
   * The name that the client registers itself under.
   * @default 'llm-refresh'
   */
  clientName?: string | undefined
  /**
   * What to make of metadata without `code_challenge_methods_supported`. The MCP specification has a client refuse them. Microsoft Entra ID
   * has PKCE and leaves the member out: give `'unlisted'` for such a server. Metadata that list other methods only are refused all the same.
   * @default 'listed'
   */
  pkce?: 'listed' | 'unlisted' | undefined
}

/** A login that has begun. */
export interface McpLoginBegun {
  /** Where the person's browser goes. */
  readonly url: string
  /** Binds the login to that browser: keep it in a cookie (`HttpOnly; Secure; SameSite=Lax`), and give it to `finish()`. */
  readonly binding: string
}

/** Options of one login. */
export interface McpBeginOptions {
  /** The `WWW-Authenticate` header of the MCP server's 401 or 403: it says where the metadata are, and which scope is missing. */
  readonly challenge?: string | undefined
  /** Besides what is asked for anyway, such as the scopes that were granted before. Separated by spaces. */
  readonly scope?: string | undefined
  readonly signal?: AbortSignal | undefined
}

/** How the second half of a login works. */
export interface McpFinishOptions {
  /** The `binding` that `begin()` returned, as this browser's cookie carries it. */
  readonly binding: string
  readonly signal?: AbortSignal | undefined
}

/** How a login in one piece works. */
export interface McpBrowserOptions extends McpBeginOptions {
  /** Opens a browser there, or shows the person the link. */
  readonly open: (url: string) => void | Promise<void>
}

/** A person's login at an MCP server. */
export interface McpLogin {
  /**
   * The first half.
   *
   * @throws RefreshError what discovery and registration throw; `source_refused` where the client cannot register itself
   */
  begin(options?: McpBeginOptions): Promise<McpLoginBegun>
  /**
   * The second half, in any process that shares the store. What it gives is for `credential.login()`. Without a `refreshToken` in it, the
   * server issued none: the login ends with the access token.
   *
   * @throws RefreshError `reauthentication_required`: too late, a second time, in another browser, or the person declined; `source_invalid`:
   *   the response is none of this server's; `source_refused`: the server refused
   */
  finish(callbackUrl: string | URL, options: McpFinishOptions): Promise<AccessToken>
  /** Both halves on this machine, with a loopback redirect (RFC 8252). It needs Node. */
  inBrowser(options: McpBrowserOptions): Promise<AccessToken>
}
