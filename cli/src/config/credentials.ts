import * as z from 'zod/mini'
import { nearest } from '../lib/nearest.ts'
import { command, described, endpoint, fields, kindOf, ms, must, oneOf, secret, text } from './fields.ts'

const texts = z.record(z.string(), z.string(must('a text')), must('an object of texts'))
const plainHttpEndpoints = z.optional(z.array(endpoint('an http origin'), must('a list of http origins')))
const shared = {
  store: z.optional(described(text('the name of a store'), 'One of "stores". Default: "default".')),
}
const target = {
  scope: z.optional(text('scopes, separated by spaces')),
  audience: z.optional(text('a text')),
  resource: z.optional(text('a URL')),
  parameters: z.optional(texts),
}

const NAMED_GRANTS = ['refresh_token', 'client_credentials'] as const
const grant = z.union(
  [
    z.enum(NAMED_GRANTS),
    z.discriminatedUnion(
      'type',
      [
        fields({ type: z.literal('refresh_token'), refreshToken: z.optional(secret) }),
        fields({
          type: z.literal('token_exchange'),
          subjectToken: secret,
          subjectTokenType: z.optional(z.string(must('a text'))),
          actorToken: z.optional(secret),
          actorTokenType: z.optional(z.string(must('a text'))),
          requestedTokenType: z.optional(z.string(must('a text'))),
        }),
        fields({ type: z.literal('jwt_bearer'), assertion: secret }),
      ],
      kindOf('type', ['refresh_token', 'token_exchange', 'jwt_bearer']),
    ),
  ],
  {
    error: ({ input }) =>
      typeof input === 'string' && nearest(input, NAMED_GRANTS) !== undefined
        ? oneOf(NAMED_GRANTS).error({ input })
        : 'must be "refresh_token", "client_credentials", or an object: { "type": "refresh_token", "refreshToken": … }, { "type": "token_exchange", "subjectToken": … } or { "type": "jwt_bearer", "assertion": … }, whose tokens are references',
  },
)

/** How a client identifies itself, and its grant: fields of both `oauth` and `mcp`. */
const client = {
  clientSecret: z.optional(secret),
  clientAuth: z.optional(
    z.enum(
      ['client_secret_basic', 'client_secret_post'],
      must('"client_secret_basic" or "client_secret_post"'),
    ),
  ),
  privateKey: z.optional(
    fields({
      key: secret,
      kid: z.optional(text('a text')),
      alg: z.optional(text('a text')),
      audience: z.optional(text('a text')),
    }),
  ),
  clientAssertion: z.optional(secret),
  grant: z.optional(described(grant, 'Default: "refresh_token", a login by a person.')),
  redirectUri: z.optional(
    described(endpoint('a URL on this machine'), 'Where a browser comes back to at login.'),
  ),
  plainHttpEndpoints,
}

const oauth = fields({
  source: z.literal('oauth'),
  issuer: z.optional(endpoint()),
  tokenEndpoint: z.optional(endpoint()),
  deviceAuthorizationEndpoint: z.optional(endpoint()),
  authorizationEndpoint: z.optional(endpoint()),
  revocationEndpoint: z.optional(endpoint()),
  clientId: text('the id of the client at the authorization server'),
  ...client,
  ...target,
  ...shared,
})

const mcp = fields({
  source: z.literal('mcp'),
  url: described(
    endpoint('the URL of an MCP server'),
    'The MCP server. Its metadata say who issues its tokens.',
  ),
  issuers: z.optional(
    described(
      z.array(endpoint(), must('a list of issuers')),
      'The authorization servers that it may send the client to.',
    ),
  ),
  issuer: z.optional(
    described(endpoint(), 'The authorization server of an MCP server that publishes no metadata.'),
  ),
  resourceMetadata: z.optional(endpoint()),
  clientId: z.optional(text('the id of a client that is registered already')),
  clientMetadataUrl: z.optional(endpoint()),
  resourceParameter: z.optional(
    described(
      z.enum(['sent', 'omitted'], must('"sent" or "omitted"')),
      '"omitted": requests do not name the MCP server (RFC 8707), which Microsoft Entra ID refuses beside a scope of another name.',
    ),
  ),
  pkce: z.optional(
    described(
      z.enum(['listed', 'unlisted'], must('"listed" or "unlisted"')),
      '"unlisted": the authorization server has PKCE, and its metadata do not say so, as those of Microsoft Entra ID.',
    ),
  ),
  scope: z.optional(text('scopes, separated by spaces')),
  ...client,
  ...shared,
})

