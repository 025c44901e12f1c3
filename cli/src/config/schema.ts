import * as z from 'zod/mini'
import { command, described, endpoint, fields, must, name, routeName, secret, text } from './fields.ts'
import { presetNames } from './presets.ts'

const flag = z.boolean(must('true or false'))
const ms = z.number(must('ms, a number above 0')).check(z.positive('must be ms, a number above 0'))

const sealedWith = z.optional(
  described(
    z
      .array(
        fields({ id: text('the name of the key'), secret }),
        must('a list of keys: [{ "id": …, "secret": … }]'),
      )
      .check(z.minLength(1, 'must hold a key')),
    'Encrypts every record. The first key seals; the others open what was sealed before.',
  ),
)
const locking = { lease: z.optional(ms), timeout: z.optional(ms) }

const store = z.discriminatedUnion(
  'type',
  [
    fields({
      type: z.literal('file'),
      path: z.optional(
        described(text('a folder'), 'The folder. Relative paths begin at the configuration file.'),
      ),
      trustParent: z.optional(
        described(flag, 'Other users may write to the folders above, and you trust them.'),
      ),
      ...locking,
      sealedWith,
    }),
    fields({
      type: z.literal('redis'),
      url: described(secret, 'redis:// or rediss://. It is a reference, for it may hold a password.'),
      prefix: z.optional(text('a text')),
      ...locking,
      sealedWith,
    }),
    fields({
      type: z.literal('postgres'),
      url: described(secret, 'postgres://. It is a reference, for it may hold a password.'),
      table: z.optional(text('the name of a table')),
      ...locking,
      sealedWith,
    }),
  ],
  must('a store with "type": "file", "redis" or "postgres"'),
)

const target = {
  scope: z.optional(text('scopes, separated by spaces')),
  audience: z.optional(text('a text')),
  resource: z.optional(text('a URL')),
  parameters: z.optional(z.record(z.string(), z.string(must('a text')), must('an object of texts'))),
}

const grant = z.union(
  [
    z.enum(['refresh_token', 'client_credentials']),
    z.strictObject({ type: z.literal('refresh_token'), refreshToken: z.optional(secret) }),
    z.strictObject({
      type: z.literal('token_exchange'),
      subjectToken: secret,
      subjectTokenType: z.optional(z.string()),
      actorToken: z.optional(secret),
      actorTokenType: z.optional(z.string()),
      requestedTokenType: z.optional(z.string()),
    }),
    z.strictObject({ type: z.literal('jwt_bearer'), assertion: secret }),
  ],
  must(
    '"refresh_token", "client_credentials", or an object: { "type": "refresh_token", "refreshToken": … }, { "type": "token_exchange", "subjectToken": … } or { "type": "jwt_bearer", "assertion": … }, whose tokens are references',
  ),
)

const shared = {
  store: z.optional(described(text('the name of a store'), 'One of "stores". Default: "default".')),
}

const credential = z.discriminatedUnion(
  'source',
  [
    fields({
      source: z.literal('oauth'),
      issuer: z.optional(endpoint()),
      tokenEndpoint: z.optional(endpoint()),
      deviceAuthorizationEndpoint: z.optional(endpoint()),
      authorizationEndpoint: z.optional(endpoint()),
      revocationEndpoint: z.optional(endpoint()),
      clientId: text('the id of the client at the authorization server'),
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
      plainHttpEndpoints: z.optional(z.array(endpoint('an http origin'), must('a list of http origins'))),
      ...target,
      ...shared,
    }),
    fields({
      source: z.literal('command'),
      command,
      env: z.optional(z.record(z.string(), z.string(must('a text')), must('an object of texts'))),
      timeout: z.optional(ms),
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
  must('a credential with "source": "oauth", "command", "file" or "env"'),
)

const route = fields({
  preset: z.optional(z.enum(presetNames, must(`one of ${presetNames.join(', ')}`))),
  to: z.optional(described(endpoint(), 'Where requests go. A preset of a vendor knows its own.')),
  apply: z.optional(
    described(
      text('the name of a header'),
      'The header that carries the token. Default: the preset\'s, or "authorization".',
    ),
  ),
  plainHttp: z.optional(described(flag, '"to" is plain http inside a network that you trust.')),
  credential: described(text('the name of a credential'), 'One of "credentials".'),
})

const proxy = fields({
  host: z.optional(text('an address of this machine')),
  port: z.optional(z.int(must('a port')).check(z.gte(0, 'must be a port'), z.lte(65_535, 'must be a port'))),
})

/** The whole configuration. `npm run schema` publishes it as a JSON Schema. */
export const schema = fields({
  $schema: z.optional(z.string(must('a URL'))),
  version: z.literal(1, must('1')),
  stores: z.optional(z.record(name, store, must('an object of stores, by name'))),
  credentials: z.optional(z.record(name, credential, must('an object of credentials, by name'))),
  routes: z.optional(z.record(routeName, route, must('an object of routes, by name'))),
  proxy: z.optional(proxy),
})

export type Configuration = z.infer<typeof schema>
export type StoreDefinition = z.infer<typeof store>
export type CredentialDefinition = z.infer<typeof credential>
export type RouteDefinition = z.infer<typeof route>
export type OAuthDefinition = Extract<CredentialDefinition, { source: 'oauth' }>
