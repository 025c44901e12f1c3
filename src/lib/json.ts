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
  let [level, isString] = [0, false]
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (isString) {
      if (code === BACKSLASH) at++
      else if (code === QUOTE) isString = false
    } else if (code === QUOTE) isString = true
    else if (code === OPEN_BRACKET || code === OPEN_BRACE) {
      if (++level > deepest) return true
    } else if (code === CLOSE_BRACKET || code === CLOSE_BRACE) level--
  }
  return false
}

const [QUOTE, BACKSLASH] = [0x22, 0x5c]
const [OPEN_BRACKET, CLOSE_BRACKET, OPEN_BRACE, CLOSE_BRACE] = [0x5b, 0x5d, 0x7b, 0x7d]

export function field(body: unknown, name: string): unknown {
  return Reflect.get(Object(body), name)
}
