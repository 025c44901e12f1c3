/** Reads foreign objects and texts, which may be hostile: no function here throws, or reads more than a bounded prefix. */

import { speaksOfOthers } from './words.ts'

/** Characters of one text that are read. */
export const MOST_TEXT = 16_384
/** Longer texts are not parsed. */
const MOST_JSON = 65_536

/** The JSON of a text: the whole text, or its end, because some clients append the body to their message. undefined if there is none. */
export function jsonIn(text: unknown): unknown {
  if (typeof text !== 'string' || text.length > MOST_JSON) return undefined
  const isWhole = isWholeJson(text)
  const [head] = (isWhole ? undefined : /^[^{]{1,100}(?=\{)/.exec(text)) ?? []
  if (!isWhole && (head === undefined || speaksOfOthers(head))) return undefined
  try {
    return JSON.parse(head === undefined ? text : text.slice(head.length, text.lastIndexOf('}') + 1))
  } catch {
    return undefined
  }
}

export function isWholeJson(text: string): boolean {
  return /^\s*(?:[{"]|\[\s*[[{"\]\d-])/.test(text)
}

export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

/** `Array.isArray()` throws for a revoked `Proxy`. */
export function isArray(value: unknown): boolean {
  try {
    return Array.isArray(value)
  } catch {
    return false
  }
}

/** Reads a member; undefined if a getter throws. */
export function get(node: unknown, key: PropertyKey): unknown {
  try {
    return Reflect.get(Object(node), key)
  } catch {
    return undefined
  }
}

/** A header's value, of a Headers object, a Map or a plain object. */
export function header(headers: unknown, name: string): string | undefined {
  let value = get(headers, name)
  const getter = get(headers, 'get')
  try {
    // Call `get` only of a collection, which can be iterated. On other objects, `get` may have side effects.
    if (typeof getter === 'function' && Symbol.iterator in Object(headers)) {
      value = Reflect.apply(getter, headers, [name])
    }
  } catch {
    // A getter that throws counts as no such header.
  }
  return prefix(value)
}

export function prefix(value: unknown): string | undefined {
  return typeof value === 'string' ? value.slice(0, MOST_TEXT) : undefined
}
