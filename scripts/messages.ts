/**
 * Writes docs/messages.md: every message that this package can throw or report, by its code, as the source has it.
 *
 *     tsx scripts/messages.ts            # --check fails where it is out of date
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { produceAll } from '../test/messages/all.ts'
import { argumentsAt, Expressions, functionAround, withoutComments } from './messages-expressions.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const page = `${root}docs/messages.md`
const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } })

const SEVERAL = 'several codes'
const MADE = /\bnew RefreshError\(/g

const files = readdirSync(`${root}src`, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && file !== 'core/errors.ts')
  .map((file) => `src/${file.replaceAll('\\', '/')}`)
  .toSorted()
  .map((file) => ({ file, text: withoutComments(readFileSync(`${root}${file}`, 'utf8')) }))

/** By code: a message, and the files that it comes from. */
const found = new Map<string, Map<string, Set<string>>>()

function note(code: string, message: string, file: string): void {
  const known = found.get(code) ?? new Map<string, Set<string>>()
  found.set(code, known)
  known.set(message, (known.get(message) ?? new Set()).add(file))
}

/** Notes what a call makes, with what its function was called with. */
function noteAll(file: string, expressions: Expressions, [code = '', message = '']: readonly string[]): void {
  for (const each of expressions.texts(code)) {
    for (const text of expressions.texts(message)) {
      const name = /^[a-z]+(?:_[a-z]+)*$/.test(each) ? each : SEVERAL
      if (/[a-z]/i.test(text)) note(name, text, file)
    }
  }
}

for (const { file, text } of files) {
  for (const { index } of text.matchAll(MADE)) {
    const made = argumentsAt(text, text.indexOf('(', index))
    const maker = functionAround(text, index)
    const isFilled = maker?.parameters.some((name) => made.slice(0, 2).some((part) => uses(part, name)))
    const calls = maker && isFilled === true ? [...callsOf(maker.name, file, text)] : []
    if (maker === undefined || calls.length === 0) {
      noteAll(file, new Expressions(text, index, new Map()), made)
      continue
    }
    for (const call of calls) {
      const outer = new Expressions(call.text, call.index, new Map())
      const given = argumentsAt(call.text, call.text.indexOf('(', call.index))
      const filled = new Map(maker.parameters.map((name, at) => [name, outer.texts(given[at] ?? '')]))
      noteAll(call.file, new Expressions(text, index, filled), made)
    }
  }
}

function uses(part: string, name: string): boolean {
  return new RegExp(`\\b${name}\\b`).test(part)
}

/** Where a function is called: in its own file, and in those that import it. */
function* callsOf(
  name: string,
  home: string,
  homeText: string,
): Generator<{ file: string; text: string; index: number }> {
  const call = new RegExp(`(?<!function |[.\\w])${name}\\(`, 'g')
  const module = home.replace(/^.*\//, '')
  const imported = new RegExp(`import \\{[^}]*\\b${name}\\b[^}]*\\} from '[^']*/${module}'`)
  const isExported = new RegExp(`export function ${name}\\b`).test(homeText)
  for (const { file, text } of files) {
    if (file !== home && !(isExported && imported.test(text))) continue
    for (const { index } of text.matchAll(call)) yield { file, text, index }
  }
}

/** Each message is compared with all that was produced. */
const patterns = new Map<string, RegExp>()

const produced = await produceAll()
/** Each is shown with the first situation that leads to it. */
const situations = new Map<string, string>()

/** Brings situations and messages together. */
for (const { when, code, message } of produced) {
  const fitting = [code, SEVERAL].flatMap((each) =>
    [...(found.get(each)?.keys() ?? [])].filter((text) => patternOf(text).test(message)),
  )
  // The one with the most words of its own.
  const [text] = fitting.toSorted((one, other) => other.length - one.length)
  if (text === undefined) {
    console.error(`No message of the source is what was produced: ${when}: ${code}: ${message}`)
    process.exitCode = 1
  } else if (!situations.has(text)) situations.set(text, when)
}

function patternOf(text: string): RegExp {
  const known = patterns.get(text)
  if (known !== undefined) return known
  const parts = plain(text)
    .split('…')
    .map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`))
  const pattern = new RegExp(`^${parts.join('[^]*?')}$`)
  patterns.set(text, pattern)
  return pattern
}

function plain(text: string): string {
  return text.trim().replaceAll(/\s+/g, ' ')
}

const INTRODUCTION = `# Messages

This page lists every message of the library by its code. An ellipsis (…) stands for a part that is known only when the error happens: a host,
a path, a name. A table shows a situation that leads to each message, and what to do, as the message says it. The tests bring these situations
about, and compare what they lead to. [errors.md](errors.md) says more. \`npm run messages\` writes this page from the source.
`

/** What a reader is asked to do: the rest of a message from there on. */
const REMEDY =
  /(?<=[:;.,] )(?:(?:or )?(?:give|set|use|name|mend|log in|call|ask|check|register|allow|wrap|say|make|begin|run|put|leave|add|remove|raise|keep|read|let|return|configure|multiply|create|split|try|wait|send|write|choose|build|go on)\b|(?:is|are|does|did|do|has|was) (?:a|an|it|the|its|this|your|there|'|client|\S+ and|\S+ right)|see |what it wrote|there are |without them)[^]*$/i

function row(text: string): string {
  const message = plain(text)
  const remedy = /^'[^']*' (must[^]*)$/.exec(message)?.[1] ?? REMEDY.exec(message)?.[0] ?? '–'
  return `| ${cell(situations.get(text) ?? '')} | ${cell(message)} | ${cell(remedy)} |\n`
}

function cell(text: string): string {
  return escaped(text).replaceAll(/\s+/g, ' ')
}

const sections = [...found]
  .toSorted(([one], [other]) => (one < other ? -1 : 1))
  .map(([code, messages]) => {
    const title = code === SEVERAL ? '## Messages that come with several codes' : `## \`${code}\``
    const texts = [...messages.keys()].toSorted((one, other) => (plain(one) < plain(other) ? -1 : 1))
    const shown = texts.filter((text) => situations.has(text))
    const others = texts.filter((text) => !situations.has(text))
    const table =
      shown.length === 0
        ? ''
        : `| situation | message | what to do |\n| --- | --- | --- |\n${shown.map(row).join('')}`
    const between = shown.length > 0 && others.length > 0 ? '\n' : ''
    return `\n${title}\n\n${table}${between}${others.map((text) => `- ${escaped(plain(text))}\n`).join('')}`
  })

/** As Markdown shows it. */
function escaped(text: string): string {
  return text
    .split(/(`[^`]*`)/)
    .map((part, at) => (at % 2 === 1 ? part : part.replaceAll(/[[\]_*<|]/g, '\\$&')))
    .join('')
}

const after = INTRODUCTION + sections.join('')
const before = existsSync(page) ? readFileSync(page, 'utf8') : ''
if (values.check && after !== before) {
  console.error('docs/messages.md is out of date: run `npm run messages`.')
  process.exitCode = 1
} else if (after !== before) writeFileSync(page, after)
