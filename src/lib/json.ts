/** What JSON can hold. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue }

/**
 * Levels of nesting: what is deeper takes long to read. A member that nests thousands of levels beside a token must not lose the token.
 */
const DEEPEST = 50_000

/**
 * Reads JSON that somebody else wrote. undefined where it cannot be read: the platform's own error quotes the text. The value is wrapped, for
 * `null` is JSON, too.
 *
 * @param deepest levels of nesting: what is deeper is not read
 */
export function parseJson(text: string, deepest: number = DEEPEST): { readonly value: unknown } | undefined {
  if (isDeep(text, deepest)) return undefined
  try {
    return { value: JSON.parse(text) }
  } catch {
    return undefined
  }
}

/** Whether brackets open more levels than are read. Those within strings are none. */
function isDeep(text: string, deepest: number): boolean {
  // The shortest text that is too deep has a bracket for each level.
  if (text.length <= deepest) return false
  let level = 0
  let isString = false
  for (let at = 0; at < text.length; at++) {
    const sign = text[at]
    if (sign === '"') isString = !isString
    else if (isString) {
      if (sign === '\\') at++
    } else if (sign === '[' || sign === '{') {
      if (++level > deepest) return true
    } else if (sign === ']' || sign === '}') level--
  }
  return false
}

/** A member of anything. A hostile object may throw. */
export function field(body: unknown, name: string): unknown {
  return Reflect.get(Object(body), name)
}
