import type { Text } from '../requirements.ts'

const VERBATIM =
  '[A1] given metadata at the path, when a token is issued, then it is asked for the resource, verbatim'
const FINISH =
  '[A5] given begin() on one instance, when another finishes, then a code with PKCE is redeemed for the resource'
const RETURNED = '[A5] given a return with %s, then it is named, and no code is sent'
const WRONG = '[A2] given metadata that %s, then it is one clear error, and nobody else is asked'

export const RFC_8707: Text = {
  title: 'RFC 8707: Resource Indicators',
  url: 'https://www.rfc-editor.org/rfc/rfc8707',
  requirements: [
    {
      must: '`resource` is an absolute URI without a fragment.',
      section: '2',
      by: {
        promises: ['A2'],
        tests: [WRONG, '[A2] given %s with %o, then it is refused at once'],
        scenarios: ['auth/metadata-default'],
      },
    },
    {
      must: 'A token request asks for a resource that the grant is for (`invalid_target` else).',
      section: '2.2',
      by: {
        promises: ['A1', 'A5'],
        tests: [VERBATIM, FINISH],
        scenarios: ['auth/token-endpoint-auth-basic'],
      },
    },
  ],
}

export const RFC_9207: Text = {
  title: 'RFC 9207: Issuer Identification',
  url: 'https://www.rfc-editor.org/rfc/rfc9207',
  requirements: [
    {
      must: 'Decode `iss`, and compare it to the issuer that the request was sent to, as a plain string.',
      section: '2.4',
      by: {
        promises: ['A5'],
        tests: [RETURNED],
        scenarios: ['auth/iss-supported', 'auth/iss-wrong-issuer', 'auth/iss-normalized'],
      },
    },
    {
      must: 'Where they differ, reject the response and do not proceed; take no error for the server’s own.',
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
      must: 'Reject a response with several issuers that differ.',
      section: '2.4',
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
      must: 'Put the well-known part between host and path, without a slash that ends the host.',
      section: '3.1',
      by: {
        promises: ['A1'],
        tests: [
          VERBATIM,
          '[A1] given metadata at the root only, or a page at the path, then those of the root are taken',
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
      must: 'Use no metadata whose `resource` is not that of the server: the one that the URL was made of, or that was asked.',
      section: '3.3',
      by: {
        promises: ['A2'],
        tests: [WRONG],
        scenarios: ['auth/resource-mismatch'],
        note: 'One difference: a path above the server’s, on its origin, is taken, too. MCP servers publish such metadata for all of their paths. The token is asked for that resource, verbatim, and another origin is never taken.',
      },
    },
    {
      must: 'Validate the signature of `signed_metadata`, and prefer its values.',
      section: '2.2, 3.3',
      by: 'Signed metadata are optional for a client, and are not used: trust rests on https and on `issuers`.',
    },
    {
      must: 'Check the TLS certificate of who is asked.',
      section: '7.1',
      by: 'The platform’s `fetch` does; the library switches nothing off.',
    },
    {
      must: 'Guard against requests that metadata cause in an internal network (a recommendation).',
      section: '7.7',
      by: {
        promises: ['A2'],
        tests: [
          WRONG,
          '[A2] given a token endpoint in a private network, then it is not asked',
          "[A2] given a server's own 401 that names its metadata at %s, then it is refused, and nobody else is asked",
          '[A2] given metadata of 50 MB, then little of them is read, and it is one clear error',
        ],
        note: 'A public name that resolves to a private address is not noticed: use `issuers`.',
      },
    },
  ],
}
