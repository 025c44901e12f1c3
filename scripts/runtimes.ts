/**
 * Writes the table of docs/runtimes.md, between `<!-- runtimes -->` and `<!-- /runtimes -->`, from the results of `npm run trial -- runtimes`.
 *
 *     tsx scripts/runtimes.ts            # --check fails if the table is out of date
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { z } from 'zod'

const root = fileURLToPath(new URL('..', import.meta.url))
const page = `${root}docs/runtimes.md`
const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } })

const Results = z.array(z.object({ runtime: z.string(), told: z.record(z.string(), z.string()) }))
const results = Results.parse(JSON.parse(readFileSync(`${root}bench/runtimes.json`, 'utf8')))

const MARKED = /(<!-- runtimes -->\n)[^]*?(<!-- \/runtimes -->)/
const things = [...new Set(results.flatMap(({ told }) => Object.keys(told)))]
const cell = (said: string | undefined): string => (said === undefined ? '–' : said === 'yes' ? 'yes' : 'no')
const rows = things.map((thing) => [thing, ...results.map(({ told }) => cell(told[thing]))])
const table = [['', ...results.map(({ runtime }) => runtime)], ['---', ...results.map(() => '---')], ...rows]
  .map((cells) => `| ${cells.join(' | ')} |\n`)
  .join('')

const before = readFileSync(page, 'utf8')
const after = before.replace(MARKED, (_all, start: string, end: string) => `${start}\n${table}\n${end}`)
if (values.check && after !== before) {
  console.error('docs/runtimes.md is out of date: run `npm run runtimes`.')
  process.exitCode = 1
} else if (after !== before) writeFileSync(page, after)
