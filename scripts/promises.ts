/**
 * Writes docs/promises.md from test/promises.ts.
 *
 *     tsx scripts/promises.ts            # --check fails if the page is out of date
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { promises } from '../test/promises.ts'

const page = fileURLToPath(new URL('../docs/promises.md', import.meta.url))
const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } })

/** The first letter of an id names the subject of the promise. */
const GROUPS: Readonly<Record<string, string>> = {
  C: 'One refresh for all callers',
  F: 'fetch and undici',
  U: 'What counts as a rejection',
  P: 'Providers',
  M: 'Models of the AI SDK',
  K: 'Credentials and sources',
  S: 'Stores',
  E: 'Errors and pages',
  Z: 'Secrets and events',
  R: 'Runtimes and compilers',
  A: 'MCP',
  X: 'The local proxy',
  L: 'The command line',
}

const INTRODUCTION = `# Promises

This page lists every property that the library promises. Each has an id. The tests carry the ids of the promises that they show in their names, so you can run
the tests of one promise, here \`C2\`:

    npx vitest run -t 'C2\\b'

The words *generation*, *flight*, *session* and *revision* are explained in [ARCHITECTURE.md](../ARCHITECTURE.md#words). One test fails if no test
shows a promise. Promises that no test shows yet stand at the end. \`npm run pages\` writes this page from
\`test/promises.ts\`.
`

const all = Object.entries(promises)
const letters = new Set(all.map(([id]) => id.slice(0, 1)))
const unknown = [...letters].filter((letter) => GROUPS[letter] === undefined)
if (unknown.length > 0) throw new Error(`Name the group of ${unknown.join(', ')} in scripts/promises.ts.`)

function row([id, { says }]: (typeof all)[number]): string {
  return `| ${id} | ${says.replaceAll('|', '\\|')} |\n`
}

function table(rows: typeof all): string {
  return `| id | promise |\n| --- | --- |\n${rows.map(row).join('')}`
}

const shown = all.filter(([, { planned }]) => planned === undefined)
const sections = Object.entries(GROUPS).flatMap(([letter, title]) => {
  const rows = shown.filter(([id]) => id.startsWith(letter))
  return rows.length === 0 ? [] : [`\n## ${title}\n\n${table(rows)}`]
})
const planned = all.filter(([, entry]) => entry.planned !== undefined)
const later = planned.length === 0 ? '' : `\n## Planned: no test shows these yet\n\n${table(planned)}`

const after = INTRODUCTION + sections.join('') + later
const before = existsSync(page) ? readFileSync(page, 'utf8') : ''
if (values.check && after !== before) {
  console.error('docs/promises.md is out of date: run `npm run pages`.')
  process.exitCode = 1
} else if (after !== before) writeFileSync(page, after)
