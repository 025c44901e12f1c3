import { methodsOf, propertiesOf } from '../refreshing-model/facade.ts'

/**
 * The kind of an object decides what its functions do:
 *
 * - `provider`: they build something, such as a model, and send no request.
 * - `model`: the `do…` methods send requests, and the others do not.
 * - `part`: a part of a model, such as its configuration. Its functions send no request.
 * - `api`: any other object that a provider returns, such as `files()`. Its functions send requests.
 */
export type Kind = 'provider' | 'model' | 'part' | 'api'

/** A function with such a name sends a request, whatever its object is. */
const SENDS = /^(?:get|list|upload|delete|download|retrieve|fetch|cancel)(?![a-z])/
/** The functions that the language itself calls. It needs their result at once. */
const BY_LANGUAGE: ReadonlySet<string | symbol | undefined> = new Set(['toString', 'toJSON', 'valueOf'])
/** How deep we look for functions in an object that may hold models. */
const DEPTH = 4

/**
 * How the facade calls a function:
 * - `retried`: the function sends a request, so it waits for a token and goes through the retry.
 * - `builds`: the facade calls it on the placeholder's provider, to see what it returns, and later on the current provider.
 * - `now`: the facade calls it on the current provider, and returns the result at once.
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

/** True if a function may send a request. The facade must never call it with the placeholder. */
export function maySend(name: string | symbol | undefined, method: unknown): boolean {
  return isAsync(method) || (typeof name === 'string' && SENDS.test(name))
}

/** The kind of an object; undefined if its members do not show it. */
export function kindOf(thing: object): Kind | undefined {
  if (isModel(thing)) return 'model'
  return typeof thing === 'function' || hasFunction(thing, 'languageModel') ? 'provider' : undefined
}

/** True for a model that the AI SDK accepts. */
function isModel(thing: object): boolean {
  const version: unknown = Reflect.get(thing, 'specificationVersion')
  if (version !== 'v2' && version !== 'v3' && version !== 'v4') return false
  return typeof Reflect.get(thing, 'provider') === 'string' && methodsOf(thing).size > 0
}

/** True if a value holds no function to retry. The caller gets it unchanged. A tool counts as data, even if it has functions. */
export function isData(thing: unknown, depth: number = DEPTH): boolean {
  if (typeof thing === 'function') return false
  if (typeof thing !== 'object' || thing === null || depth === 0) return true
  // Objects of the platform, such as a `Map`, a `URL` or a stream, do not work behind a facade.
  if (Object.prototype.toString.call(thing) !== '[object Object]' || 'inputSchema' in thing) return true
  for (const property of propertiesOf(thing).values()) {
    // Do not run a getter here. The facade looks at its value when the caller reads it.
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
