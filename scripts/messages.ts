/**
 * Writes docs/messages.md: every message that this package can throw or report, by its code, read from the source.
 *
 *     tsx scripts/messages.ts            # --check fails if the page is out of date
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { produceAll } from '../test/messages/all.ts'
import type { Produced } from '../test/messages/situation.ts'
import { Checks } from './messages-checks.ts'
import { agree, Expressions, functionAround } from './messages-expressions.ts'
import { argumentsAt, withoutComments } from './messages-tokens.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const page = `${root}docs/messages.md`
const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } })

const SEVERAL = 'several codes'

const files = readdirSync(`${root}src`, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && file !== 'core/errors.ts')
  .map((file) => `src/${file.replaceAll('\\', '/')}`)
  .toSorted()
  .map((file) => ({ file, text: withoutComments(readFileSync(`${root}${file}`, 'utf8')) }))

const classes = files.flatMap(({ text }) =>
  [...text.matchAll(/\bclass (\w+) extends RefreshError\b/g)].map(([, name]) => name),
)
const MADE = new RegExp(`\\bnew (?:${['RefreshError', ...classes].join('|')})\\(`, 'g')

/** For each code: its messages, and the places in the source that make each message. */
const found = new Map<string, Map<string, Set<string>>>()

function note(code: string, message: string, place: string): void {
  const known = found.get(code) ?? new Map<string, Set<string>>()
  found.set(code, known)
  known.set(message, (known.get(message) ?? new Set()).add(place))
}

/** Notes the messages that one constructor call can make. */
function noteAll(
  place: string,
  expressions: Expressions,
  [code = '', message = '']: readonly string[],
): void {
  for (const each of expressions.given(code)) {
    for (const given of expressions.given(message)) {
      const name = /^[a-z]+(?:_[a-z]+)*$/.test(each.text) ? each.text : SEVERAL
      if (agree(each, given) && /[a-z]/i.test(given.text))
        note(name, given.text.replaceAll(/…+/g, '…'), place)
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
      noteAll(`${file} ${index}`, new Expressions(text, index, new Map()), made)
      continue
    }
    for (const call of calls) {
      const outer = new Expressions(call.text, call.index, new Map())
      const given = argumentsAt(call.text, call.text.indexOf('(', call.index))
      const filled = new Map(maker.parameters.map((name, at) => [name, outer.given(given[at] ?? '')]))
      noteAll(`${file} ${index}`, new Expressions(text, index, filled), made)
    }
  }
}

function uses(part: string, name: string): boolean {
  return new RegExp(`\\b${name}\\b`).test(part)
}

/** The calls of a function, in its own file and in files that import it. */
function* callsOf(
  name: string,
  home: string,
  homeText: string,
): Generator<{ file: string; text: string; index: number }> {
  const call = new RegExp(`(?<!function |[.\\w])${name}\\(`, 'g')
  const imported = new RegExp(`import \\{[^}]*\\b${name}\\b[^}]*\\} from '([^']*)'`)
  const isExported = new RegExp(`export function ${name}\\b`).test(homeText)
  for (const { file, text } of files) {
    const from = isExported ? imported.exec(text)?.[1] : undefined
    if (file !== home && (from === undefined || posix.join(posix.dirname(file), from) !== home)) continue
    for (const { index } of text.matchAll(call)) yield { file, text, index }
  }
}

/** Cache of `patternOf`, because each message is compared with all produced ones. */
const patterns = new Map<string, RegExp>()

const produced = await produceAll()
/** If more options than this have the same problem, an ellipsis stands for their names. */
const MOST_NAMES = 4

const problems = [...new Checks(files).all()]
for (const { name, text, home, place } of problems) {
  const same = problems.filter((each) => each.text === text && each.home === home)
  const names = new Set(same.map((each) => each.name))
  const isNamed = names.size <= MOST_NAMES && [...names].every((each) => isProduced(`'${each}' ${text}.`))
  note('invalid_option', `'${isNamed ? name : '…'}' ${text}.`, place)
}

function isProduced(text: string): boolean {
  return produced.some(({ message }) => patternOf(text).test(message))
}

/** For each code and message: the situations that led to it. */
const situations = new Map<string, Produced[]>()

/** Finds the source's message of each situation. */
for (const each of produced) {
  const { when, code, message } = each
  const fitting = [code, SEVERAL].flatMap((name) =>
    [...(found.get(name)?.keys() ?? [])]
      .filter((text) => patternOf(text).test(message))
      .map((text) => ({ name, text })),
  )
  // The longest message matches best, because it has the most fixed words.
  const [best] = fitting.toSorted((one, other) => other.text.length - one.text.length)
  if (best === undefined) {
    console.error(`No message of the source is what was produced: ${when}: ${code}: ${message}`)
    process.exitCode = 1
  } else {
    const key = keyOf(best.name, best.text)
    situations.set(key, [...(situations.get(key) ?? []), each])
  }
}

