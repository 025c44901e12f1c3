import type { Text } from '../requirements.ts'

const DISCOVERY = 'Authorization Server Discovery'
const RESPONSE = 'Authorization Response Validation'
const RESOURCE = 'Resource Parameter Implementation'
const ORDERS =
  '[A1] given an issuer with a path, when the source reads its metadata, then it tries the three well-known URLs in turn'
const ANOTHER_ISSUER =
  '[A2] given metadata of another issuer, even by one slash, when the source reads them, then it refuses them, and the error names both issuers'
const FINISH =
  '[A5] given begin() on one instance, when another finishes, then a code with PKCE is redeemed for the resource'
const RETURNED =
  '[A5] given a callback with %s, when finish() gets it, then the error names it, and no code is sent'
const VERBATIM =
  '[A1] given metadata at the well-known URL of the path, when a token is requested, then the request names the resource, verbatim'
const OMITTED =
  'A user may switch that off with `resourceParameter`, for a server that refuses the parameter (Microsoft Entra ID).'
const ISS = ['auth/iss-supported', 'auth/iss-not-advertised']

/** The chapter itself, and its part on discovery. */
export const CHAPTER: Text = {
  title: 'MCP 2026-07-28: Authorization, and Authorization Server Discovery',
  url: 'https://modelcontextprotocol.io/specification/2026-07-28/basic/authorization',
  requirements: [
    {
      must: 'Transports other than HTTP follow the best practices of their protocol.',
      section: 'Protocol Requirements',
      by: 'The seam to the client is `fetch`: there is no other transport.',
    },
    {
      must: 'Follow the pages on discovery, on registration and on security.',
      section: 'Authorization Server Discovery, Client Registration, Security Considerations',
      by: { promises: ['A11'], note: 'Their demands are rows of these tables.' },
    },
    {
      must: 'Discover the authorization server by protected resource metadata (RFC 9728).',
      section: 'Overview',
      by: {
        promises: ['A1'],
        tests: [VERBATIM],
        scenarios: ['auth/metadata-default', 'auth/metadata-var1'],
        note: 'A user may name the `issuer` of a server that publishes none.',
      },
    },
    {
      must: 'Support both ways to find an authorization server’s metadata: RFC 8414 and OpenID Connect Discovery.',
      section: 'Overview',
      by: { promises: ['A1'], tests: [ORDERS], scenarios: ['auth/metadata-var1', 'auth/metadata-var3'] },
    },
    {
      must: 'Obtain a client id by pre-registration, a Client ID Metadata Document or dynamic registration.',
      section: 'Client Registration',
      by: {
        promises: ['A6'],
        tests: [
          "[A6] given a Client ID Metadata Document, when a login begins, then its URL is the client's id if the server accepts such ids, else a client is registered",
        ],
        scenarios: ['auth/pre-registration', 'auth/basic-cimd'],
      },
    },
    {
      must: 'Take the scopes of a challenge as what the request needs; assume no relation to `scopes_supported`.',
      section: 'Scope Selection Strategy',
      by: {
        promises: ['A4', 'A5'],
        tests: [
          "[A4] given client credentials, when a token is requested, then the request names the challenge's scopes, or those that the server lists",
          "[A5] given scopes of the options, the challenge and the server, when a login begins, then it requests the first that exist, and 'offline_access' if the server lists it",
        ],
        scenarios: ['auth/scope-from-www-authenticate', 'auth/scope-step-up'],
      },
    },
    {
      must: 'Keep registrations and tokens apart by authorization server; take none for good at another.',
      section: DISCOVERY,
      by: {
        promises: ['A3', 'A6'],
        tests: [
          '[A3] given an MCP server that names another authorization server, when a login is refreshed, then the error names both',
          '[A6] given three logins over one store, when they begin at once, then one client is registered, and stored under its issuer',
        ],
        scenarios: ['auth/authorization-server-migration'],
      },
    },
    {
      must: 'Be able to read the `WWW-Authenticate` header of a 401, and respond to it.',
      section: DISCOVERY,
      by: {
        promises: ['A1', 'A8'],
        tests: [
          "[A1] given a challenge, or no challenge, when the source reads metadata, then it reads them at the challenge's URL, or at the URL of the server's own 401",
        ],
        scenarios: ['auth/metadata-default', 'auth/scope-from-www-authenticate'],
      },
    },
    {
      must: 'Read `resource_metadata` of the challenge of a 401; else ask the well-known places, path first.',
      section: DISCOVERY,
      by: {
        promises: ['A1'],
        tests: [
          "[A1] given a challenge, or no challenge, when the source reads metadata, then it reads them at the challenge's URL, or at the URL of the server's own 401",
          '[A1] given metadata at the root only, or an HTML page at the path, when the source reads metadata, then it takes those of the root',
        ],
        scenarios: ['auth/metadata-default', 'auth/metadata-var2', 'auth/metadata-var3'],
        note: 'An address on another origin is refused, unless the user gives it as `resourceMetadata`.',
      },
    },
    {
      must: 'Ask for an authorization server’s metadata in the listed orders, for an issuer with and without a path.',
      section: DISCOVERY,
      by: { promises: ['A1'], tests: [ORDERS], scenarios: ['auth/metadata-var2', 'auth/metadata-var3'] },
    },
    {
      must: 'Use no metadata whose `issuer` is not identical to the one that was asked for.',
      section: DISCOVERY,
      by: { promises: ['A1', 'A2'], tests: [ANOTHER_ISSUER], scenarios: ['auth/metadata-issuer-mismatch'] },
    },
    {
      must: 'Record the issuer before the browser is sent away, beside the PKCE verifier and the state.',
      section: RESPONSE,
      by: {
        promises: ['A5'],
        tests: [
          '[A5] given an MCP server that names another issuer since the login began, when finish() gets the callback, then the code goes to the server that issued it',
        ],
      },
    },
    {
      must: 'Validate `iss` before the code is sent: reject another one, and reject its absence where the metadata announce it.',
      section: RESPONSE,
      by: {
        promises: ['A5'],
        tests: [RETURNED],
        scenarios: [...ISS, 'auth/iss-supported-missing', 'auth/iss-wrong-issuer', 'auth/iss-unexpected'],
      },
    },
    {
      must: 'Compare `iss` as a plain string, without normalization.',
      section: RESPONSE,
      by: { promises: ['A5'], tests: [RETURNED], scenarios: ['auth/iss-normalized'] },
    },
    {
      must: 'Neither act on nor show the `error` of a response whose `iss` is another’s.',
      section: RESPONSE,
      by: { promises: ['A5'], tests: [RETURNED] },
    },
    {
      must: 'Send `resource` in authorization and token requests, whether or not the server supports it.',
      section: RESOURCE,
      by: {
        promises: ['A1', 'A5'],
        tests: [VERBATIM, FINISH],
        scenarios: ['auth/metadata-default', 'auth/token-endpoint-auth-none'],
        note: OMITTED,
      },
    },
    {
      must: '`resource` identifies the MCP server, by its canonical URI.',
      section: RESOURCE,
      by: {
        promises: ['A1', 'A2'],
        tests: [
          VERBATIM,
          '[A2] given metadata that %s, when the source reads them, then it throws one clear error, and requests nothing else',
        ],
        scenarios: ['auth/resource-mismatch', 'auth/metadata-default'],
      },
    },
    {
      must: 'Carry the token in the `Authorization` header of every request, as a bearer.',
      section: 'Access Token Usage',
      by: {
        promises: ['A8'],
        scenarios: ['auth/metadata-default', 'auth/client-credentials-basic'],
        note: '`apply` of the surface can name another header, which no MCP server needs.',
      },
    },
    {
      must: 'Put no token into the query.',
      section: 'Access Token Usage',
      by: 'No surface can: `apply` gives headers.',
    },
    {
      must: 'Send the MCP server no token but those of its authorization server.',
      section: 'Token Handling',
      by: {
        promises: ['A3'],
        tests: [
          '[A3] given an MCP server that names another authorization server, when a login is refreshed, then the error names both',
        ],
        scenarios: ['auth/authorization-server-migration'],
      },
    },
    {
      must: 'Keep refresh tokens confidential in transit and in storage.',
      section: 'Refresh Tokens',
      by: {
        promises: ['A3', 'A6', 'Z1'],
        tests: [
          '[A3] given a configuration with another client id, when a stored login is refreshed, then its refresh token is not sent',
          '[A6] given the record of a registration in a %s store, when a credential reads it, then it throws store_invalid and does not change the record',
        ],
        note: 'Files are readable by their owner alone; `sealedStore()` encrypts records of any store.',
      },
    },
    {
      must: 'Do not assume that a refresh token is issued.',
      section: 'Refresh Tokens',
      by: {
        promises: ['A5'],
        tests: [
          '[A5] given a server that issues no refresh token, when the login is refreshed, then the token has none, and the error says so',
        ],
        scenarios: ['auth/offline-access-scope', 'auth/offline-access-not-supported'],
      },
    },
    {
      must: 'Step up with the union of old and demanded scopes, a few times at most (a SHOULD, and the limit of it).',
      section: 'Step-Up Authorization Flow',
      by: {
        promises: ['A7'],
        tests: [
          '[A7] given client credentials, when a scope is demanded, then the union is asked for once, and each call is made once more',
          '[A7] given a server that demands for ever, the same or another scope each time, then each call is sent twice at most, and it ends',
        ],
        scenarios: ['auth/scope-step-up', 'auth/scope-retry-limit'],
        note: 'A person’s login is the program’s to begin: the event `scope_demanded` names the scope.',
      },
    },
  ],
}

