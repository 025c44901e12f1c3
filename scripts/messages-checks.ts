/** Finds what the checks of options tell: `checkedOptions()` and `checked()` throw a problem that a check returns as `'name' problem.` */
import { Expressions, type Given } from './messages-expressions.ts'
import { argumentsAt, closing, cut, endOf, endOfPart } from './messages-tokens.ts'

interface SourceFile {
  readonly file: string
  readonly text: string
}

/** What a check may say of an option. `home` is the file in which the check says it. */
export interface Problem {
  /** The name of the option, or an ellipsis. */
  readonly name: string
  readonly text: string
  readonly home: string
  readonly place: string
}

/** Where an expression is read. */
interface Context extends SourceFile {
  /** The position at which names are looked up. */
  readonly place: number
  /** The texts of the parameters of the function around it. */
  readonly known: ReadonlyMap<string, readonly Given[]>
}

type Told = Pick<Problem, 'text' | 'home'>

type Defined =
  | { readonly kind: 'constant'; readonly code: string; readonly context: Context }
  | { readonly kind: 'check' | 'maker'; readonly open: number; readonly context: Context }

/** An entry of a table whose value may be a check, or a check and a default. */
const ENTRY = /(?<=[{,]\s*|\n +)(\w+): (?=\[?\s*(?:\(given\b|\w+\b(?! ?=>)))/g
const CHECKED = /(?<!function )\bchecked\(/g

export class Checks {
  readonly #files: readonly SourceFile[]

  constructor(files: readonly SourceFile[]) {
    this.#files = files
  }

  /** The problems of all options. */
  *all(): Generator<Problem> {
    for (const { file, text } of this.#files) {
      for (const { index, 0: start, 1: name = '' } of text.matchAll(ENTRY)) {
        const from = index + start.length
        const code = text.slice(from, endOfPart(text, from))
        yield* this.#named([name], code, { file, text, place: from, known: new Map() })
      }
      for (const { index, 0: start } of text.matchAll(CHECKED)) {
        const context = { file, text, place: index, known: new Map() }
        const [name = '', , check = ''] = argumentsAt(text, index + start.length - 1)
        yield* this.#named(
          texts(name, context).map(({ text: each }) => each),
          check,
          context,
        )
      }
    }
  }

  *#named(names: readonly string[], code: string, context: Context): Generator<Problem> {
    for (const { text, home } of this.#check(code, context)) {
      for (const name of names) yield { name, text, home, place: `${context.file} ${context.place}` }
    }
  }

  /** What a check may return. `code` is the check. */
  #check(given: string, context: Context): Told[] {
    const code = given.trim()
    if (code.startsWith('[')) return this.#check(argumentsAt(code, 0)[0] ?? '', context)
    const arrow = /^\(\w+(?:: unknown)?\) =>/.exec(code)
    if (arrow !== null) return this.#problem(code.slice(arrow[0].length), context)
    const [, name = '', called] = /^(\w+)(\([^]*\))?$/.exec(code) ?? []
    const found = this.#find(name, context)
    if (found === undefined || (found.kind === 'maker') !== (called !== undefined)) return []
    if (found.kind === 'constant') return this.#check(found.code, found.context)
    if (found.kind === 'check') return this.#within(bodyAt(found.context.text, found.open), found.context)
    const values = argumentsAt(code, name.length)
    const known = argumentsAt(found.context.text, found.open).map((each, at): [string, Given[]] => {
      const value = values[at]
      const [parameter = '', initial = ''] = each.split(' = ')
      return [
        /^\w*/.exec(parameter)?.[0] ?? '',
        value === undefined || value === '' ? texts(initial, found.context) : texts(value, context),
      ]
    })
    const inside = { ...found.context, known: new Map(known) }
    return statements(bodyAt(inside.text, found.open), inside).flatMap(({ code: each, place }) =>
      this.#check(each, { ...inside, place }),
    )
  }

  /** The texts that the body of a check may result in. */
  #problem(given: string, context: Context): Told[] {
    const code = given.trim()
    if (code === 'undefined') return []
    if (code.startsWith('{')) {
      const from = context.text.indexOf(code, context.place)
      return this.#within([from, from + code.length], context)
    }
    if (code.startsWith('(') && closing(code, 0) === code.length - 1)
      return this.#problem(code.slice(1, -1), context)
    const [condition, either] = cut(code, '?')
    if (condition !== code) return cut(either, ':').flatMap((each) => this.#problem(each, context))
    const [, called = ''] = /^(\w+)\([^]*\)$/.exec(code) ?? []
    const found = this.#find(called, context)
    if (found !== undefined && found.kind !== 'maker') return this.#check(called, context)
    return texts(code, context)
      .filter(({ text }) => /[a-z]/i.test(text))
      .map(({ text }) => ({ text: text.replaceAll(/…+/g, '…'), home: context.file }))
  }

  #within(body: readonly [from: number, to: number], context: Context): Told[] {
    return statements(body, context).flatMap(({ code, place }) => this.#problem(code, { ...context, place }))
  }

  /** The check with a name, or the function that makes it: of the same file, else what a file exports. */
  #find(name: string, { file, text }: SourceFile): Defined | undefined {
    if (name === '') return undefined
    const own = definedAs(name, { file, text }, '^')
    if (own !== undefined || !new RegExp(`^import [^']*\\b${name}\\b[^']* from`, 'm').test(text)) return own
    for (const each of this.#files) {
      const found = definedAs(name, each, '^export ')
      if (found !== undefined) return found
    }
    return undefined
  }
}

function definedAs(name: string, { file, text }: SourceFile, before: string): Defined | undefined {
  const start = before === '^' ? '^(?:export )?' : before
  const constant = new RegExp(`${start}const ${name}(?:: (?:Check|readonly \\[Check[^=\\n]*))? = `, 'm').exec(
    text,
  )
  if (constant !== null) {
    const place = constant.index + constant[0].length
    const context = { file, text, place, known: new Map() }
    return { kind: 'constant', code: text.slice(place, endOf(text, place)), context }
  }
  const made = new RegExp(`${start}function ${name}\\(`, 'm').exec(text)
  if (made === null) return undefined
  const open = made.index + made[0].length - 1
  const end = closing(text, open)
  const returns = text.slice(end, text.indexOf('\n', end))
  const context = { file, text, place: open, known: new Map() }
  if (returns === '): Check {') return { kind: 'maker', open, context }
  return returns === '): string | undefined {' ? { kind: 'check', open, context } : undefined
}

function bodyAt(text: string, open: number): [from: number, to: number] {
  const from = text.indexOf('{', closing(text, open))
  return [from, closing(text, from)]
}

/** What a body returns. */
function statements(
  [from, to]: readonly [from: number, to: number],
  { text }: SourceFile,
): { code: string; place: number }[] {
  return [...text.slice(from, to).matchAll(/\breturn (?=\S)/g)].map(({ index, 0: start }) => {
    const place = from + index + start.length
    return { code: text.slice(place, endOf(text, place)), place }
  })
}

function texts(code: string, { text, place, known }: Context): Given[] {
  return new Expressions(text, place, known).given(code)
}
