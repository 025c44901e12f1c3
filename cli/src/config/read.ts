import { dirname } from 'node:path'
import * as z from 'zod/mini'
import { wrongInput } from '../lib/fault.ts'
import { nearest } from '../lib/nearest.ts'
import { readConfigFile } from './file.ts'
import { type Location, locate } from './locate.ts'
import { presets } from './presets.ts'
import { type Configuration, schema } from './schema.ts'
import { Document, type FieldPath } from './syntax.ts'

/** A configuration that was read, and where it is. */
export interface Config extends Configuration {
  readonly path: string
  /** Relative paths begin here. */
  readonly folder: string
}

/**
 * Reads the configuration.
 *
 * @param option what `--config` named
 * @throws Fault that points at the first field that is wrong, its line and the remedy
 */
export async function readConfig(option: string | undefined): Promise<Config> {
  const location = locate(option)
  return parseConfig(location, await readConfigFile(location))
}

/** @throws Fault */
export function parseConfig({ path }: Pick<Location, 'path'>, text: string): Config {
  const document = new Document(path, text)
  const complain = (field: FieldPath, message: string): never => {
    throw wrongInput(`${document.place(field)}: ${nameOf(field)} ${message}.`)
  }
  const result = z.safeParse(schema, document.value())
  if (!result.success) {
    const [issue] = result.error.issues
    const [field, message] = problemOf(issue)
    return complain(field, message)
  }
  const config = result.data
  checkReferences(config, complain)
  return { ...config, path, folder: dirname(path) }
}

type Complain = (field: FieldPath, message: string) => never

function problemOf(issue: z.core.$ZodIssue | undefined): [FieldPath, string] {
  if (issue === undefined) return [[], 'is wrong']
  const path = issue.path.filter((part) => typeof part !== 'symbol')
  if (issue.code === 'unrecognized_keys') return [[...path, issue.keys[0] ?? ''], issue.message]
  if (issue.code === 'invalid_union' && issue.discriminator !== undefined) {
    const field = path.at(-1) === issue.discriminator ? path : [...path, issue.discriminator]
    return [field, issue.message]
  }
  // The name of a record's member is wrong, not its value.
  if (issue.code === 'invalid_key') return [path, issue.issues[0]?.message ?? issue.message]
  return [path, issue.message]
}

/** `credentials.work.clientId`, as one would write it. */
function nameOf(path: FieldPath): string {
  if (path.length === 0) return 'The configuration'
  const parts = path.map((part, at) => {
    if (typeof part === 'number') return `[${part}]`
    if (!/^[\w$-]+$/.test(part)) return `[${JSON.stringify(part)}]`
    return at === 0 ? part : `.${part}`
  })
  return parts.join('')
}

/** Every name leads somewhere, and what a thing needs is there. */
function checkReferences(
  { stores = {}, credentials = {}, routes = {} }: Configuration,
  complain: Complain,
): void {
  for (const [name, { store, ...credential }] of Object.entries(credentials)) {
    const field = ['credentials', name]
    if (store !== undefined && store !== 'default') checkName([...field, 'store'], store, stores, complain)
    if (credential.source !== 'oauth') continue
    if (credential.issuer === undefined && credential.tokenEndpoint === undefined) {
      complain(field, 'needs "issuer", or "tokenEndpoint" where the server publishes no metadata')
    }
    const { clientSecret, privateKey, clientAssertion, grant } = credential
    const isPublic = clientSecret === undefined && privateKey === undefined && clientAssertion === undefined
    if (grant === 'client_credentials' && isPublic) {
      complain(field, 'needs "clientSecret", "privateKey" or "clientAssertion" for client_credentials')
    }
  }
  for (const [name, route] of Object.entries(routes)) {
    checkName(['routes', name, 'credential'], route.credential, credentials, complain)
    const preset = route.preset === undefined ? undefined : presets[route.preset]
    if (route.to === undefined && preset?.to === undefined) {
      complain(['routes', name], 'needs "to", the URL of its API')
    }
  }
}

function checkName(field: FieldPath, name: string, known: object, complain: Complain): void {
  const names = Object.keys(known)
  if (names.includes(name)) return
  const meant = nearest(name, names)
  const mending = meant === undefined ? `Known are: ${names.join(', ') || 'none'}` : `Is "${meant}" meant?`
  complain(field, `names ${JSON.stringify(name)}, which is not defined. ${mending}`)
}
