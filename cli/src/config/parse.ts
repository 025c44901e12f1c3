import { dirname } from 'node:path'
import * as z from 'zod/mini'
import { wrongInput } from '../lib/fault.ts'
import { nearest } from '../lib/nearest.ts'
import type { Location } from './locate.ts'
import { problemOfCredential } from './requirements.ts'
import { problemOfRoute } from './routes.ts'
import { type Config, type Configuration, schema } from './schema.ts'
import { Document, type FieldPath, quoted } from './syntax.ts'

/**
 * Reads the text of a configuration.
 *
 * @throws Fault that names the first wrong field, its line, and the remedy
 */
export function parseConfig({ path }: Pick<Location, 'path'>, text: string): Config {
  const document = new Document(path, text)
  const complain = (field: FieldPath, message: string): never => {
    const end = /[.?!]$/.test(message) ? '' : '.'
    throw wrongInput(`${document.place(field)}: ${nameOf(field)} ${message}${end}`)
  }
  const result = z.safeParse(schema, document.value())
  if (!result.success) {
    const [field, message] = problemOf(firstOf(result.error.issues))
    return complain(field, message)
  }
  const config = result.data
  checkReferences(config, complain)
  return { ...config, path, folder: dirname(path) }
}

type Complain = (field: FieldPath, message: string) => never

/** The issue to report. A missing field may be there under a mistyped name, and that issue says more. */
function firstOf(issues: readonly z.core.$ZodIssue[]): z.core.$ZodIssue | undefined {
  const [first] = issues
  const isBeside = ({ path }: z.core.$ZodIssue): boolean =>
    String(path) === String(first?.path.slice(0, -1)) || String(path) === String(first?.path)
  return issues.find((issue) => issue.code === 'unrecognized_keys' && isBeside(issue)) ?? first
}

function problemOf(issue: z.core.$ZodIssue | undefined): [FieldPath, string] {
  if (issue === undefined) return [[], 'is wrong']
  const path = issue.path.filter((part) => typeof part !== 'symbol')
  if (issue.code === 'unrecognized_keys') return [[...path, issue.keys[0] ?? ''], issue.message]
  if (issue.code === 'invalid_union') {
    const within = withinUnion(issue)
    if (within !== undefined) return problemOf({ ...within, path: [...issue.path, ...within.path] })
  }
  if (issue.code === 'invalid_union' && issue.discriminator !== undefined) {
    const field = path.at(-1) === issue.discriminator ? path : [...path, issue.discriminator]
    return [field, issue.message]
  }
  // The name of this member is wrong, and not its value.
  if (issue.code === 'invalid_key') return [path, issue.issues[0]?.message ?? issue.message]
  return [path, issue.message]
}

/** The issue inside the variant of a union that the person most likely means: the variant in which only inner fields are wrong. */
function withinUnion({ errors }: z.core.$ZodIssueInvalidUnion): z.core.$ZodIssue | undefined {
  const isInner = ({ code, path, message }: z.core.$ZodIssue): boolean =>
    message !== NOT_SAID && (path.length > 0 || code === 'unrecognized_keys')
  const meant = errors.find((issues) => issues.length > 0 && issues.every(isInner))
  return meant && firstOf(meant)
}

/** Zod's message if the schema has none. */
const NOT_SAID = 'Invalid input'

/** A path as a person would write it: `credentials.work.clientId`. */
function nameOf(path: FieldPath): string {
  if (path.length === 0) return 'The configuration'
  const parts = path.map((part, at) => {
    if (typeof part === 'number') return `[${part}]`
    if (!/^[\w$-]{1,80}$/.test(part)) return `[${quoted(part)}]`
    return at === 0 ? part : `.${part}`
  })
  return parts.join('')
}

/** Checks that every named store and credential exists, and that each credential and route has the fields that it needs. */
function checkReferences(
  { stores = {}, credentials = {}, routes = {} }: Configuration,
  complain: Complain,
): void {
  for (const [name, credential] of Object.entries(credentials)) {
    const field = ['credentials', name]
    const { store } = credential
    if (store !== undefined && store !== 'default') checkName([...field, 'store'], store, stores, complain)
    const problem = problemOfCredential(credential)
    if (problem !== undefined) complain([...field, ...problem.at], problem.message)
  }
  for (const [name, route] of Object.entries(routes)) {
    checkName(['routes', name, 'credential'], route.credential, credentials, complain)
    const problem = problemOfRoute(route)
    if (problem !== undefined) complain(['routes', name, ...problem.at], problem.message)
  }
}

function checkName(field: FieldPath, name: string, known: object, complain: Complain): void {
  const names = Object.keys(known)
  if (names.includes(name)) return
  const meant = nearest(name, names)
  const mending = meant === undefined ? `Known are: ${names.join(', ') || 'none'}` : `Is "${meant}" meant?`
  complain(field, `names ${quoted(name)}, which is not defined. ${mending}`)
}
