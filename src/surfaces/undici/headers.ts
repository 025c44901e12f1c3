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

/** They say whom the request is for, and whose certificate counts. Both are said by the request's origin alone. */
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
 * A request's headers with a credential on them. The caller's others stay as they are, in whatever of undici's forms they
 * came: an object, a flat array of names and values, pairs, or nothing. What is given is not changed.
 *
 * @param before the credential that is on them already
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

/** A copy, for what the caller may change. */
export function copied(headers: unknown): unknown {
  return headers === undefined || headers === null ? headers : withCredential(headers, NONE)
}

/** Names and values in turn; undefined for an object. */
function listed(headers: object): readonly unknown[] | undefined {
  if (!isIterable(headers)) return undefined
  const items = [...headers]
  return items.every((item) => Array.isArray(item) && item.length === 2) ? items.flat(1) : items
}

function inObject(headers: object, credential: AppliedHeaders, before: AppliedHeaders): object {
  let result: Record<string, unknown> = { ...headers }
  for (const name in result) {
    if (!mustGo(name, credential, before) || isSet(name, credential)) continue
    // An object that something is deleted from is slow from then on.
    result = Object.fromEntries(
      Object.entries(result).filter(([other]) => !mustGo(other, credential, before)),
    )
    break
  }
  for (const [name, value] of credential.set) result[name] = value
  return result
}

/** It is written over, then. */
function isSet(name: string, { set }: AppliedHeaders): boolean {
  for (const [one] of set) if (one === name) return true
  return false
}

function inList(headers: readonly unknown[], credential: AppliedHeaders, before: AppliedHeaders): unknown[] {
  const result: unknown[] = []
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at]
    // An odd one at the end is kept: undici says what is wrong with it.
    if (typeof name !== 'string' || !mustGo(name, credential, before))
      result.push(...headers.slice(at, at + 2))
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