/** The chapter's part on registration. */
export const REGISTRATION: Text = {
  title: 'MCP 2026-07-28: Client Registration',
  url: 'https://modelcontextprotocol.io/specification/2026-07-28/basic/authorization/client-registration',
  requirements: [
    {
      must: 'Host the metadata document at an https URL, with the fields that it must have, and with its own URL as `client_id`.',
      section: 'Client ID Metadata Documents',
      by: 'The program hosts its document. What the library can see, it checks: the next row.',
    },
    {
      must: 'A `client_id` that is a URL uses https and has a path, without dot segments, a fragment or a user; no shared secret goes with it.',
      section: 'Client ID Metadata Documents',
      by: { promises: ['A2'], tests: ['[A2] given %s with %o, when mcp() is called, then it throws'] },
    },
    {
      must: 'Name an `application_type` in a dynamic registration.',
      section: 'Application Type and Redirect URI Constraints',
      by: { promises: ['A6'], scenarios: ['auth/token-endpoint-auth-none', 'auth/metadata-default'] },
    },
    {
      must: 'Be ready for a registration that is refused.',
      section: 'Application Type and Redirect URI Constraints',
      by: {
        promises: ['A6'],
        tests: [
          '[A6] given a server that registers no clients, when a login begins, then the message says which option to give',
        ],
      },
    },
    {
      must: 'Key credentials of the client by the issuer; where the issuer changes, reuse none and register anew.',
      section: 'Authorization Server Binding',
      by: {
        promises: ['A3', 'A6', 'A12'],
        tests: [
          '[A12] given an authorization server that has moved within the hour, when the next login begins, then it uses the new server, with a new client',
          "[A3] given client credentials, when the MCP server names another authorization server, then the secret is not sent there, unless 'issuers' lists it",
        ],
        scenarios: ['auth/authorization-server-migration'],
        note: 'Of credentials in the options only the user knows whose they are: name the server in `issuers`, and they go to no other, the first time, too.',
      },
    },
  ],
}

