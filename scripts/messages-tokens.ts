/** Reads the source of messages token by token: where its strings, brackets and statements end. */

/** The source with blanks in place of its comments, so that all positions stay the same. */
export function withoutComments(text: string): string {
  let out = ''
  for (let at = 0; at < text.length;) {
    const end = skip(text, at)
    const piece = text.slice(at, end)
    out += /^\/[/*]/.test(piece) ? piece.replaceAll(/[^\n]/g, ' ') : piece
    at = end
  }
  return out
}

/** The arguments of a call. @param open the position of the opening parenthesis */
export function argumentsAt(text: string, open: number): string[] {
  return split(text.slice(open + 1, closing(text, open)), ',').map((part) => part.trim())
}

/** The end of a statement: the end of its line, unless the next line continues it. */
export function endOf(text: string, from: number): number {
  let at = from
  while (at < text.length) {
    const before = text.slice(from, at).trimEnd()
    const isWhole = before.trim() !== '' && !/(?:\+|=>)$/.test(before)
    if (text[at] === '\n' && isWhole && !/^\s*[?:+]/.test(text.slice(at, at + 40))) break
    at = '([{'.includes(text[at] ?? ' ') ? closing(text, at) + 1 : skip(text, at)
  }
  return at
}

/** The end of an expression: the comma or the bracket behind it. */
export function endOfPart(text: string, from: number): number {
  let at = from
  while (at < text.length && !',)]}'.includes(text[at] ?? ' '))
    at = '([{'.includes(text[at] ?? ' ') ? closing(text, at) + 1 : skip(text, at)
  return at
}

/** The position behind the next token. Strings, templates, regular expressions and comments are one token each. */
function skip(text: string, at: number): number {
  const char = text[at]
  if (text.startsWith('//', at)) return orEnd(text.indexOf('\n', at), text)
  if (text.startsWith('/*', at)) return orEnd(text.indexOf('*/', at) + 2, text)
  if (char === "'" || char === '"') {
    let to = at + 1
    while (to < text.length && text[to] !== char && text[to] !== '\n') to += text[to] === '\\' ? 2 : 1
    return to + 1
  }
  if (char === '`') {
    let to = at + 1
    while (to < text.length && text[to] !== '`') {
      if (text.startsWith('${', to)) to = closing(text, to + 1) + 1
      else to += text[to] === '\\' ? 2 : 1
    }
    return to + 1
  }
  // A regular expression is skipped as a whole, because it may hold quotes.
  const pattern =
    char === '/'
      ? /^\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/[a-z]*/.exec(text.slice(at, at + 400))
      : null
  return pattern && /[=(,:[!&|?{;]\s*$|return\s*$/.test(text.slice(Math.max(0, at - 12), at))
    ? at + pattern[0].length
    : at + 1
}

function orEnd(found: number, text: string): number {
  return found < 2 ? text.length : found
}

/** The position of the bracket that closes the one at `open`. */
export function closing(text: string, open: number): number {
  let depth = 0
  for (let at = open; at < text.length;) {
    const char = text[at] ?? ''
    if ('([{'.includes(char)) depth++
    else if (')]}'.includes(char) && --depth === 0) return at
    at = skip(text, at)
  }
  return text.length
}

export function split(code: string, by: string): string[] {
  const [first, rest] = cut(code, by)
  return first === code ? [code] : [first, ...split(rest, by)]
}

/** The parts before and after the first `by` that is outside brackets and strings. */
export function cut(code: string, by: string): [string, string] {
  let nested = 0
  for (let at = 0; at < code.length;) {
    const char = code[at] ?? ''
    if (by === ':' && char === '?' && !/^\?[.?]/.test(code.slice(at)) && code[at - 1] !== '?') nested++
    if (char === by && !isOther(code, at)) {
      if (nested === 0) return [code.slice(0, at), code.slice(at + 1)]
      nested--
    }
    at = '([{'.includes(char) ? closing(code, at) + 1 : skip(code, at)
  }
  return [code, '']
}

/** Whether the character is a part of `?.`, `??` or `++`, and so is no `?` or `+` of its own. */
function isOther(code: string, at: number): boolean {
  return /^\?[.?]|^\+\+/.test(code.slice(at)) || /[?+]/.test(code[at - 1] ?? '')
}
