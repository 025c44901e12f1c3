import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { http } from './http.ts'
import { mcp } from './mcp.ts'
import { memory } from './memory.ts'
import { model } from './model.ts'
import { proxy } from './proxy.ts'
import type { Finding } from './rounds.ts'
import { stampede } from './stampede.ts'
import { stores } from './stores.ts'
import { storm } from './storm.ts'
import { stream } from './stream.ts'
import { unary } from './unary.ts'
import { weight } from './weight.ts'

/**
 * Runs every benchmark, and writes RESULTS.md. With names (`npm run bench -- stream unary`) it runs only those, and writes nothing. The exit
 * code is 1 if a figure is beyond its limit.
 */
const questions = { stampede, stream, unary, http, storm, model, proxy, stores, mcp, memory, weight }
const asked = process.argv.slice(2)
const findings: Finding[] = []
for (const [name, question] of Object.entries(questions)) {
  if (asked.length > 0 && !asked.includes(name)) continue
  for (const finding of await question()) {
    findings.push(finding)
    console.log(row(finding).slice(2, -2).replaceAll(' | ', '  '))
  }
}
process.exitCode = findings.every(isMet) ? 0 : 1

if (asked.length === 0) writeResults()

function writeResults(): void {
  writeFileSync(
    new URL('RESULTS.md', import.meta.url),
    `# Results

Made by \`npm run bench\` on Node ${process.versions.node}, ${cpus().length} cores. Ratios are medians of rounds that ran both sides in turn.

| question | figure | limit | compared |
| --- | --- | --- | --- |
${findings.map(row).join('\n')}
`,
  )
}

function row(finding: Finding): string {
  const { question, figure, unit, ceiling, floor, note } = finding
  const limit = ceiling !== undefined ? `≤ ${ceiling}` : floor !== undefined ? `≥ ${floor}` : '–'
  return `| ${question} | ${short(figure)} ${unit}${isMet(finding) ? '' : ' (not met)'} | ${limit} | ${note} |`
}

function isMet({ figure, ceiling = Infinity, floor = -Infinity }: Finding): boolean {
  return figure <= ceiling && figure >= floor
}

function short(figure: number): string {
  return Math.abs(figure) >= 10 ? figure.toFixed(0) : figure.toFixed(2)
}