const exchange = fields({
  tokenEndpoint: endpoint('the URL of a token endpoint'),
  clientId: z.optional(text('a text')),
  requestedTokenType: z.optional(text('a type of token')),
  ...target,
})

const workload = fields({
  source: z.literal('workload'),
  for: z.union(
    [z.enum(['anthropic', 'openai']), exchange],
    must('"anthropic", "openai" or the endpoint of an exchange: { "tokenEndpoint": … }'),
  ),
  subjectToken: described(secret, 'What the platform says of this workload. It is read anew each time.'),
  subjectTokenType: z.optional(text('a type of token, such as "jwt" or "id_token"')),
  federationRuleId: z.optional(
    described(text('the id of a federation rule'), 'The rule at Anthropic: fdrl_….'),
  ),
  organizationId: z.optional(described(text('the id of an organization'), 'The organization at Anthropic.')),
  serviceAccountId: z.optional(
    described(text('the id of a service account'), 'The account at Anthropic or OpenAI.'),
  ),
  workspaceId: z.optional(described(text('the id of a workspace'), 'The workspace at Anthropic.')),
  baseURL: z.optional(described(endpoint(), 'Where Anthropic is asked. Default: https://api.anthropic.com')),
  identityProviderId: z.optional(
    described(text('the id of an identity provider'), 'The identity provider at OpenAI.'),
  ),
  clientId: z.optional(described(text('a text'), 'The client at OpenAI.')),
  plainHttpEndpoints,
  ...shared,
})

const scopes = z.optional(
  described(
    z.union(
      [text('a scope'), z.array(text('a scope'), must('scopes')).check(z.minLength(1, 'must hold a scope'))],
      must('a scope, or a list of scopes'),
    ),
    "Default: those of the cloud's models.",
  ),
)

export const credential = z.discriminatedUnion(
  'source',
  [
    oauth,
    mcp,
    workload,
    fields({
      source: z.literal('google'),
      scopes,
      impersonate: z.optional(
        described(text('the e-mail address of a service account'), 'The service account to act as.'),
      ),
      ...shared,
    }),
    fields({ source: z.literal('azure'), scopes, ...shared }),
    fields({
      source: z.literal('aws'),
      region: z.optional(text('a region, such as "us-east-1"')),
      profile: z.optional(text('the name of a profile')),
      lifetime: z.optional(described(ms, 'How long a token lives, in ms. At most 12 hours.')),
      ...shared,
    }),
    fields({
      source: z.literal('command'),
      command,
      env: z.optional(texts),
      timeout: z.optional(described(ms, 'How long the program may take, in ms.')),
      ...shared,
    }),
    fields({ source: z.literal('file'), path: text('the path of a file'), ...shared }),
    fields({
      source: z.literal('env'),
      name: z
        .string(must('the name of an environment variable'))
        .check(z.regex(/^[A-Za-z_]\w*$/, 'must be the name of an environment variable, not its value')),
      ...shared,
    }),
  ],
  kindOf('source', ['oauth', 'mcp', 'workload', 'google', 'azure', 'aws', 'command', 'file', 'env']),
)

export type CredentialDefinition = z.infer<typeof credential>
export type OAuthDefinition = Extract<CredentialDefinition, { source: 'oauth' }>
export type McpDefinition = Extract<CredentialDefinition, { source: 'mcp' }>
export type WorkloadDefinition = Extract<CredentialDefinition, { source: 'workload' }>
