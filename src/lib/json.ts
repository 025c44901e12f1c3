/** A JSON value. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue }

/**
 * Levels of nesting: a deeper text takes too long to read. The limit is high, so that a token beside a deeply nested member is not lost.
 */
const DEEPEST = 50_000
/** Members of all objects of a text. With more, the time of reading grows faster than their number. No token response has so many. */
const MOST_MEMBERS = 4_096
/** Characters of the shortest member, such as `"":1,`. */
const MEMBER = 5

/**
 * Reads foreign JSON. Returns undefined if the text is no JSON, or has more than 4,096 members. It throws nothing, because the platform's
 * error quotes the text. The value is wrapped, because `null` is JSON too.
 *
 * @param deepest levels of nesting: a deeper text is not read
 */
export function parseJson(text: string, deepest: number = DEEPEST): { readonly value: unknown } | undefined {
  if (isBeyond(text, deepest)) return undefined
  try {
    return { value: JSON.parse(text) }
  } catch {
    return undefined
  }
}

/** True if a text has more levels or members than the limits. Brackets and colons within strings do not count. */
function isBeyond(text: string, deepest: number): boolean {
  // The shortest text that is too deep has one bracket for each level.
  if (text.length <= Math.min(deepest, MOST_MEMBERS * MEMBER)) return false
  let [level, members, isString] = [0, 0, false]
  for (let at = 0; at < text.length; at++) {
    const sign = text[at]
    if (sign === '"') isString = !isString
    else if (isString) {
      if (sign === '\\') at++
    } else if (sign === '[' || sign === '{') {
      if (++level > deepest) return true
    } else if (sign === ']' || sign === '}') level--
    else if (sign === ':' && ++members > MOST_MEMBERS) return true
  }
  return false
}

/** Reads a member of any value; undefined if there is none. It throws if a getter of a hostile object does. */
export function field(body: unknown, name: string): unknown {
  return Reflect.get(Object(body), name)
}
