import { methodsOf, propertiesOf } from '../refreshing-model/facade.ts'

/**
 * The kinds of functions that an object has. Those of a provider build something, such as a model, and send nothing. A model's `do…` methods send;
 * its other methods do not, nor do those of its parts, such as its configuration. Those of any other object that a provider returns, such
 * as `files()`, send.
 */
export type Kind = 'provider' | 'model' | 'part' | 'api'

/** Functions named like this send a request, whatever they belong to. */
const SENDS = /^(?:get|list|upload|delete|download|retrieve|fetch|cancel)(?![a-z])/
/** The functions that the language itself calls, and whose result it needs at once. */
const BY_LANGUAGE: ReadonlySet<string | symbol | undefined> = new Set(['toString', 'toJSON', 'valueOf'])
/** The greatest depth of an object that holds models. */
const DEPTH = 4

/**
 * How a function is called:
 * - `retried`: it sends a request, so it waits for a token and goes through the retry.
 * - `builds`: it is called on the placeholder's provider, to see what it returns, and then on the one in force.
 * - `now`: it is called on the one in force, and returns its result at once.
 */
export type Manner = 'retried' | 'builds' | 'now'

export function mannerOf(kind: Kind, name: string | symbol | undefined, method: unknown): Manner {
  if (typeof name === 'symbol' || BY_LANGUAGE.has(name)) return 'now'
  if (isAsync(method)) return 'retried'
  if (kind === 'model' || kind === 'part')
    return name !== undefined && /^do[A-Z]/.test(name) ? 'retried' : 'now'
  if (kind === 'api') return 'retried'
  return name !== undefined && SENDS.test(name) ? 'now' : 'builds'
}

/** True if a function may send a request, so that it must never run with the placeholder. */
export function maySend(name: string | symbol | undefined, method: unknown): boolean {
  return isAsync(method) || (typeof name === 'string' && SENDS.test(name))
}

/** The kind of an object, if it is recognizable. */
export function kindOf(thing: object): Kind | undefined {
  if (isModel(thing)) return 'model'
  return typeof thing === 'function' || hasFunction(thing, 'languageModel') ? 'provider' : undefined
}

/** A model that the AI SDK takes. */
function isModel(thing: object): boolean {
  const version: unknown = Reflect.get(thing, 'specificationVersion')
  if (version !== 'v2' && version !== 'v3' && version !== 'v4') return false
  return typeof Reflect.get(thing, 'provider') === 'string' && methodsOf(thing).size > 0
}

/** True if a value calls nothing, so that the caller gets it unchanged. A tool is data, whatever functions it has. */
export function isData(thing: unknown, depth: number = DEPTH): boolean {
  if (typeof thing === 'function') return false
  if (typeof thing !== 'object' || thing === null || depth === 0) return true
  // Things of the platform, such as a Map, a URL or a stream, work only as they are.
  if (Object.prototype.toString.call(thing) !== '[object Object]' || 'inputSchema' in thing) return true
  for (const property of propertiesOf(thing).values()) {
    // A getter is not asked: what it gives is looked at when it is wanted.
    if (!('value' in property) || !isData(property.value, depth - 1)) return false
  }
  return true
}

function isAsync(method: unknown): boolean {
  return typeof method === 'function' && Object.prototype.toString.call(method).startsWith('[object Async')
}

function hasFunction(thing: object, name: string): boolean {
  return typeof Reflect.get(thing, name) === 'function'
}
