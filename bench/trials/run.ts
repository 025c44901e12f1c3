import { appendFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { aborts } from './aborts.ts'
import { bundlers } from './bundlers.ts'
import { hostile } from './hostile.ts'
import { masses } from './masses.ts'
import { mcp } from './mcp.ts'
import { outages } from './outages.ts'
import { python } from './python.ts'
import { refusals } from './refusals.ts'
import { runtimes } from './runtimes.ts'
import {
  commands,
  conformance,
  contracts,
  expiries,
  fleets,
  kills,
  lacking,
  partitions,
  pools,
  schedules,
  servers,
  takeOvers,
  workerd,
} from './suites.ts'
import { type Battery, commit, type Figure } from './trial.ts'
import { types } from './types.ts'
import { frozen, slow } from './waits.ts'

/**
 * Runs all batteries, or the named ones (`npm run trial -- slow outages`), and appends their figures to TRIALS.md. The exit code is 1 if a
 * figure is beyond its limit, and 2 if a name is unknown.
 */
const batteries: Readonly<Record<string, Battery>> = {
  slow,
  frozen,
  outages,
  refusals,
  masses,
  mcp,
  hostile,
  workerd,
  runtimes,
  lacking,
  bundlers,
  conformance,
  types,
  fleets,
  kills,
  'take-overs': takeOvers,
  partitions,
  schedules,
  contracts,
  expiries,
  servers,
  pools,
  commands,
  aborts,
  python,
}

const names = process.argv.slice(2)
const unknown = names.filter((name) => !(name in batteries))
if (unknown.length > 0) {
  console.error(`There is no battery ${unknown.join(', ')}. There are: ${Object.keys(batteries).join(', ')}.`)
  process.exit(2)
}
for (const [name, battery] of Object.entries(batteries))
  if (names.length === 0 || names.includes(name)) await run(name, battery)

async function run(name: string, battery: Battery): Promise<void> {
  const began = Date.now()
  const figures: Figure[] = []
  const tell = (figure: Figure): void => {
    figures.push(figure)
    console.log(line(figure))
  }
  await battery(tell).catch((error: unknown) => {
    tell({ what: 'It ended early', figure: String(error), limit: 'no', isMet: false })
  })
  const missed = figures.filter(({ isMet }) => !isMet).length
  const took = Math.round((Date.now() - began) / 1_000)
  const verdict = `${name}: ${missed === 0 ? 'holds' : `does NOT hold: ${missed} of ${figures.length} figures beyond their limits`}`
  console.log(`\n${verdict}\n`)
  if (missed > 0) process.exitCode = 1
  const date = new Date(began).toISOString().slice(0, 16).replace('T', ' ')
  const where = `Node ${process.versions.node}, ${cpus().length} cores, load ${loadavg()[0]?.toFixed(1)}, ${took} s`
  const text = [
    `## ${name}, ${date} UTC, commit ${commit()}`,
    `${where}.`,
    figures.map(line).join('\n'),
    `**${verdict}**`,
  ]
  appendFileSync(new URL('../TRIALS.md', import.meta.url), `\n${text.join('\n\n')}\n`)
}

function line({ what, figure, limit, isMet }: Figure): string {
  return `- ${what}: ${figure} (limit: ${limit})${isMet ? '' : ' **not met**'}`
}
