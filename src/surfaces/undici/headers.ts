import type { Applied } from '../shared/apply.ts'
import { isIterable } from '../shared/body.ts'

/** The headers that carry a credential, and the caller's headers that they replace. */
export interface AppliedHeaders {
  readonly set: readonly (readonly [name: string, value: string])[]
  /** The names of the caller's headers to remove, in lower case, including those that we set. */
  readonly names: ReadonlySet<string>
  /** The lengths of the names, as bits. Most headers differ in length, and need no comparison. */
  readonly lengths: number
  readonly survivesRedirects: boolean
}

/** The headers that could name another server, or the certificate to expect. Only the request's origin may name them. */
const DESTINATION = ['host', ':authority']

const NONE: AppliedHeaders = { set: [], names: new Set(), lengths: 0, survivesRedirects: false }

/** Prepares a credential's headers, once for each generation. */
export function credentialOf({ set, remove, survivesRedirects }: Applied): AppliedHeaders {
  const names = new Set([...DESTINATION, ...set.map(([name]) => name), ...remove])
  let lengths = 0
  for (const name of names) lengths |= bit(name)
  return { set, names, lengths, survivesRedirects }
}

/**
 * Puts a credential on a request's headers. Keeps the caller's other headers in the form that the caller gave to undici: an object, a flat
 * array of names and values, pairs, or nothing. Does not change the given headers.
 *
 * @param before the credential that the headers already carry
 */
export function withCredential(
  headers: unknown,
  credential: AppliedHeaders,
  before: AppliedHeaders = NONE,
): unknown {
  if (typeof headers !== 'object' || headers === null) {
    // Leave invalid headers to undici, which refuses them.
    return headers ?? Object.fromEntries(credential.set)
  }
  const list = listed(headers)
  return list === undefined ? inObject(headers, credential, before) : inList(list, credential, before)
}

/** Does the same for headers that only we hold, and changes a flat array in place. */
export function putOn(headers: unknown, credential: AppliedHeaders, before: AppliedHeaders = NONE): unknown {
  if (!Array.isArray(headers) || (headers.length > 0 && typeof headers[0] !== 'string'))
    return withCredential(headers, credential, before)
  const list: unknown[] = headers
  for (let at = list.length - 2; at >= 0; at -= 2) {
    const name = list[at]
    if (typeof name === 'string' && mustGo(name, credential, before)) list.splice(at, 2)
  }
  for (const [name, value] of credential.set) list.push(name, value)
  return list
}

/** Copies the headers, because the caller may change the original. */
export function copied(headers: unknown): unknown {
  return headers === undefined || headers === null ? headers : withCredential(headers, NONE)
}

/** The headers as names and values in turn; undefined for an object. */
function listed(headers: object): readonly unknown[] | undefined {
  if (!Array.isArray(headers) && !isIterable(headers)) return undefined
  const items: readonly unknown[] = Array.isArray(headers) ? headers : [...headers]
  if (typeof items[0] === 'string') return items
  return items.every((item) => Array.isArray(item) && item.length === 2) ? items.flat(1) : items
}

/** Builds a new object, because Node 20 takes some microseconds to add to an object that was made by spreading another. */
function inObject(headers: object, credential: AppliedHeaders, before: AppliedHeaders): object {
  const result: Record<string, unknown> = {}
  for (const name of Object.keys(headers)) {
    if (mustGo(name, credential, before)) continue
    const value: unknown = Reflect.get(headers, name)
    if (name === '__proto__') Object.defineProperty(result, name, { value, enumerable: true })
    else result[name] = value
  }
  for (const [name, value] of credential.set) result[name] = value
  return result
}

function inList(headers: readonly unknown[], credential: AppliedHeaders, before: AppliedHeaders): unknown[] {
  const result: unknown[] = []
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at]
    if (typeof name === 'string' && mustGo(name, credential, before)) continue
    result.push(name)
    // Keep a name without a value at the end: undici reports what is wrong with it.
    if (at + 1 < headers.length) result.push(headers[at + 1])
  }
  for (const [name, value] of credential.set) result.push(name, value)
  return result
}

function mustGo(given: string, credential: AppliedHeaders, before: AppliedHeaders): boolean {
  if (((credential.lengths | before.lengths) & bit(given)) === 0) return false
  const name = given.toLowerCase()
  return credential.names.has(name) || before.names.has(name)
}

/** The bit for a name's length. Lengths from 32 on share bits with shorter ones, which only costs a comparison. */
function bit(name: string): number {
  return 1 << name.length
}