/** The chapter's security considerations. */
export const SECURITY: Text = {
  title: 'MCP 2026-07-28: Security Considerations',
  url: 'https://modelcontextprotocol.io/specification/2026-07-28/basic/authorization/security-considerations',
  requirements: [
    {
      must: 'Follow the security practices of OAuth 2.1 (its section 7).',
      section: '(introduction)',
      by: {
        promises: ['A2', 'A3', 'A5', 'Z1'],
        note: 'Those that MCP repeats are rows here. A token travels in a header alone, a secret in a body or a header, a code with PKCE, and none of them in a message.',
      },
    },
    {
      must: 'Send `resource` in authorization and token requests, and use it to bind tokens to their server.',
      section: 'Token Audience Binding and Validation, Access Token Privilege Restriction',
      by: {
        promises: ['A1', 'A5'],
        tests: [VERBATIM, FINISH],
        scenarios: ['auth/metadata-default'],
        note: OMITTED,
      },
    },
    {
      must: 'Store tokens securely.',
      section: 'Token Theft',
      by: {
        promises: ['Z1', 'S5', 'S8'],
        note: 'See [file](stores/file.md) and [sealed](stores/sealed.md).',
      },
    },
    {
      must: 'Ask authorization servers over https; redirect URIs are https or of this machine.',
      section: 'Communication Security',
      by: {
        promises: ['A2'],
        tests: [
          '[A2] given metadata that %s, when the source reads them, then it throws one clear error, and requests nothing else',
          '[A2] given %s with %o, when mcp() is called, then it throws',
        ],
        note: 'Plain http is for a server on this machine, and for origins that the user lists in `plainHttpEndpoints`.',
      },
    },
    {
      must: 'Use PKCE with S256.',
      section: 'Authorization Code Protection',
      by: { promises: ['A5'], tests: [FINISH], scenarios: ['auth/metadata-default'] },
    },
    {
      must: 'Verify by the metadata that the server has PKCE; refuse to proceed where they do not list `code_challenge_methods_supported`.',
      section: 'Authorization Code Protection',
      by: {
        promises: ['A12'],
        tests: [
          '[A12] given metadata that list %s of the PKCE methods, when a login begins, then it throws, and sends no browser there',
        ],
        note: "A user who knows better may say so, with `pkce: 'unlisted'`, for a server that lists nothing (Microsoft Entra ID). The login uses PKCE all the same.",
      },
    },
    {
      must: 'Mitigate mix-up attacks by validating `iss`.',
      section: 'Mix-Up Attacks',
      by: { promises: ['A5'], tests: [RETURNED], scenarios: ['auth/iss-wrong-issuer'] },
    },
    {
      must: 'Have redirect URIs registered.',
      section: 'Open Redirection',
      by: { promises: ['A6'], scenarios: ['auth/metadata-default'] },
    },
    {
      must: 'Servers that forward to third parties obtain consent for each client.',
      section: 'Confused Deputy Problem',
      by: 'It concerns MCP servers.',
    },
  ],
}
