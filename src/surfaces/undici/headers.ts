import type { Applied } from '../shared/apply.ts'
import { isIterable } from '../shared/body.ts'

/** Headers that go on a request, and what makes room for them. */
export interface AppliedHeaders {
  readonly set: readonly (readonly [name: string, value: string])[]
  /** In lower case: the caller's headers that must go, those that are set included. */
  readonly names: ReadonlySet<string>
  /** The lengths of the names, as bits: most headers need no further look. */
  readonly lengths: number
  readonly survivesRedirects: boolean
}

/** The headers that could name the request's server and the certificate to expect. Only the request's origin decides both. */
const DESTINATION = ['host', ':authority']

const NONE: AppliedHeaders = { set: [], names: new Set(), lengths: 0, survivesRedirects: false }

/** Made once for each generation. */
export function credentialOf({ set, remove, survivesRedirects }: Applied): AppliedHeaders {
  const names = new Set([...DESTINATION, ...set.map(([name]) => name), ...remove])
  let lengths = 0
  for (const name of names) lengths |= bit(name)
  return { set, names, lengths, survivesRedirects }
}

/**
 * A request's headers with a credential on them. The caller's other headers stay, in whichever of undici's forms they came: an object, a
 * flat array of names and values, pairs, or nothing. The given headers are not changed.
 *
 * @param before the credential that the headers have already
 */
export function withCredential(
  headers: unknown,
  credential: AppliedHeaders,
  before: AppliedHeaders = NONE,
): unknown {
  if (typeof headers !== 'object' || headers === null) {
    // Headers that are none are undici's to refuse.
    return headers ?? Object.fromEntries(credential.set)
  }
  const list = listed(headers)
  return list === undefined ? inObject(headers, credential, before) : inList(list, credential, before)
}

/** Does the same on headers that only we hold: it changes a flat array in place. */
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

/** A copy, because the caller may change the original. */
export function copied(headers: unknown): unknown {
  return headers === undefined || headers === null ? headers : withCredential(headers, NONE)
}

/** Names and values in turn; undefined for an object. */
function listed(headers: object): readonly unknown[] | undefined {
  if (!Array.isArray(headers) && !isIterable(headers)) return undefined
  const items: readonly unknown[] = Array.isArray(headers) ? headers : [...headers]
  if (typeof items[0] === 'string') return items
  return items.every((item) => Array.isArray(item) && item.length === 2) ? items.flat(1) : items
}

/** Built anew: Node 20 takes some microseconds to add to an object that was made by spreading another. */
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
    // An odd item at the end is kept: undici reports what is wrong with it.
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

/** Lengths from 32 on share bits with others, which costs no more than a further look. */
function bit(name: string): number {
  return 1 << name.length
}
