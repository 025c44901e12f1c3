import {
  createScanner,
  findNodeAtLocation,
  type Node,
  parseTree,
  type ParseError,
  printParseErrorCode,
  getNodeValue,
} from 'jsonc-parser'
import { wrongInput } from '../lib/fault.ts'

/** A path to a field: names of members, and indexes in lists. */
export type FieldPath = readonly (string | number)[]

/** The most levels of nesting. No configuration needs more, and a parser's stack allows only some thousands. */
const DEEPEST = 64
/** The most fields in all objects together. Beyond that, reading takes noticeably long, and its time grows faster than their number. */
const MOST_FIELDS = 4_000

/** The longest name, in characters, that a message shows. */
const LONGEST_NAME = 80

/** Quotes a name for a message, and cuts it: a name may be as long as the file. */
export function quoted(name: string): string {
  return JSON.stringify(name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME)}…` : name)
}

/** The parser's errors in plain words. */
const WRONG: Readonly<Record<string, string>> = {
  InvalidSymbol: 'a word stands here that is none of true, false and null: a text needs double quotes',
  InvalidNumberFormat: 'this is no number',
  PropertyNameExpected: 'a name in double quotes is missing',
  ValueExpected: 'a value is missing',
  ColonExpected: 'a `:` is missing',
  CommaExpected: 'a `,` is missing',
  CloseBraceExpected: 'a `}` is missing',
  CloseBracketExpected: 'a `]` is missing',
  EndOfFileExpected: 'the file goes on behind its last `}`',
  InvalidCommentToken: 'a comment begins here that cannot stand here',
  UnexpectedEndOfComment: 'the end of a comment, `*/`, is missing',
  UnexpectedEndOfString: 'the end of a text, `"`, is missing',
  UnexpectedEndOfNumber: 'the number is cut off',
  InvalidUnicode: 'four hexadecimal digits must follow `\\u`',
  InvalidEscapeCharacter: 'this letter cannot follow a `\\`',
  InvalidCharacter: 'a tab, an end of a line or a control character stands within a text',
}

/** JSON with comments. It knows the place of each field. */
export class Document {
  readonly #path: string
  readonly #text: string
  readonly #root: Node

  /** @throws Fault */
  constructor(path: string, given: string) {
    this.#path = path
    this.#text = given.replace(/^\uFEFF/, '')
    if (this.#text.trim() === '') throw wrongInput(`${path} is empty.`, 'The least is { "version": 1 }.')
    this.#refuseExcess()
    const errors: ParseError[] = []
    const root = parseTree(this.#text, errors, { allowTrailingComma: true })
    const [first] = errors
    if (first !== undefined) {
      const what = WRONG[printParseErrorCode(first.error)] ?? 'something stands here that does not belong'
      throw wrongInput(`${this.#at(first.offset)}: this is not valid JSON: ${what}.`)
    }
    if (root === undefined) throw wrongInput(`${path} holds nothing.`, 'The least is { "version": 1 }.')
    this.#root = root
    this.#refuseAmbiguous(root)
  }

  value(): unknown {
    return getNodeValue(this.#root) as unknown
  }

  /** The place of a field, or of the nearest value around it, in the form that editors and terminals link: `file:line:column`. */
  place(path: FieldPath): string {
    for (let length = path.length; length > 0; length--) {
      const node = findNodeAtLocation(this.#root, path.slice(0, length))
      if (node !== undefined) return this.#at((node.parent?.type === 'property' ? node.parent : node).offset)
    }
    return this.#at(this.#root.offset)
  }

  /** Refuses an excessive text before it is parsed. This scan needs neither memory nor a stack. */
  #refuseExcess(): void {
    const scanner = createScanner(this.#text, true)
    let [depth, fields] = [0, 0]
    for (scanner.scan(); scanner.getTokenOffset() < this.#text.length; scanner.scan()) {
      const sign = this.#text.charAt(scanner.getTokenOffset())
      depth += '{['.includes(sign) ? 1 : '}]'.includes(sign) ? -1 : 0
      fields += sign === ':' ? 1 : 0
      if (depth > DEEPEST) {
        throw wrongInput(
          `${this.#at(scanner.getTokenOffset())}: this is nested deeper than ${DEEPEST} levels.`,
        )
      }
      if (fields > MOST_FIELDS) {
        throw wrongInput(
          `${this.#path} has more than ${MOST_FIELDS} fields.`,
          'Split it, and choose one with --config.',
        )
      }
    }
  }

  /** Refuses a field that occurs twice, because readers differ in which one counts. Refuses `__proto__`, which is no field of ours. */
  #refuseAmbiguous(node: Node): void {
    const seen = new Set<string>()
    for (const child of node.children ?? []) {
      const key = node.type === 'object' ? String(child.children?.[0]?.value) : ''
      if (node.type === 'object' && (seen.has(key) || key === '__proto__')) {
        const what = seen.has(key) ? 'stands here twice' : 'cannot be a name'
        throw wrongInput(`${this.#at(child.offset)}: ${quoted(key)} ${what}.`)
      }
      seen.add(key)
      this.#refuseAmbiguous(child)
    }
  }

  #at(offset: number): string {
    const lines = this.#text.slice(0, offset).split(/\r\n|\r|\n/)
    return `${this.#path}:${lines.length}:${(lines.at(-1)?.length ?? 0) + 1}`
  }
}
