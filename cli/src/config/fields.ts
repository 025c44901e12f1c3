import * as z from 'zod/mini'
import { nearest } from '../lib/nearest.ts'

/**
 * Makes a message that says what a field must be, or that the field is missing. No message contains the value, because it may be a secret
 * by mistake.
 */
export function must(what: string): { error: (issue: { readonly input?: unknown }) => string } {
  return {
    error: ({ input }) => (input === undefined ? `is missing: it must be ${what}` : `must be ${what}`),
  }
}

/** An object that allows no other fields than these. */
export function fields<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  const known = Object.keys(shape)
  return z.strictObject(shape, {
    error: (issue) => {
      if (issue.code !== 'unrecognized_keys') return must('an object: { … }').error(issue)
      const [first = ''] = issue.keys
      const meant = nearest(first, known)
      return meant === undefined
        ? `is not known here. Known are: ${known.join(', ')}`
        : `is not known here. Is "${meant}" meant?`
    },
  })
}

export const text = (what: string) => z.string(must(what)).check(z.minLength(1, must(what)))

export const flag = z.boolean(must('true or false'))

const MS = 'a number of milliseconds above 0, such as 5000'
export const ms = z.number(must(MS)).check(z.positive(`must be ${MS}`))

/** Makes a message that lists the allowed names, and guesses which one is meant. */
export function oneOf(names: readonly string[]): { error: (issue: { readonly input?: unknown }) => string } {
  const quoted = names.map((each) => JSON.stringify(each))
  const listed = `${quoted.slice(0, -1).join(', ')} or ${quoted.at(-1)}`
  return { error: ({ input }) => `${must(listed).error({ input })}${meantBy(input, names)}` }
}

/** Makes the same message for the field that tells the kind of an object. */
export function kindOf(
  field: string,
  names: readonly string[],
): { error: (issue: { readonly input?: unknown }) => string } {
  const { error } = oneOf(names)
  return {
    error: ({ input }) =>
      typeof input === 'object' && input !== null && !Array.isArray(input)
        ? error({ input: Reflect.get(input, field) })
        : must(`an object with "${field}": ${error({ input: '' }).replace('must be ', '')}`).error({ input }),
  }
}

function meantBy(input: unknown, names: readonly string[]): string {
  const meant = typeof input === 'string' ? nearest(input, names) : undefined
  return meant === undefined ? '' : `. Is ${JSON.stringify(meant)} meant?`
}

/** A copy of the schema with a description. It copies, because other fields may use the same schema. */
export const described = <T extends z.core.$ZodType>(schema: T, description: string): T => {
  const copy = z.clone(schema)
  z.globalRegistry.add(copy, { description })
  return copy
}

const REFERENCES = '{ "env": "NAME" }, { "file": "path" } or { "command": ["program", "argument"] }'

function secretProblem(input: unknown): string {
  if (input === undefined) return `is missing: it is a secret, and must be a reference: ${REFERENCES}`
  if (typeof input === 'object' && input !== null) return `is no reference to a secret: write ${REFERENCES}`
  return `is a secret, which must not stand in this file. Refer to it: ${REFERENCES}`
}

export const command = z.tuple(
  [text('the name or the path of a program')],
  text('a text'),
  must('a list of texts: a program and its arguments'),
)

/** A reference to a secret: where the secret is. */
export const secret = z.union(
  [
    z.strictObject({ env: z.string().check(z.regex(/^[A-Za-z_]\w*$/)) }),
    z.strictObject({ file: z.string().check(z.minLength(1)) }),
    z.strictObject({ command }),
  ],
  { error: ({ input }) => secretProblem(input) },
)
export type SecretReference = z.infer<typeof secret>

export const endpoint = (what = 'an https URL, such as "https://auth.example.com"') =>
  z.string(must(what)).check(
    z.refine((given) => {
      const url = URL.canParse(given) ? new URL(given) : undefined
      if (url === undefined || url.username !== '' || url.password !== '' || url.hash !== '') return false
      return url.protocol === 'https:' || url.protocol === 'http:'
    }, `must be ${what}, without a user, a password or a fragment`),
  )

/** The name of a route, which becomes a part of URLs. */
export const routeName = z
  .string()
  .check(
    z.regex(
      /^[A-Za-z\d_~][\w.~-]{0,63}$/,
      'is no name: it is a part of URLs, and must hold only letters, digits and _ . ~ -',
    ),
  )

/** The name of a store or a credential. */
export const name = z
  .string()
  .check(
    z.regex(
      /^[\p{L}\p{N}_][\p{L}\p{N}_.@+-]{0,127}$/u,
      'is no name: it must begin with a letter or a digit, and hold only letters, digits and _ . @ + -',
    ),
  )
