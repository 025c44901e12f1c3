import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { expect, onTestFinished, test } from 'vitest'
import { temporaryFolder } from '../support/folder.ts'
import { programOf } from '../support/programs.ts'
import type { Contest, Stay, Told } from './contestant.ts'
import { places } from './places.ts'

const program = programOf('contestant')
/** The trial: so many times as many of its own, contested by twice as many processes. */
const more = Number(process.env['TAKE_OVERS'] ?? 1)
const isTrial = process.env['TAKE_OVERS'] !== undefined
const PROCESSES = isTrial ? 8 : 4

/** Those who came in while another was inside. */
function doubles(stays: readonly Stay[]): Stay[] {
  const inOrder = stays.toSorted((one, other) => one.from - other.from)
  const lastEnds = new Map<number, number>()
  return inOrder.filter(({ key, from, until }) => {
    const end = lastEnds.get(key) ?? 0
    lastEnds.set(key, Math.max(end, until))
    return from < Math.min(end, until)
  })
}

// Many accounts are contested side by side, for a server judges by the lease only; a lease is one that a busy machine keeps.
const rules: Record<string, Omit<Contest, 'place' | 'folder'>> = {
  files: { deaths: 8, keys: 4, lease: 1_000 },
  'Redis, by ioredis': { deaths: 8, keys: 8, lease: 1_000 },
  'PostgreSQL, by pg': { deaths: 6, keys: 8, lease: 1_000 },
}
/** The trial's: more deaths, over more accounts. */
const ofTrial: typeof rules = {
  files: { deaths: 20, keys: 4, lease: 1_000 },
  'Redis, by ioredis': { deaths: 20, keys: 24, lease: 1_000 },
  'PostgreSQL, by pg': { deaths: 12, keys: 16, lease: 1_000 },
}
const rows = Object.entries(places).flatMap(([name, make]) => {
  const rule = (isTrial ? ofTrial : rules)[name]
  if (rule === undefined) return []
  const deaths = rule.deaths * more
  return [{ name, make, rule: { ...rule, deaths }, all: deaths * PROCESSES }]
})

test.each(rows)(
  `[S4] $name: given $all take-overs of locks whose holders died, by ${PROCESSES} processes, then no lock ever has two holders`,
  async ({ make, rule, all }) => {
    const folder = await temporaryFolder()
    const contest: Contest = { place: await make(), folder, ...rule }
    const contestants = Array.from({ length: PROCESSES }, async (_, n) => {
      const child = spawn(process.execPath, [program, JSON.stringify(contest), String(n)], {
        stdio: ['pipe', 'pipe', 'inherit'],
      })
      onTestFinished(() => void child.kill('SIGKILL'))
      return JSON.parse(await text(child.stdout)) as Told
    })
    const told = await Promise.all(contestants)
    const sum = (count: 'deaths' | 'pauses' | 'abandoned'): number =>
      told.reduce((total, one) => total + one[count], 0)
    expect(doubles(told.flatMap(({ stays }) => stays))).toEqual([])
    const died = sum('deaths')
    expect(died).toBeGreaterThanOrEqual(all)
    // The last one to die is followed by nobody; whoever followed another was told.
    expect(sum('abandoned')).toBeGreaterThanOrEqual(died - rule.keys)
    expect(sum('pauses')).toBeGreaterThan(0)
  },
  300_000 * more,
)
