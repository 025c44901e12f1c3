/** Reads objects and texts that others made, and that may be hostile: nothing here throws or reads more than a bounded prefix. */

import { speaksOfOthers } from './words.ts'

/** Characters of one text that are read. */
export const MOST_TEXT = 16_384
/** Longer texts are not parsed. */
const MOST_JSON = 65_536

/** Bodies are JSON, and some clients' messages end with one. */
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

/** A revoked proxy throws. */
export function isArray(value: unknown): boolean {
  try {
    return Array.isArray(value)
  } catch {
    return false
  }
}

/** A property, whatever the object does about it. */
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
    // Collections can be iterated; other things with a `get` are not ours to call.
    if (typeof getter === 'function' && Symbol.iterator in Object(headers)) {
      value = Reflect.apply(getter, headers, [name])
    }
  } catch {
    // then it has no such header
  }
  return prefix(value)
}

export function prefix(value: unknown): string | undefined {
  return typeof value === 'string' ? value.slice(0, MOST_TEXT) : undefined
}
