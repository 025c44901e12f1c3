import type { Text } from '../requirements.ts'

const VERBATIM =
  '[A1] given metadata at the well-known URL of the path, when a token is requested, then the request names the resource, verbatim'
const FINISH =
  '[A5] given begin() on one instance, when another finishes, then a code with PKCE is redeemed for the resource'
const RETURNED =
  '[A5] given a callback with %s, when finish() gets it, then the error names it, and no code is sent'
const QUERY =
  '[A1] given a server’s URL with a query, when the source requests its metadata, then the request has the query, and the source refuses metadata of another query'
const WRONG =
  '[A2] given metadata that %s, when the source reads them, then it throws one clear error, and requests nothing else'

export const RFC_8707: Text = {
  title: 'RFC 8707: Resource Indicators',
  url: 'https://www.rfc-editor.org/rfc/rfc8707',
  requirements: [
    {
      must: '`resource` is an absolute URI without a fragment.',
      section: '2',
      by: {
        promises: ['A2'],
        tests: [WRONG, '[A2] given %s with %o, when mcp() is called, then it throws'],
        scenarios: ['auth/metadata-default'],
      },
    },
    {
      must: 'A token request names a resource that was granted (no MUST: a server may refuse others with `invalid_target`).',
      section: '2.2',
      by: {
        promises: ['A1', 'A5'],
        tests: [VERBATIM, FINISH],
        scenarios: ['auth/token-endpoint-auth-basic'],
        note: 'The login and its refreshes name the same one, as long as the MCP server’s metadata do.',
      },
    },
  ],
}

export const RFC_9207: Text = {
  title: 'RFC 9207: Issuer Identification',
  url: 'https://www.rfc-editor.org/rfc/rfc9207',
  requirements: [
    {
      must: 'Extract and decode `iss` where it is there, and compare it to the issuer that the request was sent to, as a plain string.',
      section: '2.4',
      by: {
        promises: ['A5'],
        tests: [RETURNED],
        scenarios: ['auth/iss-supported', 'auth/iss-wrong-issuer', 'auth/iss-normalized'],
      },
    },
    {
      must: 'Where they differ, reject the response and do not proceed; do not take an error for the server’s own.',
      section: '2.4',
      by: { promises: ['A5'], tests: [RETURNED], scenarios: ['auth/iss-unexpected'] },
    },
    {
      must: 'With metadata, compare to their `issuer`; without, to what is configured.',
      section: '2.4',
      by: { promises: ['A1', 'A5'], tests: [RETURNED], note: 'A login without metadata does not exist.' },
    },
    {
      must: 'Know of each server whether it sends `iss`, and reject a response without it from one that does.',
      section: '2.4',
      by: { promises: ['A5'], scenarios: ['auth/iss-supported-missing', 'auth/iss-not-advertised'] },
    },
    {
      must: 'Let no two authorization servers use one issuer identifier, and keep the accepted ones unique.',
      section: '4',
      by: {
        promises: ['A1', 'A2', 'A6'],
        tests: [
          '[A2] given metadata of another issuer, even by one slash, when the source reads them, then it refuses them, and the error names both issuers',
          '[A6] given three logins over one store, when they begin at once, then one client is registered, and stored under its issuer',
        ],
        note: 'Nobody configures endpoints beside an issuer: they are those of the metadata at the issuer’s own address.',
      },
    },
    {
      must: 'Reject a response with several issuers that differ.',
      section: '4',
      by: {
        promises: ['A5'],
        tests: [RETURNED],
        note: 'A parameter that comes twice is refused. Responses in a JWT, or with an ID token, are not asked for.',
      },
    },
  ],
}

export const RFC_9728: Text = {
  title: 'RFC 9728: Protected Resource Metadata',
  url: 'https://www.rfc-editor.org/rfc/rfc9728',
  requirements: [
    {
      must: 'Use no language that nobody states for a text for people, and show the text as it is.',
      section: '2.1',
      by: 'The library reads no such member, and shows none.',
    },
    {
      must: 'Say which well-known suffix is used.',
      section: '3',
      by: { promises: ['A1'], tests: [VERBATIM], note: 'The default: `oauth-protected-resource`.' },
    },
    {
      must: 'Put the well-known part between the host and the path or query, without a slash that ends the host.',
      section: '3, 3.1',
      by: {
        promises: ['A1'],
        tests: [
          VERBATIM,
          QUERY,
          '[A1] given metadata at the root only, or an HTML page at the path, when the source reads metadata, then it takes those of the root',
        ],
        scenarios: ['auth/metadata-var1', 'auth/metadata-var2'],
      },
    },
    {
      must: 'Ask by GET.',
      section: '3.1',
      by: { promises: ['A1'], scenarios: ['auth/metadata-default'] },
    },
    {
      must: 'Ignore members that are not understood.',
      section: '3.2',
      by: { promises: ['A1'], scenarios: ['auth/metadata-default'] },
    },
    {
      must: 'Use no metadata whose `resource` is not identical to the server’s: the one that the URL was made of, or that was asked.',
      section: '3.3, 7.3',
      by: {
        promises: ['A2'],
        tests: [WRONG],
        scenarios: ['auth/resource-mismatch'],
        note: 'Two differences: a path above the server’s, on its origin, is taken, too, for MCP servers publish such metadata for all of their paths; and so is the server’s own URL without its query. The token is asked for that resource, verbatim. Another origin, another path and another query are never taken.',
      },
    },
    {
      must: 'Compare texts of the metadata by their code points, without normalization.',
      section: '6',
      by: {
        promises: ['A1', 'A2'],
        tests: [
          '[A2] given metadata of another issuer, even by one slash, when the source reads them, then it refuses them, and the error names both issuers',
        ],
        note: 'Names of members and issuers are compared so. `resource` is compared as a URL: a default port, the case of the host and a slash at the end make no difference. It is sent as it is written.',
      },
    },
    {
      must: 'Where signed metadata are supported: validate the signature, and prefer its values.',
      section: '2.2, 3.3',
      by: 'A client may ignore them, and the library does: trust rests on https and on `issuers`.',
    },
    {
      must: 'Support TLS, as BCP 195 has it.',
      section: '7.1',
      by: 'The platform’s `fetch` does; plain http is for this machine, and for origins that the user lists.',
    },
    {
      must: 'Check the TLS certificate when metadata are asked for.',
      section: '7.3',
      by: 'The platform’s `fetch` does; the library switches nothing off.',
    },
    {
      must: 'Guard against requests that metadata cause in an internal network (a recommendation).',
      section: '7.7',
      by: {
        promises: ['A2'],
        tests: [
          WRONG,
          '[A2] given metadata that name a token endpoint in a private network, when a login is refreshed, then the source sends it no request',
          '[A2] given an MCP server whose 401 names its metadata at %s, when the source reads it, then it refuses, and requests nothing else',
          '[A2] given metadata of 50 MB, when the source reads them, then it stops early, with one clear error',
        ],
        note: 'A public name that resolves to a private address is not noticed: use `issuers`.',
      },
    },
  ],
}
