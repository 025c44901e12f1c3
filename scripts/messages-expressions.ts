/** Reads the expressions of our own source from which messages are made. It understands this code's style, not all of TypeScript. */

import { argumentsAt, closing, cut, endOf, split } from './messages-tokens.ts'

/** The function around a position of the source. */
export interface Around {
  readonly name: string
  /** The names of its parameters. A destructured parameter has an empty name. */
  readonly parameters: readonly string[]
  /** The position where the function begins. */
  readonly from: number
}

const FUNCTION =
  /(?:^|\n)(?: *(?:export )?(?:async )?function (\w+)|  (?:async )?(#?\w+)|[^\n]*\bconst (\w+) = (?:async )?)\(/g

export function functionAround(text: string, place: number): Around | undefined {
  let found: Around | undefined
  for (const match of text.matchAll(FUNCTION)) {
    if (match.index > place) break
    const open = match.index + match[0].length - 1
    const [name = '', isArrow] = [match[1] ?? match[2] ?? match[3], match[3] !== undefined]
    if (/^(?:if|for|while|switch|return)$/.test(name) || !contains(text, closing(text, open), place, isArrow))
      continue
    const parameters = argumentsAt(text, open).map((each) => /^\w+/.exec(each)?.[0] ?? '')
    found = { name, parameters, from: match.index }
  }
  return found
}

/** Whether a function contains a position. @param signature the position where its parameters end */
function contains(text: string, signature: number, place: number, isArrow: boolean): boolean {
  if (signature >= place) return false
  if (isArrow) {
    const arrow = text.indexOf('=>', signature)
    const head = text.slice(signature, arrow)
    if (arrow < 0 || arrow > place || head.includes('\n')) return false
    const body = arrow + 2 + (/^\s*/.exec(text.slice(arrow + 2))?.[0].length ?? 0)
    if (text[body] === '{') return place < closing(text, body)
    return !/\n *(?:const|let|return|throw|if|for|try|\})\b|\n\n/.test(text.slice(body, place))
  }
  const line = text.indexOf('\n', signature)
  return place < closing(text, text.lastIndexOf('{', line))
}

/**
 * A text that an expression may result in. `decided` holds each condition that leads to it, and its value. The same condition has the same value
 * everywhere in a message.
 */
export interface Given {
  readonly text: string
  readonly decided: ReadonlyMap<string, boolean>
}

/** Finds the texts that an expression may result in. An ellipsis stands for a part that is known only at run time. */
export class Expressions {
  readonly #text: string
  readonly #place: number
  readonly #known: ReadonlyMap<string, readonly Given[]>

  /**
   * @param place the position at which names are looked up
   * @param known the texts of names that are known already, such as parameters
   */
  constructor(text: string, place: number, known: ReadonlyMap<string, readonly Given[]>) {
    this.#text = text
    this.#place = place
    this.#known = known
  }

  given(given: string, depth = 0): Given[] {
    const code = given.trim()
    const [condition, either] = cut(code, '?')
    if (condition !== code) {
      const [yes, no] = cut(either, ':')
      return [...this.#where(condition, true, yes, depth), ...this.#where(condition, false, no, depth)]
    }
    if (/^\d[\d_]*$/.test(code)) return [always(String(Number(code.replaceAll('_', ''))))]
    const parts = split(code, '+')
    if (parts.length > 1) return product(parts.map((part) => this.given(part, depth)))
    if (/^'|^"/.test(code)) return [always(code.slice(1, -1).replaceAll(/\\(.)/g, '$1'))]
    if (code.startsWith('`')) return this.#template(code.slice(1, -1), depth)
    if (code.startsWith('(') && closing(code, 0) === code.length - 1)
      return this.given(code.slice(1, -1), depth)
    if (/^\w+$/.test(code) && depth < 4) {
      const known = this.#known.get(code) ?? this.#constant(code, depth + 1)
      if (known !== undefined) return [...known]
    }
    const [, called] = /^(\w+)\([^]*\)$/.exec(code) ?? []
    const returned = called === undefined || depth >= 4 ? [] : this.#returned(called, depth + 1)
    return returned.length > 0 ? returned.map(always) : [always('…')]
  }

  #where(condition: string, isSo: boolean, code: string, depth: number): Given[] {
    const decided = new Map([[condition.trim(), isSo]])
    return product([[{ text: '', decided }], this.given(code, depth)])
  }

  /** The texts that a function of this file returns. */
  #returned(name: string, depth: number): string[] {
    const start = this.#text.search(new RegExp(`\\bfunction ${name}\\(`))
    if (start < 0) return []
    const line = this.#text.indexOf('\n', closing(this.#text, this.#text.indexOf('(', start)))
    const body = this.#text.slice(line, closing(this.#text, this.#text.lastIndexOf('{', line)))
    const texts = [...body.matchAll(/\breturn (?=\S)/g)].flatMap(({ index }) => {
      const from = line + index + 'return '.length
      if (!/['"`(\w]/.test(this.#text[from] ?? '')) return ['…']
      const own = new Expressions(this.#text, from, new Map())
      return own.given(this.#text.slice(from, endOf(this.#text, from)), depth).map(({ text }) => text)
    })
    return unique(texts)
  }

  #template(code: string, depth: number): Given[] {
    const parts: Given[][] = []
    let [from, at] = [0, 0]
    while (at < code.length) {
      if (code.startsWith('${', at)) {
        const end = closing(code, at + 1)
        parts.push([always(plain(code.slice(from, at)))], this.given(code.slice(at + 2, end), depth))
        from = end + 1
        at = from
      } else at += code[at] === '\\' ? 2 : 1
    }
    return product([...parts, [always(plain(code.slice(from)))]])
  }

  /** The texts of the last constant with that name before the position, else of a constant of the file. */
  #constant(name: string, depth: number): Given[] | undefined {
    const all = [...this.#text.matchAll(new RegExp(`^.*\\bconst ${name}(?::[^=\\n]+)? =`, 'gm'))]
    const start = functionAround(this.#text, this.#place)?.from ?? 0
    const match =
      all.findLast(({ index }) => index < this.#place && index > start) ??
      all.find(([found]) => /^(?:export )?const/.test(found))
    if (match === undefined) return undefined
    const from = match.index + match[0].length
    return this.given(this.#text.slice(from, endOf(this.#text, from)), depth)
  }
}

function plain(code: string): string {
  return code.replaceAll(/\\(.)/g, '$1')
}

function always(text: string): Given {
  return { text, decided: new Map() }
}

/** Whether two texts can occur together: no condition has different values. */
export function agree(one: Given, other: Given): boolean {
  return [...one.decided].every(([condition, isSo]) => (other.decided.get(condition) ?? isSo) === isSo)
}

function product(parts: readonly (readonly Given[])[]): Given[] {
  let all = [always('')]
  for (const part of parts) {
    all = all.flatMap((start) =>
      part
        .filter((given) => agree(start, given))
        .map((given) => ({
          text: start.text + given.text,
          decided: new Map([...start.decided, ...given.decided]),
        })),
    )
    all = all.slice(0, 40)
  }
  return all
}

function unique(texts: readonly string[]): string[] {
  return [...new Set(texts)]
}
