/**
 * Writes llms.txt, an index with one line for each page, from the list in docs/README.md. It fails if that list lacks a page.
 *
 *     tsx scripts/llms.ts            # --check fails if llms.txt is out of date
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const root = fileURLToPath(new URL('..', import.meta.url))
const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } })

const index = readFileSync(`${root}docs/README.md`, 'utf8')
const readme = readFileSync(`${root}README.md`, 'utf8')
const [, summary = ''] = /^# .*\n\n(.+)$/m.exec(readme) ?? []

const pages = readdirSync(`${root}docs`, { recursive: true, encoding: 'utf8' })
  .map((file) => file.replaceAll('\\', '/'))
  .filter((file) => file.endsWith('.md') && file !== 'README.md')
const listed = [...index.matchAll(/^- \[[^\]]+\]\(([^)#]+)\): /gm)].map(([, file = '']) => file)
const missing = pages.filter((file) => !listed.includes(file))
if (missing.length > 0)
  throw new Error(`docs/README.md does not list ${missing.join(', ')}: add a line for each.`)

/** A line of llms.txt. Its paths begin at the repository's root. */
function line(text: string): string {
  if (text.startsWith('## ')) return `\n${text}\n`
  return text.replace(/\]\(([^)]+)\)/, (_all, path: string) => {
    return path.startsWith('../') ? `](${path.slice(3)})` : `](docs/${path})`
  })
}

const lines = index
  .split('\n')
  .filter((text) => /^(?:## |- \[)/.test(text))
  .map(line)

const after = `# llm-refresh\n\n> ${summary}\n${lines.join('\n')}\n`
const before = existsSync(`${root}llms.txt`) ? readFileSync(`${root}llms.txt`, 'utf8') : ''
if (values.check && after !== before) {
  console.error('llms.txt is out of date: run `npm run pages`.')
  process.exitCode = 1
} else if (after !== before) writeFileSync(`${root}llms.txt`, after)