function keyOf(code: string, text: string): string {
  return `${code}: ${text}`
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
a path, a name. A table shows a situation that leads to each message, and what to do, as the message says it. The tests cause these situations,
and check their messages. No test can cause the messages below a table on every machine. [errors.md](errors.md) says more.
\`npm run messages\` writes this page from the source.
`

const VERBS =
  'adopt|add|allow|ask|assign|attach|begin|build|call|change|check|chmod|choose|close|configure|connect|correct|create|end|give|go on|grant|' +
  'install|keep|leave|let|load|log in|log out|look|make|mend|mount|move|multiply|name|put|raise|read|refresh|register|remove|renew|replace|return|' +
  'run|say|see|send|set|should|split|try|upgrade|use|wait|wrap|write'
/** Matches the part of a message that tells the reader what to do, up to the end of the message. It may be a question. */
const REMEDY = new RegExp(
  `(?<=[:;.,] )(?:(?:or )?(?:${VERBS})\\b|(?:is|are|does|did|do|has|was|were) [^?.:]*\\?|what (?:it wrote|writes it) |there are |without them|\`)[^]*$`,
  'i',
)
/** Codes of failures that pass by themselves. */
const PASSING = new Set([
  'refresh_failed',
  'refresh_suspended',
  'source_rate_limited',
  'source_unavailable',
  'source_unreachable',
  'store_failed',
])

function remedyIn(message: string): string | undefined {
  const [missing, absent, renamed] = /^'([^']*)' is (?:missing|called '([^']*)' now)/.exec(message) ?? []
  return (
    /^'[^']*' (must[^]*)$/.exec(message)?.[1] ??
    REMEDY.exec(message)?.[0].replace(/^([^(]*)\)\.$/, '$1') ??
    /\b(?:must|needs)\b[^]*$/.exec(message)?.[0] ??
    (missing && `give '${renamed ?? absent}'`)
  )
}

/** The rows of a message. If only the complete messages of its situations say what to do, each such remedy gets its own row. */
function rows(code: string, text: string): string {
  const message = plain(text)
  const [first, ...others] = situations.get(keyOf(code, text)) ?? []
  const own = remedyIn(message)
  const shown = new Map<string, string>()
  for (const { when, message: whole } of [first, ...others].filter((each) => each !== undefined)) {
    const remedy = own ?? remedyIn(whole)
    if (remedy !== undefined && !shown.has(remedy)) shown.set(remedy, when)
  }
  if (shown.size === 0 && (PASSING.has(code) || /no process asks it again/.test(message))) {
    shown.set('nothing: a later call tries again by itself', first?.when ?? '')
  }
  if (shown.size === 0) {
    console.error(`A message does not say what to do: ${code}: ${message}`)
    process.exitCode = 1
  }
  return [...shown].map(([remedy, when]) => `| ${[when, message, remedy].map(cell).join(' | ')} |\n`).join('')
}

function cell(text: string): string {
  return escaped(text).replaceAll(/\s+/g, ' ')
}

/** Whether the page need not list a message: a longer message of the same place includes it, or it only occurs inside other messages. */
function isToldBySome(messages: ReadonlyMap<string, ReadonlySet<string>>, text: string): boolean {
  const [pattern, places] = [patternOf(text), messages.get(text)]
  const isSame = (other: string): boolean =>
    other !== text && [...(messages.get(other) ?? [])].some((place) => places?.has(place))
  if ([...messages.keys()].some((other) => isSame(other) && pattern.test(plain(other)))) return true
  const within = new RegExp(pattern.source.slice(1, -1))
  return /[a-z]{2,}.* .*[a-z]{3,}/i.test(plain(text)) && produced.some(({ message }) => within.test(message))
}

const sections = [...found]
  .toSorted(([one], [other]) => (one < other ? -1 : 1))
  .map(([code, messages]) => {
    const title = code === SEVERAL ? '## Messages that come with several codes' : `## \`${code}\``
    const texts = [...messages.keys()].toSorted((one, other) => (plain(one) < plain(other) ? -1 : 1))
    const shown = texts.filter((text) => situations.has(keyOf(code, text)))
    const others = texts.filter((text) => !situations.has(keyOf(code, text)) && !isToldBySome(messages, text))
    const table =
      shown.length === 0
        ? ''
        : `| situation | message | what to do |\n| --- | --- | --- |\n${shown.map((text) => rows(code, text)).join('')}`
    const between = shown.length > 0 && others.length > 0 ? '\n' : ''
    return `\n${title}\n\n${table}${between}${others.map((text) => `- ${escaped(plain(text))}\n`).join('')}`
  })

/** A text with Markdown's special characters escaped, except in code. */
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
