import * as z from 'zod/mini'
import { credential } from './credentials.ts'
import {
  described,
  endpoint,
  fields,
  flag,
  ms,
  kindOf,
  must,
  name,
  oneOf,
  routeName,
  secret,
  text,
} from './fields.ts'
import { presetNames } from './presets.ts'

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
const locking = {
  lease: z.optional(described(ms, 'How long a lock outlives the last sign of life of its holder, in ms.')),
  timeout: z.optional(described(ms, 'How long a step of the store may take, in ms.')),
}

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
  kindOf('type', ['file', 'redis', 'postgres']),
)

const route = fields({
  preset: z.optional(z.enum(presetNames, oneOf(presetNames))),
  to: z.optional(
    described(
      endpoint('a URL, such as "https://llm.example.com/v1"'),
      "The base URL that the tool would get without llm-refresh. Default: that of the preset's vendor.",
    ),
  ),
  apply: z.optional(
    described(
      text('the name of a header').check(
        z.regex(/^[\w!#$%&'*+.^`|~-]+$/, 'must be the name of a header, such as "x-api-key"'),
      ),
      'The header that carries the token. Default: the preset\'s, or "authorization".',
    ),
  ),
  plainHttp: z.optional(described(flag, '"to" is plain http inside a network that you trust.')),
  credential: described(text('the name of a credential'), 'One of "credentials".'),
})

const PORT = 'a port, a number from 0 to 65535'
const proxy = fields({
  host: z.optional(text('an address of this machine')),
  port: z.optional(z.int(must(PORT)).check(z.gte(0, `must be ${PORT}`), z.lte(65_535, `must be ${PORT}`))),
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

/** A configuration, and the place where it was read. */
export interface Config extends Configuration {
  readonly path: string
  /** The folder of the configuration. Relative paths begin here. */
  readonly folder: string
}

export type StoreDefinition = z.infer<typeof store>
export type RouteDefinition = z.infer<typeof route>
